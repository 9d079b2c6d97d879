export type { SnapshotLimits } from './limits.ts';
export { SNAPSHOT_LIMITS } from './limits.ts';
export { createSnapshotSync, snapshotProgress, step } from './step.ts';
export type {
  SnapshotEffect,
  SnapshotEvent,
  SnapshotFault,
  SnapshotProgress,
  SnapshotStart,
  SnapshotState,
  SnapshotTicket,
  SnapshotTransition,
} from './types.ts';
