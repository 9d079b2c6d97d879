import { equalBytes, TabellionError } from '../base/index.ts';
import { encode } from '../codec/index.ts';
import type { Height } from '../ledger/index.ts';
import type { Head } from './chain.ts';
import type { ReplayRecord } from './checkpoint-record.ts';
import { loadReplay, NO_REPLAY, replayRecordCodec, storeReplay } from './checkpoint-record.ts';
import { genesisBlock } from './mode-record.ts';
import type { NodeCore } from './parts.ts';
import { SerialQueue } from './serial-queue.ts';
import type { LedgerStore } from './store/index.ts';
import { cutLedger, wipeLedger } from './store/index.ts';
import type { Range } from './unsigned-ranges.ts';
import { cutAll, isIn, withRange } from './unsigned-ranges.ts';

type Place = {
  readonly store: LedgerStore;
  /** The checkpoint that vouches. */
  givenHeight(): Height | undefined;
};

/**
 * Which blocks were executed without checking the signatures of their transactions, whether the
 * next ones may be, and whether the chain has led to the checkpoint that vouched for them.
 *
 * The record changes in one queue alone, that waits for nothing but the store: the last wish
 * counts, and nothing on its way overwrites that the ledger must be read again. What is kept in
 * memory is what is known to be stored.
 */
export class ReplayTrust {
  readonly #core: NodeCore;
  readonly #queue = new SerialQueue();
  #record: ReplayRecord;
  /** A write failed: nobody knows what the store holds. */
  #isStoreUnsure = false;
  /** The last wish. Off counts at once, on when it can no longer be forgotten. */
  #isAsked: boolean;
  /** What was executed is to be read again: nothing takes that back before it was deleted. */
  #isGivenUp = false;
  /** At once, as soon as it is known; the record follows. */
  #isContradicted: boolean;
  /** The highest block that was let in unchecked in this life; it may not be committed yet. */
  #takenTo = 0;
  #place: Place | undefined;
  /** The last block below all that the chain has yet to lead to a checkpoint from. */
  #checked: Head | undefined;

  private constructor(core: NodeCore, record: ReplayRecord) {
    this.#core = core;
    this.#record = record;
    this.#isAsked = record.isOn;
    this.#isContradicted = record.isContradicted;
  }

  /** Before the ledger is opened: one that did not lead to the checkpoint is let go of here. */
  static async load(core: NodeCore): Promise<ReplayTrust> {
    const loaded = await loadReplay(core);
    if (!loaded.mustReadAgain) return new ReplayTrust(core, loaded);
    const unsigned = await deleteUnlinked(core, loaded);
    const record = { ...NO_REPLAY, unsigned, hasFailed: loaded.hasFailed };
    await storeReplay(core, record);
    core.diagnostics.trace('warn', 'ledger-read-again', { code: 'checkpoint-conflicts' });
    return new ReplayTrust(core, record);
  }

  /** The ledger is open, and nothing is added to it yet. */
  open(place: Place): Promise<void> {
    this.#place = place;
    return this.#queue.run(async () => {
      const { unsigned, unlinked } = this.#record;
      await this.#write({
        unsigned: unsigned.filter((range) => this.#isUsed(range)),
        unlinked: this.#isUsed(unlinked) ? unlinked : undefined,
      });
      await this.#checkedChanged();
      await this.#raiseTo(place.givenHeight());
    });
  }

  /** Waits for what was begun. */
  async stop(): Promise<void> {
    await this.#queue.idle();
  }

  /* ------------------------------------------------------------ choosing */

  /** Whether the option is on after the next start, as far as is known. */
  isOn(): boolean {
    return this.#record.isOn && !this.#isGivenUp;
  }

  hasFailed(): boolean {
    return this.#record.hasFailed;
  }

  /** Returns once it is durable. Rejects with `not-permitted` on a validator. */
  setTrusting(isOn: boolean): Promise<void> {
    if (isOn && this.#core.options.signer !== undefined) {
      return Promise.reject(new TabellionError('not-permitted', { reason: 'validator' }));
    }
    this.#isAsked = isOn;
    // What comes after this moment is checked.
    const reach = this.#reach();
    return this.#queue.run(async () => {
      if (isOn && this.#isGivenUp) throw new TabellionError('node-not-ready');
      const { unsigned, unlinked, hasFailed } = this.#record;
      const isNew = isOn !== this.#record.isOn;
      await this.#write({
        isOn,
        hasFailed: hasFailed && (!isNew || this.#isGivenUp),
        unsigned: isOn ? unsigned : cutAll(unsigned, reach),
        unlinked: isOn || (unlinked !== undefined && unlinked.from <= reach) ? unlinked : undefined,
      });
      await this.#arm();
      this.#core.onProgress();
    });
  }

  /** A higher checkpoint is about to be the one: what was not linked yet must lead to that. */
  raiseTo(height: Height): Promise<void> {
    return this.#queue.run(() => this.#raiseTo(height));
  }

  async #raiseTo(height: Height | undefined): Promise<void> {
    const { unlinked } = this.#record;
    if (height === undefined || unlinked === undefined || !this.isUnlinked()) return;
    if (height > unlinked.to) await this.#write({ unlinked: { ...unlinked, to: height } });
  }

  /** There may be more now that a checkpoint vouches for. */
  arm(): Promise<void> {
    return this.#queue.run(() => this.#arm());
  }

  /** Written before the first block is executed so: no crash makes anybody forget it. */
  async #arm(): Promise<void> {
    const place = this.#place;
    const to = place?.givenHeight();
    const { isOn, unsigned, unlinked } = this.#record;
    if (!isOn || !this.#isAsked || place === undefined || to === undefined) return;
    const { header } = place.store.head();
    if (to <= header.height) return;
    const next = (header.height + 1) as Height; // One above a height.
    const isGoingOn = unlinked !== undefined && this.isUnlinked();
    await this.#write({
      unsigned: withRange(
        unsigned.filter((range) => this.#isUsed(range)),
        { from: next, to },
      ),
      // What led to its checkpoint once speaks for itself.
      unlinked: isGoingOn ? { ...unlinked, to } : { from: next, to, below: header },
    });
  }

  /** The state of this height was proven: what was executed before it counts no more. */
  adopted(height: Height): Promise<void> {
    return this.#queue.run(async () => {
      const { unsigned, unlinked } = this.#record;
      const below = await this.#place?.store.header(height);
      const from = (height + 1) as Height; // One above a height.
      await this.#write({
        unsigned: unsigned
          .filter((range) => range.to > height)
          .map((range) => (range.from < from ? { from, to: range.to } : range)),
        unlinked:
          unlinked === undefined || unlinked.to <= height
            ? undefined
            : { from, to: unlinked.to, below },
      });
      await this.#arm();
      this.#core.onProgress();
    });
  }

  /* ------------------------------------------------------------- judging */

  vouches(height: number): boolean {
    if (!this.#isAsked || !this.isOn()) return false;
    return this.isUnsigned(height) && isIn(this.#record.unlinked, height);
  }

  /** A block is let in unchecked. */
  taken(height: number): void {
    this.#takenTo = Math.max(this.#takenTo, height);
  }

  isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  /** Another block of the checkpoint's height was certified; remembered over a restart. */
  contradicted(): void {
    this.#isContradicted = true;
    this.#queue.run(() => this.#write({})).catch((error: unknown) => this.#core.fail(error));
  }

  isContradicted(): boolean {
    return this.#isContradicted;
  }

  /** Gives up what has not led to the checkpoint, if nobody checked it. */
  doubted(): boolean {
    if (this.#isGivenUp) return true;
    if (!this.isUnlinked()) return false;
    // Nothing more is taken on top of what nobody checked, from this very moment on.
    this.#isGivenUp = true;
    this.#queue
      .run(() => this.#write({ isOn: false, hasFailed: true }))
      .then(() => this.#core.readAgain())
      .catch((error: unknown) => this.#core.fail(error));
    return true;
  }

  /** Whether blocks are here that nobody checked, and that have not led to the checkpoint. */
  isUnlinked(): boolean {
    const { unlinked } = this.#record;
    return this.#isUsed(unlinked) && this.#head() < (unlinked?.to ?? 0);
  }

  /** The last block below those. */
  checkedHead(): Head | undefined {
    return this.isUnlinked() ? this.#checked : undefined;
  }

  /** Whether a block of our own chain was executed without checking who signed in it. */
  isUnsigned(height: number): boolean {
    return this.#record.unsigned.some((range) => isIn(range, height));
  }

  /** They, lowest first; at most {@link UNSIGNED_RANGES_MAX} ranges. */
  unsigned(): readonly Range[] {
    return cutAll(this.#record.unsigned, this.#head());
  }

  /* ------------------------------------------------------------- storing */

  async #write(change: Partial<ReplayRecord>): Promise<void> {
    const isContradicted = this.#isContradicted;
    const mustReadAgain = this.#isGivenUp;
    const record = { ...this.#record, ...change, isContradicted, mustReadAgain };
    const isSame = equalBytes(encode(replayRecordCodec, record), this.#encoded());
    if (isSame && !this.#isStoreUnsure) return;
    this.#isStoreUnsure = true;
    await storeReplay(this.#core, record);
    this.#isStoreUnsure = false;
    const isMoved = record.unlinked?.from !== this.#record.unlinked?.from;
    // Before it counts: peers must never be told more than this.
    if (isMoved) await this.#checkedChanged(record);
    this.#record = record;
  }

  #encoded(): Uint8Array {
    return encode(replayRecordCodec, this.#record);
  }

  /** Kept with the record, since pruning may have deleted it; else genesis was surely checked. */
  async #checkedChanged({ unlinked }: ReplayRecord = this.#record): Promise<void> {
    if (unlinked === undefined || this.#place === undefined) return;
    const { store } = this.#place;
    const { ledger } = this.#core;
    // One below a block above genesis.
    const header = unlinked.below ?? (await store.header((unlinked.from - 1) as Height));
    this.#checked =
      header === undefined
        ? await genesisBlock(ledger, store)
        : { header, hash: ledger.blockHash(header) };
  }

  #isUsed(range: { readonly from: Height } | undefined): boolean {
    return range !== undefined && range.from <= this.#reach();
  }

  #reach(): number {
    return Math.max(this.#head(), this.#takenTo);
  }

  #head(): number {
    return this.#place?.store.head().header.height ?? 0;
  }
}

/**
 * Deletes what has not led to its checkpoint, and all below it as well, unless that led to one
 * before: blocks that were checked may be of the same fork, and nothing could ever follow them.
 * What certificates prove of their height says no more, since members broke their word. Returns
 * what of the rest was executed without checking signatures.
 */
async function deleteUnlinked(
  { home, ledger }: NodeCore,
  { unsigned, unlinked }: ReplayRecord,
): Promise<readonly Range[]> {
  const below = unlinked?.below?.height;
  // Unchecked, and not among those that have yet to lead to a checkpoint.
  const isLinked = below !== undefined && unsigned.some((range) => isIn(range, below));
  // A kill on the way here leaves the record as it is: then this is done once more.
  if (isLinked && (await cutLedger(home.store, ledger, below))) return cutAll(unsigned, below);
  await wipeLedger(home.store);
  return [];
}
