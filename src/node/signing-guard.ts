import type { Bytes } from '../base/index.ts';
import { encodeUtf8 } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { Height } from '../ledger/index.ts';
import { heightCodec } from '../ledger/index.ts';
import type { KeyValueStore, WriteOperation } from '../storage/index.ts';
import type { ValidatorMarker } from './types.ts';
import { WalStore } from './wal-store.ts';

const SIGNED_KEY = encodeUtf8('validator-signed');
const NEVER = 0 as Height; // Genesis is signed by nobody.

export type SigningGuardOptions = {
  readonly store: KeyValueStore;
  /** Tells a new validator from one that lost its store; absent: every empty store is new. */
  readonly marker: ValidatorMarker | undefined;
  /** Height of the head when the guard was made. */
  readonly headHeight: Height;
  /** The height being decided now. */
  nextHeight(): Height;
};

/** What a store tells of the former life of its validator. */
type FormerLife = {
  /** Highest height signed; 0 when none was. */
  readonly signedHeight: Height;
  /** Whether the log of the height after the head holds anything. */
  readonly hasLog: boolean;
  /** Whether the validator began, and its store does not know. */
  readonly isDataLost: boolean;
};

/**
 * Keeps a validator from contradicting a former life that its log does not tell of.
 *
 * The highest height signed is durable together with the first log entry of that height. A head
 * that went back behind it, or lost the log that belongs to it, signs above it only.
 *
 * A store in which this validator never signed may belong to one that lost its data: as long as it
 * only copies blocks from peers, its former self may have voted at the height after the head, so it
 * signs one height later at the earliest. And whoever just woke up first compares its head with a
 * peer's: votes for a height that others decided long ago help nobody. Where the marker says that
 * data was lost, no time that passes takes the place of that comparison.
 */
export class SigningGuard {
  /** Whether this validator began before, and the store knows nothing of it. */
  readonly isDataLost: boolean;
  readonly #nextHeight: () => Height;
  #signedHeight: Height;
  #signFrom: number;
  #isClosed = false;
  #release: () => void = () => undefined;
  readonly #released: Promise<void>;

  private constructor(options: SigningGuardOptions, life: FormerLife) {
    this.#nextHeight = options.nextHeight;
    this.#signedHeight = life.signedHeight;
    this.isDataLost = life.isDataLost;
    this.#signFrom = firstHeightToSign(options.headHeight, life);
    this.#released = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  /** Reads what this store's validator signed, and marks the beginning of a new one. */
  static async load(options: SigningGuardOptions): Promise<SigningGuard> {
    const { store, marker, headHeight } = options;
    const record = await store.get('meta', SIGNED_KEY);
    const isMarked = (await marker?.isSet()) ?? false;
    if (marker !== undefined && !isMarked) {
      // The store first: a mark without a record means lost data.
      if (record === undefined) await store.write([recording(NEVER)], 'strict');
      await marker.set();
    }
    // One above a height is a height.
    const hasLog = await WalStore.hasEntries(store, (headHeight + 1) as Height);
    const isDataLost = isMarked && record === undefined;
    return new SigningGuard(options, { signedHeight: heightIn(record), hasLog, isDataLost });
  }

  /** A block came from peers, decided without us. */
  imported(height: Height): void {
    if (this.#signedHeight === NEVER) this.#signFrom = Math.max(this.#signFrom, height + 2);
  }

  /** This node's head was compared with others', or nobody can be asked. */
  release(): void {
    this.#release();
  }

  /** No peer told its head for long. */
  holdElapsed(): void {
    if (!this.isDataLost) this.#release();
  }

  /** Answers no more: whoever waits is told not to sign. */
  close(): void {
    this.#isClosed = true;
    this.#release();
  }

  /** Whether to sign at a height; waits until the head was compared. */
  async admits(height: Height): Promise<boolean> {
    await this.#released;
    if (this.#isClosed || height < this.#signFrom) return false;
    // Decided by others while we waited: a vote for it comes too late.
    return height === this.#nextHeight();
  }

  /**
   * What has to be durable before a signature of this height leaves, once a height. A write that
   * fails ends the node.
   */
  recordOf(height: Height): WriteOperation[] {
    if (height <= this.#signedHeight) return [];
    this.#signedHeight = height;
    return [recording(height)];
  }
}

function firstHeightToSign(headHeight: Height, life: FormerLife): number {
  const { signedHeight, hasLog, isDataLost } = life;
  const next = headHeight + 1;
  if (signedHeight > next || (signedHeight === next && !hasLog)) return signedHeight + 1;
  if (signedHeight !== NEVER) return 0;
  return isDataLost || headHeight > 0 ? headHeight + 2 : 0;
}

function recording(height: Height): WriteOperation {
  return { kind: 'put', space: 'meta', key: SIGNED_KEY, value: encode(heightCodec, height) };
}

function heightIn(record: Bytes | undefined): Height {
  if (record === undefined) return NEVER;
  const height = decode(heightCodec, record);
  // Early stores tell only that something was signed: 1 is the least that this can mean.
  return height.ok ? height.value : (1 as Height);
}
