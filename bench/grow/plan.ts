import { bytes, struct, vector } from '../../src/codec/index.ts';
import { commitCertificateCodec } from '../../src/ledger/index.ts';

/** Accounts of the smallest state, with which the others are compared, and of the larger ones. */
export const SIZES = [10_000, 100_000, 1_000_000, 3_000_000] as const;
export const TRANSFERS_PER_BLOCK = 200;
/** Accounts that pay, in their turn; everybody is paid. */
export const SENDERS = 10_000;
/** Blocks in which the pages of a snapshot become those of a relay. */
export const SETTLING_BLOCKS = 64;
/** Blocks that fill the cache and let the engine compile; then those that count. */
export const WARM_UP_BLOCKS = 96;
export const MEASURED_BLOCKS = 128;
/** Blocks of one sample. */
export const BLOCKS_PER_SAMPLE = 32;
/** Where a relay's cache stands unless it is told otherwise. */
export const CACHE_BYTES_MAX = 256 * 1024 * 1024;
/** Height of the snapshot that the measured node begins with. */
export const ANCHOR_HEIGHT = 1024;

export const DATABASE = 'database';
export const GENESIS_FILE = 'genesis';
export const BLOCKS_FILE = 'blocks';

/** What one run found. */
export type GrowthFound = {
  /** Milliseconds a block, each of some blocks. */
  readonly samplesMs: readonly number[];
  /** Processor time a block, of all threads. */
  readonly processorMs: number;
  readonly longestCommitMs: number;
  /** Objects and buffers after a collection, at the end, and the most that was seen before one. */
  readonly heldBytes: number;
  readonly highestBytes: number;
  readonly cacheBytes: number;
  readonly checkpoints: number;
  /** Records of pages that a block had read. */
  readonly pagesRead: number;
};

/** The blocks of the file, with their certificates. */
export const recordedCodec = struct('GrowRecorded', {
  blocks: vector(
    struct('GrowBlock', {
      block: bytes({ max: 16 * 1024 * 1024 }),
      certificate: commitCertificateCodec,
    }),
    { max: 65_536 },
  ),
});
