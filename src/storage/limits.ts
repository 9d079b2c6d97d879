/** IndexedDB and LevelDB both stay fast with keys of this length; ours are at most 42 bytes. */
export const STORE_KEY_BYTES_MAX = 128;
/** Entries that one `list` may return: bounds the memory of one answer. */
export const LIST_LIMIT_MAX = 10_000;
