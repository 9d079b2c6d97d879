/** Accounts that one browser remembers. */
export const ACCOUNTS_MAX = 16;
export const CONTACTS_MAX = 500;
/** Transactions whose progress is remembered while the page is open. */
export const TRANSACTIONS_MAX = 100;
/** Name of an account or a contact, in bytes of UTF-8. */
export const NAME_BYTES_MAX = 64;
/** Longest export that is read back. */
export const IMPORT_LENGTH_MAX = 2_000_000;
/** A prepared transaction may be included within this many heights. */
export const VALIDITY_HEIGHTS = 120;
/** Time that a prompt of the device stays open, unless the person ends it. */
export const PROMPT_TIMEOUT_MS = 300_000;
/** Deepest nesting of an attestation object; browsers write 3. */
export const CBOR_DEPTH_MAX = 8;
/** Origins, addresses: characters compared at either end to find a look-alike. */
export const LOOKALIKE_CHARACTERS = 4;
/** Longest text that is read as an amount: 20 digits before the point, 18 behind, groups. */
export const AMOUNT_LENGTH_MAX = 100;
