import type { ReactNode } from 'react';
import type { Answer } from '../hooks/ask.ts';
import { ErrorNotice } from './ErrorNotice.tsx';
import { Waiting } from './Notice.tsx';

type AnsweredProps<Value> = {
  readonly answer: Answer<Value>;
  readonly children: (value: Value) => ReactNode;
  readonly waiting?: string;
};

/** Draws an answer, or that it is awaited, or why there is none. */
export function Answered<Value>({ answer, children, waiting }: AnsweredProps<Value>) {
  if (answer.value !== undefined) return children(answer.value);
  if (answer.error !== undefined && answer.error.code !== 'node-not-ready') {
    return <ErrorNotice error={answer.error} onRetry={answer.askAgain} />;
  }
  return <Waiting>{waiting ?? 'Reading from this tab’s node…'}</Waiting>;
}
