/**
 * Places where the store is written, in the order of one commit and one checkpoint. `…-begun` is
 * reached before the write, `…-done` after it.
 */
export const LEDGER_CRASH_POINTS = [
  'genesis-begun',
  'genesis-done',
  'journal-cut-begun',
  'journal-cut-done',
  'commit-begun',
  'commit-done',
  'checkpoint-clean-begun',
  'checkpoint-clean-done',
  'checkpoint-pages-begun',
  'checkpoint-pages-done',
  'checkpoint-blocks-begun',
  'checkpoint-blocks-done',
  'checkpoint-index-begun',
  'checkpoint-index-done',
  'checkpoint-switch-begun',
  'checkpoint-switch-done',
  'checkpoint-garbage-begun',
  'checkpoint-garbage-done',
  // A snapshot taken over from peers: begun, its chunks, the switch, what was there before it.
  'snapshot-begin-begun',
  'snapshot-begin-done',
  'snapshot-chunks-begun',
  'snapshot-chunks-done',
  'snapshot-finish-begun',
  'snapshot-finish-done',
  'snapshot-switch-begun',
  'snapshot-switch-done',
  'snapshot-sweep-begun',
  'snapshot-sweep-done',
  // Blocks that are kept no longer.
  'prune-begun',
  'prune-done',
  'page-repair-begun',
  'page-repair-done',
] as const;
export type LedgerCrashPoint = (typeof LEDGER_CRASH_POINTS)[number];

type Begun<Point> = Point extends `${infer Name}-begun` ? Name : never;
/** A kind of write. */
export type WriteName = Begun<LedgerCrashPoint>;
