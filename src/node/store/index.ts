export type { LedgerCrashPoint } from './crash-points.ts';
export { LEDGER_CRASH_POINTS } from './crash-points.ts';
export { cutLedger } from './cut.ts';
export type { HistoryOptions } from './finder.ts';
export type { Place } from './history-index.ts';
export type { LedgerStore } from './ledger-store.ts';
export { openLedgerStore } from './ledger-store.ts';
export { seal, unseal } from './records.ts';
export { STORE_DAMAGES, STORE_REFUSALS } from './refusals.ts';
export type { SnapshotWriter } from './snapshot-writer.ts';
export type {
  BegunSnapshot,
  BlockSummary,
  CommitRequest,
  DamagedPage,
  IncludedTransaction,
  LedgerStoreDependencies,
  LedgerStoreOptions,
  LedgerStoreStatus,
  Retention,
  ServedBlock,
  SnapshotAnchor,
  SnapshotOffer,
  SnapshotRequest,
  StagedBlock,
  StoredAnchor,
  StoredBlock,
  StoredHead,
} from './types.ts';
export { wipeLedger } from './wipe.ts';
