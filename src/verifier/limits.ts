/** Imported keys kept by one verifier, the half used last for certain. About 1 KB each. */
export const CACHED_KEYS_MAX = 8192;
/** Verifications given to the engine at once: Node.js fills its thread pool, a worker its queue. */
export const CONCURRENCY_DEFAULT = 64;
/** Claims sent to a worker in one message. */
export const CHUNK_CLAIMS_MIN = 16;
export const CHUNK_CLAIMS_MAX = 256;
/** Longest message that travels to a worker; longer ones are verified where they are. */
export const PORT_MESSAGE_BYTES_MAX = 64 * 1024;
/** A worker that answers nothing for this long is treated as crashed. */
export const REPLY_TIMEOUT_MS = 15_000;
