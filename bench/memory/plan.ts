/** Blocks of the first part; each makes `ACCOUNTS / FIRST_BLOCKS` accounts. */
export const FIRST_BLOCKS = 100;
/** Blocks of the second part, with payments among the accounts that are there. */
export const MORE_BLOCKS = 1000;
export const ACCOUNTS = 10_000;
export const PAYMENTS_PER_LATER_BLOCK = 10;
/** What the node may take for pages of state. */
export const CACHE_BYTES_MAX = 32 * 1024 * 1024;

/** Under which the page finds a block of the recorded chain. */
export function blockFile(height: number): string {
  return `block-${height}`;
}

/** Under which the page finds the genesis of the recorded chain. */
export const GENESIS_FILE = 'genesis';
