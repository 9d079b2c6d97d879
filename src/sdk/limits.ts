/** A call without answer after this long is rejected with `timed-out`; above the server's own. */
export const CALL_TIMEOUT_MS = 35_000;
/** Calls of one client waiting for an answer or a connection. */
export const CALLS_PENDING_MAX = 1024;
/** How often one call is sent in all, when channels break under it. */
export const SENDINGS_MAX = 2;
/** Waits of whoever reads a whole history, each page anew, while those who prove it are busy. */
export const HISTORY_PATIENCE_MS = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000] as const;
/** Events that came before the answer naming their subscription. */
export const EARLY_EVENTS_MAX = 64;
/** Longest answer read over HTTP. */
export const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** Waiting before a socket is opened again: doubled from the first to the last, with jitter. */
export const RECONNECT_FIRST_MS = 250;
export const RECONNECT_LAST_MS = 15_000;
/** A socket that is silent for this long is asked; after twice as long it is given up. */
export const SOCKET_PING_MS = 15_000;

/** A leader says that it lives this often. */
export const HEARTBEAT_MS = 500;
/** A leader silent for this long is asked once more, then replaced. */
export const LEADER_SILENT_MS = 2_000;
/** How long a doubted leader has to answer. */
export const LEADER_DOUBT_MS = 1_000;
/** A leader that could not run for this long asks the stored epoch before it writes again. */
export const LEASE_MS = 1_500;
/** A follower's page says that it lives this often; hidden pages may run once a minute. */
export const CLIENT_ALIVE_MS = 20_000;
/** The leader forgets a page that was silent for this long. */
export const CLIENT_SILENT_MS = 180_000;
/** Pages that one leader serves. */
export const CLIENTS_MAX = 64;
/** Waits before a worker that failed is started again; then it stays failed. */
export const WORKER_RESTART_MS = [500, 3_000, 15_000] as const;
/** A worker that ran for this long gets all its restarts again. */
export const WORKER_HEALTHY_MS = 60_000;

/** Memory for pages of state in a tab: fits a phone. */
export const TAB_CACHE_BYTES = 32 * 1024 * 1024;
/** How long a page that is being frozen waits, so that its worker can end what it began. */
export const REST_MS = 250;
/** A worker that rests and is not frozen after all goes on by itself after this. */
export const REST_MS_MAX = 2_000;
/** What a page stored so long ago is on the disk, whatever the browser puts off. */
export const WITNESS_LONG_MS = 600_000;
/**
 * A store that does not open for this long may be held by a tab that was frozen in the middle of a
 * write: a node without it answers meanwhile.
 */
export const STORE_HELD_MS = 1_000;
/** One that could be opened too late only is waited for longer, so much each time. */
export const STORE_HELD_GROWTH = 8;
export const STORE_HELD_MS_MAX = 10 * 60_000;
/** A node whose store is full is started again after this; somebody may have made room. */
export const STORE_FULL_RETRY_MS = 15_000;
/** Breakages of a store within this time wait longer each, like those of a worker. */
export const STORE_HEALTHY_MS = 60_000;
/** What a store held was found damaged so often within so long: reading it again is no remedy. */
export const REPAIRS_MAX = 3;
export const REPAIRS_MS = 30 * 60_000;
