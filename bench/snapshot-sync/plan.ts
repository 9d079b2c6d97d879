/** Accounts whose state is fetched; fewer by TABELLION_BENCH_ACCOUNTS, to try things out. */
export const ACCOUNTS_DEFAULT = 1_000_000;
/** One account in so many has paid: beside its balance it has a sequence and a policy. */
export const ACTIVE_EVERY = 4;
/** A height at which every node keeps a snapshot. */
export const SNAPSHOT_HEIGHT = 1024;
export const CACHE_BYTES_MAX = 32 * 1024 * 1024;

export const GENESIS_FILE = 'genesis.bin';
export const DATABASE = 'store';

/** What the process that prepares a folder prints at its end. */
export type Prepared = {
  /** Keys and values of the state, without anything around them. */
  readonly rawBytes: number;
  readonly leaves: number;
  readonly chunks: number;
};
