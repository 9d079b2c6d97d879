export { breathing } from './breathing.ts';
export type { BlockRefusal, CommittedEvent, ExecutedBlock, Head } from './chain.ts';
export { checkpointRecordCodec, replayRecordCodec } from './checkpoint-record.ts';
export type { CheckpointStatus } from './checkpoints.ts';
export type { ValidatorSigner } from './consensus-driver.ts';
export type { CrashPoint, FileCrashPoint, OnCrashPoint, TabCrashPoint } from './crash-points.ts';
export { CRASH_POINTS } from './crash-points.ts';
export type { TraceLine } from './diagnostics.ts';
export type { FaucetError, FaucetSigner } from './faucet.ts';
export { evidenceStored, votesLogged } from './inspect.ts';
export { UNSIGNED_RANGES_MAX } from './limits.ts';
export type { SubmissionError } from './mempool-driver.ts';
export { TabellionNode } from './node.ts';
export { signingMarkCodec } from './signing-guard.ts';
export type {
  AccountHistory,
  LedgerSource,
  NodeMode,
  ProvenState,
  ReadOptions,
  SourceTrust,
} from './source.ts';
export { NODE_MODES } from './source.ts';
export type {
  LightAlarm,
  LightStatus,
  NodeEvents,
  NodeStage,
  NodeStatus,
  Promotion,
  SnapshotStatus,
} from './status.ts';
export type {
  BlockSummary,
  IncludedTransaction,
  LedgerStore,
  Place,
  StoredBlock,
} from './store/index.ts';
export { openLedgerStore, STORE_DAMAGES, STORE_REFUSALS, wipeLedger } from './store/index.ts';
export type { TrackedTransaction } from './tracker.ts';
export { chainTrust, NEAR_BLOCKS } from './trust.ts';
export type {
  NodeHome,
  NodeOptions,
  SigningMark,
  SigningMarkKeeper,
  StorageEstimate,
  StorageEvent,
  ValidatorMarker,
} from './types.ts';
