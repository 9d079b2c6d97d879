/**
 * Version of everything below; data of a later one are refused as `store-too-new`. 2: what changed
 * in a page may lie beside it. 3: pages may be written with their hashes. A store of an earlier
 * version becomes one of this with its next checkpoint.
 */
export const STORE_FORMAT = 3;
/** Memory for pages of state; fits a phone. */
export const CACHE_BYTES_MAX_DEFAULT = 32 * 1024 * 1024;
/** Blocks after which a checkpoint is due; each costs a restart about 3 ms of replay. */
export const CHECKPOINT_EVERY_BLOCKS_DEFAULT = 256;
/** Blocks between a checkpoint that failed (a full disk, say) and the next attempt. */
export const CHECKPOINT_RETRY_BLOCKS = 16;
/** Journal bytes after which a checkpoint is due, whatever the number of blocks. */
export const JOURNAL_BYTES_MAX = 16 * 1024 * 1024;
/** Bytes of one write of a checkpoint: about 20 pages, 25 ms with IndexedDB. */
export const CHECKPOINT_STEP_BYTES = 1024 * 1024;
/** Journal records read at once. */
export const JOURNAL_RECORDS_PER_STEP = 32;
/** Entries of the index in one record: 64 KB. */
export const INDEX_RUN_ENTRIES = 3840;
/** Segments of one level that are merged into one of the next. */
export const INDEX_SEGMENTS_PER_LEVEL = 4;
/** Runs of the index kept in memory: 4 MB. */
export const INDEX_RUNS_KEPT = 64;
/**
 * Encoded bytes of the blocks that are kept decoded for readers; decoded they take about ten times
 * as much. One block counts for at least as much as 16 KB, so at most 128 are kept.
 */
export const BLOCKS_KEPT_BYTES = 2 * 1024 * 1024;
export const BLOCK_KEPT_BYTES_MIN = 16 * 1024;
/** Blocks that are read and decoded at a time, whoever asks. */
export const BLOCK_LOADS_MAX = 2;
/** Bytes of one encoded part of a record; bounds what a decoder will take. */
export const RECORD_BYTES_MAX = 64 * 1024 * 1024;
/** State changes of one block. */
export const CHANGES_PER_BLOCK_MAX = 1024 * 1024;
/** Entries of one page of an account's history. */
export const HISTORY_LIMIT_MAX = 1000;
/** Blocks between two snapshots; the same on every node, so that all offer the same roots. */
export const SNAPSHOT_EVERY_BLOCKS_DEFAULT = 1024;
/** Snapshots kept for peers: what is not common to them and the head takes room on the disk. */
export const SNAPSHOTS_KEPT_DEFAULT = 2;
export const SNAPSHOTS_KEPT_MAX = 16;
/** Blocks before a snapshot's height in which no other checkpoint begins, lest it be awaited. */
export const SNAPSHOT_QUIET_BLOCKS = 16;
/** Above the generations of own checkpoints until then, which count two each. */
export const WRITER_GENERATION_GAP = 2 ** 32;
/** Blocks deleted in one write, which a commit may have to wait for. */
export const PRUNE_BLOCKS_PER_STEP = 8;
/** Records deleted in one write of other cleaning: 1 MB of pages. */
export const SWEEP_RECORDS_PER_STEP = 16;
/** Pages that are read to find one subtree for a peer; below one place lie a handful at most. */
export const SUBTREE_PAGES_READ_MAX = 256;
