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
/**
 * Weight of a chunk of a snapshot, a single heavier leaf excepted. The same on every node: all
 * divide one state alike. As a page, or a page would not be part of one chunk.
 */
export const CHUNK_BYTES_MAX = 64 * 1024;
/** What a leaf adds to its key and value when encoded in a page, at most. */
export const LEAF_OVERHEAD_BYTES = 14;
/** Weight of the largest leaf. */
export const LEAF_WEIGHT_MAX = STATE_KEY_BYTES_MAX + STATE_VALUE_BYTES_MAX + LEAF_OVERHEAD_BYTES;
/** Weight of the smallest leaf. */
export const LEAF_WEIGHT_MIN = 1 + LEAF_OVERHEAD_BYTES;
/** Bytes of any honest chunk: one leaf, or less, and how many there are. */
export const CHUNK_ENCODED_BYTES_MAX = LEAF_WEIGHT_MAX + 3;
/** Nodes of a manifest: 180,000 chunks (3 to 11 GB of state) and what is above; 7.5 MB at most. */
export const MANIFEST_NODES_MAX = 192 * 1024;
/** Pages of one layout: four million accounts at a few leaves a page. */
export const LAYOUT_PAGES_MAX = 4 * 1024 * 1024;
/** Heights whose roots can still be proved against. */
export const VERSIONS_KEPT_DEFAULT = 64;
/** Of these, what is kept however short memory is: whoever was told a head may still ask for it. */
export const VERSIONS_KEPT_MIN = 4;
/** What older versions may hold however small the cache is. */
export const VERSION_BYTES_ALWAYS = 8 * 1024 * 1024;
/** Keys of one proof. */
export const PROOF_KEYS_MAX = 512;
/** Nodes of one proof: 512 keys of some 70 nodes each, with room; about 2 MB of digests. */
export const PROOF_NODES_MAX = 64 * 1024;
/** Keys in the record of what changed in one page: what three bytes of ULEB128 can say. */
export const DELTA_ENTRIES_MAX = 2 * 1024 * 1024 - 1;
/** Of a page's weight, what its changes may take in their own record before it is written anew. */
export const DELTA_SHARE_MAX = 1 / 2;
/**
 * Of the largest page, what its changes may take while it is not in memory: beyond, it is loaded
 * and written anew. Leaves that are there never take as much, but keys that went are named too.
 */
export const DELTA_TIMES_MAX = 8;
/** Of what `evict` allows, what older versions may hold. */
export const VERSION_SHARE = 1 / 4;
/** Of what `evict` allows, what the ways to some leaves may take when the rest of their pages went. */
export const PARTLY_SHARE = 1 / 2;
/** And what loaded pages may take however large the layout is. */
export const PAGES_SHARE_MIN = 1 / 4;
/** What a page takes in memory, loaded or not, with its share of the tree above; measured. */
export const LAYOUT_BYTES_PER_PAGE = 400;
