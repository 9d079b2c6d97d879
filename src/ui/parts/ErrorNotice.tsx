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

/** A failure in neutral words, with a way on. */
export function ErrorNotice({ error, onRetry, action }: ErrorNoticeProps) {
  const words = describeError(error);
  const isCalm = error.code === 'prompt-cancelled' || error.code === 'aborted';
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
