import type { ReactNode } from 'react';
import type { ErrorData } from '../../base/index.ts';
import { describeError } from '../format/errors.ts';
import { Button } from './Button.tsx';
import { Notice } from './Notice.tsx';

type ErrorNoticeProps = {
  readonly error: ErrorData;
  readonly onRetry?: (() => void) | undefined;
  readonly action?: ReactNode;
};

/** Nothing went wrong: a person turned away, or asked for what is not there. */
const CALM = new Set(['prompt-cancelled', 'aborted', 'not-found', 'height-unknown']);

/** A failure in neutral words, with a way on. */
export function ErrorNotice({ error, onRetry, action }: ErrorNoticeProps) {
  const words = describeError(error);
  const isCalm = CALM.has(error.code);
  return (
    <Notice
      kind={isCalm ? 'info' : 'danger'}
      title={words.title}
      isLive
      action={
        action ?? (onRetry === undefined ? undefined : <Button onClick={onRetry}>Try again</Button>)
      }
    >
      {words.advice}
    </Notice>
  );
}
