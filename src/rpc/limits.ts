/**
 * Bounds of the request surface. None is part of the protocol; each says what an attacker gains
 * at the bound.
 */

/** Longest request text. One connection can make us hold this much before we judge it. */
export const REQUEST_BYTES_MAX = 2 * 1024 * 1024;
/**
 * Longest transaction that is looked at, to be told `too-large` by the ledger's own bound: as hex
 * it fills a request.
 */
export const SUBMITTED_BYTES_MAX = REQUEST_BYTES_MAX / 2;
/** Deepest nesting of arrays and objects; parsing and walking stay within any stack. */
export const REQUEST_DEPTH_MAX = 32;
/** As above, of free JSON in answers: some seven times what the OpenRPC document has. */
export const ANSWER_DEPTH_MAX = 64;
/** Requests in one batch; a batch costs its rate as its calls do one by one. */
export const BATCH_MAX = 50;
/** Live subscriptions of one connection. */
export const SUBSCRIPTIONS_MAX = 64;
/**
 * Calls of one connection that run at once, each counted as often as it costs; more wait for none
 * and are refused. Those that read blocks run one after the other, so at the bound an attacker
 * holds the answers of 10 whole blocks: 33 MB of text with 2,000 transfers in each, 2 s of work.
 */
export const CALLS_IN_FLIGHT_MAX = 256;
/** Ids, or entries of a page, that cost as much as one call. */
export const ITEMS_PER_CALL = 10;
/** What a whole block costs in calls: 220 ms of work and 3.2 MB of text with 2,000 transfers. */
export const BLOCK_CALLS = 25;
/** What a proof costs that hashes a whole block: 7 to 70 ms. */
export const PROOF_CALLS = 10;
/** What light blocks cost at least: where members changed, those that lead there come along. */
export const LIGHT_CALLS_MIN = 4;
/** What simulating costs: 6 ms for a body of 16 transfers. */
export const SIMULATION_CALLS = 5;
/** Entries of a page when the question does not say. */
export const PAGE_DEFAULT = 20;
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

/** Questions that all strangers together make this node ask its peers, at once and for ever. */
export const STRANGERS_QUESTIONS_BURST = 300;
export const STRANGERS_QUESTIONS_PER_SECOND = 25;
/**
 * Blocks that all strangers together make this node read for histories without finding anything
 * there, at once and for ever: one takes up to 30 ms.
 */
export const STRANGERS_BLOCKS_BURST = 200;
export const STRANGERS_BLOCKS_PER_SECOND = 10;
/** Transactions of an account that peers tell of at once. */
export const PEER_HISTORY_MAX = 20;

export const BLOCKS_PER_PAGE_MAX = 100;
export const HISTORY_PER_PAGE_MAX = 100;
export const ASSETS_PER_PAGE_MAX = 200;
export const MEMPOOL_PER_PAGE_MAX = 500;
/** Transactions whose status is asked at once; each may lie in a block of its own. */
export const STATUSES_MAX = 200;
export const PEERS_MAX = 1024;
export const EVENTS_MAX = 1000;
export const MULTIADDR_BYTES_MAX = 512;
export const PROOF_BYTES_MAX = 1024 * 1024;
/** Encoded light block: two headers, a certificate and twice the members at most, 256 of each. */
export const LIGHT_BLOCK_BYTES_MAX = 128 * 1024;
/** Alarms that a node keeps to show. */
export const ALARMS_MAX = 16;
/** Further assets of one account proof: with sequence, policy and coins 64 keys, one proof's. */
export const PROOF_ASSETS_MAX = 61;
/** A checkpoint as text: a height that a number holds, a colon, a hash of 32 bytes; and blanks. */
export const CHECKPOINT_CHARACTERS_MAX = 128;
