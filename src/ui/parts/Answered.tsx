import type { ReactNode } from 'react';
import type { Answer } from '../hooks/ask.ts';
import { ErrorNotice } from './ErrorNotice.tsx';
import { Waiting } from './Notice.tsx';

type AnsweredProps<Value> = {
  readonly answer: Answer<Value>;
  readonly children: (value: Value) => ReactNode;
  readonly waiting?: string;
  /** Stands above what is awaited or missing: a page without an answer still says what it is. */
  readonly head?: ReactNode;
};

/** Draws an answer, or that it is awaited, or why there is none. */
export function Answered<Value>({ answer, children, waiting, head }: AnsweredProps<Value>) {
  if (answer.value !== undefined) return children(answer.value);
  return (
    <>
      {head}
      {answer.error !== undefined && answer.error.code !== 'node-not-ready' ? (
        <ErrorNotice error={answer.error} onRetry={answer.askAgain} />
      ) : (
        <Waiting>{waiting ?? 'Reading from this tab’s node…'}</Waiting>
      )}
    </>
  );
}
