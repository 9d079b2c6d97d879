/** Longest clientDataJSON that is read; browsers write 110 to 300 bytes. */
export const CLIENT_DATA_JSON_BYTES_MAX = 1024;
/** Deepest nesting of arrays and objects in it; the outer object is 1. */
export const CLIENT_DATA_DEPTH_MAX = 4;
/** rpIdHash 32 · flags 1 · counter 4 (WebAuthn Level 3 §6.1). */
export const AUTHENTICATOR_DATA_BYTES_MIN = 37;
/** The rest may be extension outputs, which are ignored. */
export const AUTHENTICATOR_DATA_BYTES_MAX = 512;
/** A Merkle path longer than this belongs to no list that fits in memory. */
export const MERKLE_PATH_LENGTH_MAX = 40;
