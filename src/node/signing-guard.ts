import type { Bytes, TimestampMs } from '../base/index.ts';
import { encodeUtf8 } from '../base/index.ts';
import type { Codec } from '../codec/index.ts';
import { decode, encode, fixedBytes, struct, u32 } from '../codec/index.ts';
import type { Height } from '../ledger/index.ts';
import { heightCodec } from '../ledger/index.ts';
import type { KeyValueStore, WriteOperation } from '../storage/index.ts';
import type { OnCrashPoint } from './crash-points.ts';
import { CLOCK_AHEAD_MS_MAX } from './limits.ts';
import type { SigningMark, SigningMarkKeeper, ValidatorMarker } from './types.ts';
import { WalStore } from './wal-store.ts';

const SIGNED_KEY = encodeUtf8('validator-signed');
const NEVER = 0 as Height; // Genesis is signed by nobody.

/** Codec of a mark, in the store and wherever else a home keeps one. */
export const signingMarkCodec: Codec<SigningMark> = struct('SigningMark', {
  height: heightCodec,
  entries: u32,
  digest: fixedBytes(32),
});

export type SigningGuardOptions = {
  readonly store: KeyValueStore;
  /** Tells a new validator from one that lost its store; absent: every empty store is new. */
  readonly marker: ValidatorMarker | undefined;
  /** Where marks are kept outside of the store, if anywhere. */
  readonly marks: SigningMarkKeeper | undefined;
  readonly onCrashPoint: OnCrashPoint | undefined;
  /** Height of the head when the guard was made. */
  readonly headHeight: Height;
  /** When this life of the validator began. */
  readonly startedAtMs: TimestampMs;
  /** The height being decided now. */
  nextHeight(): Height;
  /** Called before each answer: holds again if this program did not run for a while. */
  readonly lookAwake?: () => void;
};

/** What a store tells of the former life of its validator. */
type FormerLife = {
  /** Highest height signed; 0 when none was. */
  readonly signedHeight: Height;
  /** Whether a log of the height after the head lacks what it once held. */
  readonly isLogShort: boolean;
  /** Whether the validator began, and nothing tells how far it came. */
  readonly isDataLost: boolean;
};

/**
 * Keeps a validator from contradicting a former life that its log does not tell of.
 *
 * How far the log goes is durable together with every entry, and once more outside of the store
 * before a signature leaves. A head that went back behind the highest height signed, or whose log
 * of that height ends before such a mark, signs above that height only.
 *
 * A store in which this validator never signed may belong to one that lost its data: as long as it
 * only copies blocks from peers, its former self may have voted at the height after the head, so it
 * signs one height later at the earliest. And whoever just woke up first compares its head with a
 * peer's: votes for a height that others decided long ago help nobody. Where the marker says that
 * data was lost, no time that passes takes the place of that comparison; and since a lone peer may
 * tell an old head and say old votes again, until the former life's heights are decided once more,
 * nothing is signed before a block was made that is younger than this life.
 */
export class SigningGuard {
  /** Whether this validator began before, and the store knows nothing of it. */
  readonly isDataLost: boolean;
  /** Whether the log lacks what it once held, so that this height must be decided by others. */
  readonly isLogShort: boolean;
  readonly #marks: SigningMarkKeeper | undefined;
  readonly #startedAtMs: TimestampMs;
  readonly #nextHeight: () => Height;
  #signedHeight: Height;
  #signFrom: number;
  #isClosed = false;
  readonly #lookAwake: () => void;
  #release: () => void = () => undefined;
  #released: Promise<void> = Promise.resolve();

  private constructor(options: SigningGuardOptions, life: FormerLife) {
    this.#startedAtMs = options.startedAtMs;
    this.#nextHeight = options.nextHeight;
    this.#signedHeight = life.signedHeight;
    this.isDataLost = life.isDataLost;
    this.isLogShort = life.isLogShort;
    this.#marks = options.marks;
    this.#signFrom = firstHeightToSign(options.headHeight, life);
    this.#lookAwake = options.lookAwake ?? (() => undefined);
    this.hold();
  }

  /** Reads what this store's validator signed, and marks the beginning of a new one. */
  static async load(options: SigningGuardOptions): Promise<SigningGuard> {
    const { store, marker, marks, headHeight, onCrashPoint } = options;
    const record = await store.get('meta', SIGNED_KEY);
    const kept = await marks?.load();
    const isMarked = (await marker?.isSet()) ?? false;
    if (marker !== undefined && !isMarked) {
      // The store first: a mark without a record means lost data.
      if (record === undefined) {
        await onCrashPoint?.('signing-record-begun');
        await store.write([recording(NOTHING)], 'strict');
        await onCrashPoint?.('signing-record-done');
      }
      await marker.set();
    }
    const written = markIn(record);
    const isSpoilt = written === 'spoilt' || kept === 'spoilt';
    const own = written === 'spoilt' ? undefined : written;
    const outer = kept === 'spoilt' ? undefined : kept;
    let isLogShort = false;
    for (const mark of [own, outer]) {
      if (mark === undefined || mark.height !== headHeight + 1) continue;
      if (!(await WalStore.reaches(store, mark))) isLogShort = true;
    }
    // The higher of two heights is one.
    const signedHeight = Math.max(own?.height ?? NEVER, outer?.height ?? NEVER) as Height;
    const isDataLost = isSpoilt || (isMarked && record === undefined);
    return new SigningGuard(options, { signedHeight, isLogShort, isDataLost });
  }

  /** A block came from peers, decided without us. */
  imported(height: Height): void {
    const isUnsure = this.isDataLost || this.#signedHeight === NEVER;
    if (isUnsure) this.#signFrom = Math.max(this.#signFrom, height + 2);
  }

  /**
   * A block was committed, from wherever it came. Its time may be ahead of ours, but not further
   * than honest members let it be: of the heights above a younger one the former life knew nothing.
   */
  committed(height: Height, timestampMs: TimestampMs): void {
    const isYounger = timestampMs > this.#startedAtMs + CLOCK_AHEAD_MS_MAX;
    if (this.isDataLost && !isYounger) this.#signFrom = Math.max(this.#signFrom, height + 2);
  }

  /** Waits from now on until the head was compared: others may be far beyond it. */
  hold(): void {
    if (this.#isClosed) return;
    const before = this.#release;
    this.#released = new Promise((resolve) => {
      this.#release = resolve;
    });
    // Whoever waits already waits for this one instead.
    void this.#released.then(before);
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
    this.#lookAwake();
    await this.#released;
    if (this.#isClosed || height < this.#signFrom) return false;
    // Decided by others while we waited: a vote for it comes too late.
    return height === this.#nextHeight();
  }

  /**
   * What has to be durable together with a log that reaches `mark`: nothing at a height at which
   * nothing may be signed, so that what forbids it stays known.
   */
  recordsOf(mark: SigningMark): WriteOperation[] {
    if (mark.height < this.#signFrom || mark.height < this.#signedHeight) return [];
    this.#signedHeight = mark.height;
    return [recording(mark)];
  }

  /** Returns once the mark outlives the store: a signature that it covers may leave then. */
  async keep(mark: SigningMark): Promise<void> {
    await this.#marks?.store(mark);
  }
}

function firstHeightToSign(headHeight: Height, life: FormerLife): number {
  const { signedHeight, isLogShort, isDataLost } = life;
  const next = headHeight + 1;
  // Nobody knows what was signed at the next height, nor that it was not a higher one.
  const least = isDataLost ? next + 1 : 0;
  if (signedHeight > next || isLogShort) return Math.max(least, signedHeight + 1);
  if (signedHeight !== NEVER) return least;
  return headHeight > 0 ? next + 1 : least;
}

/** Before the first signature. */
const NOTHING: SigningMark = { height: NEVER, entries: 0, digest: new Uint8Array(32) };

function recording(mark: SigningMark): WriteOperation {
  const value = encode(signingMarkCodec, mark);
  return { kind: 'put', space: 'meta', key: SIGNED_KEY, value };
}

/** What a record says; `spoilt` when it cannot be what this room wrote. */
function markIn(record: Bytes | undefined): SigningMark | 'spoilt' | undefined {
  if (record === undefined) return undefined;
  const mark = decode(signingMarkCodec, record);
  return mark.ok ? mark.value : 'spoilt';
}
