/**
 * Bounds of the request surface. None is part of the protocol; each says what an attacker gains
 * at the bound.
 */

/** Longest request text. One connection can make us hold this much before we judge it. */
export const REQUEST_BYTES_MAX = 2 * 1024 * 1024;
/** Deepest nesting of arrays and objects; parsing and walking stay within any stack. */
export const REQUEST_DEPTH_MAX = 32;
/** Requests in one batch; a batch costs its rate like as many single calls. */
export const BATCH_MAX = 50;
/** Live subscriptions of one connection. */
export const SUBSCRIPTIONS_MAX = 64;
/** Calls of one connection that run at once; more wait for none and are refused. */
export const CALLS_IN_FLIGHT_MAX = 256;
/** Longest request id as text. */
export const ID_CHARACTERS_MAX = 128;
/** A call that takes longer is aborted and answered `timed-out`. */
export const CALL_TIMEOUT_MS = 30_000;
/** Events on their way to one slow reader; more are merged or dropped with a count. */
export const EVENTS_IN_FLIGHT_MAX = 32;
/** Events kept for a slow reader of a topic whose every event matters. */
export const EVENTS_PENDING_MAX = 256;
/** Answers waiting in the socket of one slow reader before it is cut off. */
export const SOCKET_QUEUE_BYTES_MAX = 16 * 1024 * 1024;

export const BLOCKS_PER_PAGE_MAX = 100;
export const HISTORY_PER_PAGE_MAX = 100;
export const ASSETS_PER_PAGE_MAX = 200;
export const MEMPOOL_PER_PAGE_MAX = 500;
/** Transactions whose status is asked at once; each may cost a look into the store. */
export const STATUSES_MAX = 500;
export const PEERS_MAX = 1024;
export const EVENTS_MAX = 1000;
export const MULTIADDR_BYTES_MAX = 512;
export const PROOF_BYTES_MAX = 1024 * 1024;
