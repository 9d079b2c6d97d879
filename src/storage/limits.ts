/** IndexedDB and LevelDB both stay fast with keys of this length; ours are at most 42 bytes. */
export const STORE_KEY_BYTES_MAX = 128;
/** Entries that one `list` may return: bounds the memory of one answer. */
export const LIST_LIMIT_MAX = 10_000;
/**
 * Memory of LevelDB beside what a node counts: blocks of files that are not mapped (of the first
 * thousand files, 2 GB, all are, and the cache stays empty); what was written last, twice while it
 * goes to the disk; and of each open file its index and filter, 10 KB. Together 26 MB at most.
 * Measured with 3,000,000 accounts: four times as much for what was written last, with files of
 * 2 or 8 MB, saved a tenth of the bytes that are written, and no processor time.
 */
export const LEVEL_DB_CACHE_BYTES = 8 * 1024 * 1024;
export const LEVEL_DB_WRITE_BUFFER_BYTES = 4 * 1024 * 1024;
export const LEVEL_DB_OPEN_FILES_MAX = 1000;
