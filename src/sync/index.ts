export type { SyncLimits } from './limits.ts';
export { SYNC_LIMITS } from './limits.ts';
export { progressOf } from './schedule.ts';
export { createSync, isResting, step } from './step.ts';
export type {
  FetchedBlock,
  SyncEffect,
  SyncEvent,
  SyncFault,
  SyncProgress,
  SyncStage,
  SyncState,
  SyncTransition,
  Ticket,
} from './types.ts';
