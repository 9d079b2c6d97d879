/** Bounds that are part of the protocol: changing one is a new protocol version. */
export const ACTIONS_PER_TRANSACTION_MAX = 16;
export const MEMO_BYTES_MAX = 256;
export const KEYS_PER_ACCOUNT_MAX = 16;
export const ORIGINS_PER_KEY_MAX = 4;
/** `https://` and a DNS name of at most 253 characters, with a port. */
export const ORIGIN_BYTES_MAX = 272;
export const LABEL_BYTES_MAX = 64;
/** WebAuthn Level 3 §4: credential ids are at most 1,023 bytes. */
export const CREDENTIAL_ID_BYTES_MAX = 1023;
export const AUTHENTICATOR_DATA_BYTES_MAX = 512;
export const CLIENT_DATA_BYTES_MAX = 1024;
export const LOGS_PER_RECEIPT_MAX = 64;
export const VALIDATORS_MAX = 256;
export const BLOCK_TRANSACTIONS_MAX = 10_000;
export const TRANSACTION_BYTES_MAX = 32 * 1024;
/** A transaction may be valid for at most this many heights. */
export const VALIDITY_HEIGHTS_MAX = 10_000;
