export type { AdmissionError } from './errors.ts';
export type { MempoolLimits } from './limits.ts';
export { MEMPOOL_LIMITS } from './limits.ts';
export { NotedBlocks } from './noted.ts';
export { selectForBlock } from './select.ts';
export type { MempoolState } from './state.ts';
export {
  createMempool,
  firstFreeSequence,
  getPending,
  isKnown,
  listPending,
  mempoolSize,
  pendingOf,
} from './state.ts';
export { step } from './step.ts';
export type {
  AccountSequence,
  DropReason,
  MempoolEffect,
  MempoolEvent,
  MempoolSize,
  MempoolTransition,
  PendingTransaction,
  SelectionLimits,
} from './types.ts';
