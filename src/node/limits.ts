/** A proposal or block with its envelope; genesis bounds blocks at or below this. */
export const BLOCK_MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
/** Blocks in one answer; the answer's size is bounded too, so large blocks come fewer. */
export const BLOCKS_PER_RESPONSE_MAX = 128;
export const BLOCKS_RESPONSE_BYTES_MAX = 6 * 1024 * 1024;
/** Executed proposals kept until one of them is decided; each holds its state changes. */
export const EXECUTED_BLOCKS_KEPT_MAX = 8;
/** Signed transactions known to be verified, by the hash of their signed bytes. */
export const VERIFIED_TRANSACTIONS_KEPT_MAX = 50_000;
/** Diagnostics kept for the Node page. */
export const TRACE_LINES_KEPT_MAX = 500;
/** Followed transactions whose fate is remembered for `transaction.status`. */
export const TRACKED_TRANSACTIONS_MAX = 10_000;
/** Events waiting for one machine; a peer that fills it is answered with silence. */
export const MAILBOX_EVENTS_MAX = 4096;
/** Proposals and votes for the next height, kept while this one is being committed. */
export const EARLY_MESSAGES_MAX = 1024;
/** A proposal's time may be this far from our clock; beyond, an honest node prevotes nil. */
export const CLOCK_AHEAD_MS_MAX = 5_000;
export const CLOCK_BEHIND_MS_MAX = 30_000;
/** How often sync looks at its clock. */
export const SYNC_TICK_MS = 1_000;
/** How often each peer is asked for its head. */
export const STATUS_INTERVAL_MS = 10_000;
/** Grants that one caller (an IP address, or a peer without one) may ask for in a window. */
export const FAUCET_GRANTS_PER_CALLER_MAX = 20;
export const FAUCET_WINDOW_MS = 3_600_000;
/** Callers remembered; beyond, the longest silent is forgotten. */
export const FAUCET_CALLERS_MAX = 10_000;
/** Heights that a transaction made by this node itself stays valid. */
export const OWN_VALIDITY_HEIGHTS = 200;
