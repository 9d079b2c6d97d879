import type { Clock } from '../../base/index.ts';
import { encodeUtf8, formatHex, TabellionError } from '../../base/index.ts';
import type { StorageEvent } from '../../node/index.ts';
import type { KeyValueStore } from '../../storage/index.ts';
import {
  REPAIRS_MAX,
  REPAIRS_MS,
  STORE_HEALTHY_MS,
  STORE_HELD_GROWTH,
  STORE_HELD_MS,
  STORE_HELD_MS_MAX,
} from '../limits.ts';
import type { EpochStore } from './epochs.ts';

/**
 * What the page's own storage says of this profile: nothing; that a node began here; that one has a
 * store; that it has had it for long. Browsers write such storage to the disk seconds later, so a
 * crash may forget what is young. `unknown` where pages may store nothing.
 */
export type Witness = 'none' | 'begun' | 'kept' | 'kept-long' | 'unknown';

/** Names a store for ever: a record in the store, and one outside of it. */
export const STORE_ID_KEY = encodeUtf8('store-id');
const STORE_ID_BYTES = 16;

/**
 * What one worker knows of what its profile stores, over all its terms. A store, the record of it
 * outside, and the page's storage lie in three places that browsers delete each for itself: what
 * two of them remember and the third does not was deleted.
 */
export class Ground {
  readonly epochs: EpochStore;
  readonly #witness: Witness;
  readonly #clock: Clock;
  /** Of a store that this worker itself had open. */
  #storeId: string | undefined;
  /** What the node has to be started again for. */
  #damage: string | undefined;
  #event: StorageEvent | undefined;
  /** While the store cannot be opened; it hides what became of it, and takes nothing from that. */
  #held: StorageEvent | undefined;
  /** Whether this worker took the lead from one that did not answer, and had no store since. */
  #isRobber = false;
  /** How often in a row the node ran without its store. */
  #waits = 0;
  /** When room last was wanting. */
  #fullAtMs = 0;
  /** When damage was cleared lately. */
  #repairs: readonly number[] = [];

  constructor(options: {
    readonly epochs: EpochStore;
    readonly witness: Witness;
    readonly clock: Clock;
  }) {
    this.epochs = options.epochs;
    this.#witness = options.witness;
    this.#clock = options.clock;
  }

  /** The last thing that became of the store, if anything did. */
  event(): StorageEvent | undefined {
    return this.#held ?? this.#event;
  }

  note(kind: StorageEvent['kind'], code?: string): void {
    // Found full again and again, it is one and the same news.
    const nowMs = this.#clock.now();
    if (kind === 'quota') this.#fullAtMs = nowMs;
    const isStill = kind === 'quota' && this.#event?.kind === kind && this.#event.code === code;
    if (!isStill) this.#event = { kind, atMs: nowMs, code };
  }

  /** Another tab led, and did not answer: perhaps it sleeps in the middle of a write. */
  noteRobbed(): void {
    this.#isRobber = true;
  }

  /** How long to wait for the store: each time in vain longer, for a slow disk gets there too. */
  patienceMs(): number {
    return Math.min(STORE_HELD_MS * STORE_HELD_GROWTH ** this.#waits, STORE_HELD_MS_MAX);
  }

  /** The store cannot be opened yet. */
  noteHeld(): void {
    this.#waits += 1;
    const code = this.#isRobber ? 'tab-asleep' : 'store-slow';
    this.#held ??= { kind: 'held', atMs: this.#clock.now(), code };
  }

  /** The store is open. */
  noteOpened(): void {
    this.#waits = 0;
    this.#isRobber = false;
    this.#held = undefined;
  }

  /** Something was written: unless there was no room just before, there is enough again. */
  noteRoom(): void {
    const isLong = this.#clock.now() - this.#fullAtMs > STORE_HEALTHY_MS;
    if (this.#event?.kind === 'quota' && isLong) this.#event = undefined;
  }

  /**
   * Notes that what is damaged is about to be cleared. Rejects once that happened too often: a disk
   * that spoils what it is given would be filled by peers for ever.
   */
  noteRepair(code: string): void {
    const nowMs = this.#clock.now();
    const recent = this.#repairs.filter((atMs) => nowMs - atMs < REPAIRS_MS);
    if (recent.length >= REPAIRS_MAX) throw new TabellionError('store-unreliable', { found: code });
    this.#repairs = [...recent, nowMs];
    this.note('repaired', code);
  }

  /** What is stored is damaged: the next start clears the ledger's part of it. */
  condemn(code: string): void {
    this.#damage = code;
  }

  /** Why the ledger has to be cleared before the store is opened again; told once. */
  takeDamage(): string | undefined {
    const damage = this.#damage;
    this.#damage = undefined;
    return damage;
  }

  /** Tells whether what was stored here is still here, and marks store and profile. */
  async recognise(store: KeyValueStore): Promise<void> {
    const record = await store.get('meta', STORE_ID_KEY);
    const found = await this.epochs.marker();
    // A spoilt one still says that there was a store.
    const isSpoilt = found === 'spoilt';
    const known = isSpoilt ? undefined : found;
    // It may have gone together with the store.
    const marker =
      this.#storeId === undefined
        ? known
        : { isWitnessed: false, ...known, storeId: this.#storeId };
    const { isWitnessed = false } = marker ?? {};
    let storeId: string;
    let isLost = false;
    if (record === undefined) {
      isLost = marker === undefined ? isSpoilt || this.#isKept() : marker.storeId !== undefined;
      if (isLost) this.note((await isEmpty(store)) ? 'wiped' : 'partly-wiped', 'store-vanished');
      storeId = await markStore(store);
    } else {
      storeId = formatHex(record);
      if (isWitnessed && this.#witness === 'none' && this.#storeId === undefined) {
        this.note('partly-wiped', 'page-storage-lost');
      }
    }
    // The store first: a mark without its store means that data were lost.
    const wasLong = this.#witness === 'kept-long' || (isWitnessed && this.#witness !== 'none');
    // The page's note may have gone along, and be a new one.
    const isLong = wasLong && !isLost;
    if (known?.storeId !== storeId || known.isWitnessed !== isLong) {
      await this.epochs.setMarker({ storeId, isWitnessed: isLong });
    }
    this.#storeId = storeId;
  }

  #isKept(): boolean {
    return this.#witness === 'kept' || this.#witness === 'kept-long';
  }

  /** Runs what empties the store on purpose: whatever happens meanwhile, nothing counts as lost. */
  async letGo(store: KeyValueStore, empty: () => Promise<void>): Promise<void> {
    // What stands in for the store has no marks.
    if (this.#held !== undefined) return empty();
    this.#storeId = undefined;
    const known = await this.epochs.marker();
    const isWitnessed = known !== undefined && known !== 'spoilt' && known.isWitnessed;
    await this.epochs.setMarker({ storeId: undefined, isWitnessed });
    await empty();
    await this.recognise(store);
  }
}

async function isEmpty(store: KeyValueStore): Promise<boolean> {
  return (await store.usage()).every(({ count }) => count === 0);
}

async function markStore(store: KeyValueStore): Promise<string> {
  const value = crypto.getRandomValues(new Uint8Array(STORE_ID_BYTES));
  await store.write([{ kind: 'put', space: 'meta', key: STORE_ID_KEY, value }], 'strict');
  return formatHex(value);
}
