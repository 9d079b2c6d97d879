/** Keys are a module's number and a few identifiers of 32 bytes. */
export const STATE_KEY_BYTES_MAX = 256;
/** The largest single value: code of a contract. */
export const STATE_VALUE_BYTES_MAX = 512 * 1024;
/** Values up to here stand in the leaf's hash themselves; longer ones by their digest. */
export const INLINE_VALUE_BYTES_MAX = 64;
/** Nibbles of a path: 32 bytes. */
export const PATH_NIBBLES = 64;
/** Encoded bytes above which a page is split: the best size measured for IndexedDB. */
export const PAGE_BYTES_MAX_DEFAULT = 64 * 1024;
/** Leaves of one page: 64 KB of the smallest leaves (15 bytes); a split page never has more. */
export const PAGE_LEAVES_MAX = 16 * 1024;
/** Pages of one layout: four million accounts at a few leaves a page. */
export const LAYOUT_PAGES_MAX = 4 * 1024 * 1024;
/** Heights whose roots can still be proved against. */
export const VERSIONS_KEPT_DEFAULT = 64;
/** Keys of one proof. */
export const PROOF_KEYS_MAX = 512;
/** Nodes of one proof: 512 keys of some 70 nodes each, with room; about 2 MB of digests. */
export const PROOF_NODES_MAX = 64 * 1024;
