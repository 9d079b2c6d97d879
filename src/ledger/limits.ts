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
/** Messages of peers hold 4,000,000 bytes: a block, its certificate and its signatures. */
export const BLOCK_BYTES_MAX = 3_900_000;
/** Ten minutes: longer, and one absent proposer stops the network for as long. */
export const TIMEOUT_MS_MAX = 600_000;
/** Empty blocks more often than this would be all that the network does. */
export const HEARTBEAT_MS_MIN = 100;
/** A transaction may be valid for at most this many heights. */
export const VALIDITY_HEIGHTS_MAX = 10_000;
/** Accounts that a genesis may name. */
export const GENESIS_ACCOUNTS_MAX = 100_000;
export const SYMBOL_LENGTH_MAX = 12;
/** 10^18 smallest units to one still leave 18 whole ones in 64 bits. */
export const DECIMALS_MAX = 18;
/** Different assets that one account may hold; keeps the list of them short enough to rewrite. */
export const ASSETS_PER_ACCOUNT_MAX = 256;
/** Accounts that may claim one credential; those whose key has signed displace the others. */
export const ACCOUNTS_PER_CREDENTIAL_MAX = 8;
/** Price entries that parameters may hold. */
export const ACTION_GAS_ENTRIES_MAX = 256;
/** Changes of parameters that one action may make. */
export const CHANGES_PER_ACTION_MAX = 16;
/** Version of the protocol: of transactions, headers and genesis documents. */
export const PROTOCOL_VERSION = 1;
