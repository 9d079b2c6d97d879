export type { LedgerCrashPoint } from './crash-points.ts';
export { LEDGER_CRASH_POINTS } from './crash-points.ts';
export type { Place } from './history-index.ts';
export type { LedgerStore } from './ledger-store.ts';
export { openLedgerStore } from './ledger-store.ts';
export type {
  BlockSummary,
  CommitRequest,
  IncludedTransaction,
  LedgerStoreDependencies,
  LedgerStoreOptions,
  LedgerStoreStatus,
  ServedBlock,
  StagedBlock,
  StoredBlock,
  StoredHead,
} from './types.ts';
