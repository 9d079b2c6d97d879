import type { TimestampMs } from '../base/index.ts';
import { equalBytes, errorToData, TabellionError } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import type { Checkpoint } from '../light/index.ts';
import type { Head, Vouching } from './chain.ts';
import { findCheckpoint } from './checkpoint-proof.ts';
import type { CheckpointRecord, ReplayRecord } from './checkpoint-record.ts';
import {
  loadCheckpoint,
  loadReplay,
  NO_REPLAY,
  storeCheckpoint,
  storeReplay,
} from './checkpoint-record.ts';
import { CHECKPOINT_AGAIN_MS, CHECKPOINT_AGAIN_MS_MAX } from './limits.ts';
import type { NodeCore, Parts } from './parts.ts';
import { SerialQueue } from './serial-queue.ts';
import { wipeLedger } from './store/index.ts';

/** What this node was told by hand, and what it does with it. */
export type CheckpointStatus = {
  readonly given: (Checkpoint & { readonly givenAtMs: TimestampMs }) | undefined;
  /** What the settings name, until it is found; `refusal` says why it never will be. */
  readonly wanted: (Checkpoint & { readonly refusal: string | undefined }) | undefined;
  /** Whether signatures of transactions below a checkpoint are left unchecked. */
  readonly isReplayTrusting: boolean;
  /** Blocks of this node's chain whose signatures of transactions were not checked here. */
  readonly unsigned: { readonly from: Height; readonly to: Height } | undefined;
  /** Whether the chain that was executed holds the checkpoint. */
  readonly isLinked: boolean;
  /** The chain did not lead to the checkpoint once, and was read again with all signatures. */
  readonly hasFailed: boolean;
};

type Beside = Pick<Parts, 'store' | 'following'>;

/**
 * The checkpoint that a person, an app or the settings gave: an anchor of the light client, a
 * height at which no other block is taken, and, when somebody asks for it, the reason why
 * signatures of transactions below are not checked.
 */
export class Checkpoints implements Vouching {
  readonly #core: NodeCore;
  readonly #turns = new SerialQueue();
  readonly #stop = new AbortController();
  #beside: Beside | undefined;
  #given: CheckpointRecord | undefined;
  #replay: ReplayRecord;
  #wanted: Checkpoint | undefined;
  #refusal: string | undefined;
  /** How often peers were asked for it in this run. */
  #tries = 0;
  /** The last block below all that nobody checked. */
  #checked: Head | undefined;
  /** A certified block of its height was another one. */
  #isContradicted = false;
  #cancelTry: () => void = () => undefined;

  private constructor(core: NodeCore, given: CheckpointRecord | undefined, replay: ReplayRecord) {
    this.#core = core;
    this.#given = given;
    this.#replay = replay;
    this.#wanted = core.options.checkpoint;
  }

  /** Before the ledger is opened: one that did not lead to the checkpoint is let go of here. */
  static async load(core: NodeCore): Promise<Checkpoints> {
    const given = await loadCheckpoint(core);
    const loaded = await loadReplay(core);
    if (!loaded.mustReadAgain) return new Checkpoints(core, given, loaded);
    await wipeLedger(core.home.store);
    const replay = { ...NO_REPLAY, hasFailed: loaded.hasFailed };
    await storeReplay(core, replay);
    core.diagnostics.trace('warn', 'ledger-read-again', { code: 'checkpoint-conflicts' });
    return new Checkpoints(core, given, replay);
  }

  /**
   * The ledger is open. Rejects with `checkpoint-conflicts` or `checkpoint-wrong-network` when the
   * settings name another block than was executed here.
   */
  async settle(beside: Beside): Promise<void> {
    this.#beside = beside;
    const { unsigned } = this.#replay;
    if (unsigned !== undefined && this.#head() < unsigned.from) {
      await this.#storeReplay({ ...this.#replay, unsigned: undefined });
    } else if (unsigned !== undefined) {
      const header = await beside.store.header((unsigned.from - 1) as Height); // Executed once.
      this.#checked = header && { header, hash: this.#core.ledger.blockHash(header) };
    }
    const { replayTrusting, signer } = this.#core.options;
    // Who began to decide checks all from then on.
    const isWanted = replayTrusting ?? (this.#replay.isOn && signer === undefined);
    // Settings that stand for ever must not begin the same again and again.
    const isRefused = isWanted && this.#replay.hasFailed;
    if (isRefused) this.#core.diagnostics.trace('warn', 'replay-trust-refused');
    await this.setReplayTrusting(isWanted && !isRefused);
    await this.#settleWanted();
  }

  async #settleWanted(): Promise<void> {
    const wanted = this.#wanted;
    if (wanted === undefined) return;
    const executed = await this.#beside?.store.header(wanted.height);
    if (executed === undefined) {
      const hash = this.#given?.trusted.hash;
      if (hash !== undefined && equalBytes(hash, wanted.hash)) this.#wanted = undefined;
      return;
    }
    this.#wanted = undefined;
    if (equalBytes(this.#core.ledger.blockHash(executed), wanted.hash)) return;
    const code = wanted.height === 0 ? 'checkpoint-wrong-network' : 'checkpoint-conflicts';
    throw new TabellionError(code, { height: wanted.height });
  }

  /* --------------------------------------------------------------- life */

  /** The network is open: what the settings name is looked for until somebody shows it. */
  start(): void {
    this.#tries = 0;
    this.#tryLater();
  }

  #tryLater(): void {
    this.#cancelTry();
    if (this.#wanted === undefined || this.#refusal !== undefined) return;
    const waitMs = Math.min(CHECKPOINT_AGAIN_MS * 2 ** this.#tries, CHECKPOINT_AGAIN_MS_MAX);
    this.#cancelTry = this.#core.home.clock.after(waitMs, () => {
      this.#try().catch((error: unknown) => this.#core.fail(error));
    });
  }

  pause(): void {
    this.#cancelTry();
  }

  /** Ends it for good, and waits for what was begun. */
  async stop(): Promise<void> {
    this.#cancelTry();
    this.#stop.abort();
    await this.#turns.idle();
  }

  async #try(): Promise<void> {
    const wanted = this.#wanted;
    if (wanted === undefined || this.#core.running() === undefined) return;
    if (this.#beside?.following.questions.hasPeers() === true) {
      this.#tries += 1;
      try {
        await this.give(wanted);
        this.#wanted = undefined;
        return;
      } catch (error) {
        const { code } = errorToData(error);
        if (!code.startsWith('checkpoint-')) {
          if (code !== 'aborted' && code !== 'light-alarm' && code !== 'node-stopped') throw error;
        } else if (code !== 'checkpoint-unserved') {
          this.#refusal = code;
          this.#core.diagnostics.trace('error', 'checkpoint-refused', {
            height: wanted.height,
            code,
          });
        }
      }
    }
    if (!this.#stop.signal.aborted && this.#core.running() !== undefined) this.#tryLater();
  }

  /* -------------------------------------------------------------- giving */

  /**
   * Takes a checkpoint over, once its block was found; it is durable then. Rejects as
   * `findCheckpoint` does, and nothing has changed.
   */
  give(checkpoint: Checkpoint, signal?: AbortSignal): Promise<void> {
    const ends = [this.#stop.signal, ...(signal === undefined ? [] : [signal])];
    return this.#turns.run(() => this.#give(checkpoint, AbortSignal.any(ends)));
  }

  async #give(checkpoint: Checkpoint, signal: AbortSignal): Promise<void> {
    const beside = this.#beside;
    if (beside === undefined) throw new TabellionError('node-not-ready');
    const core = this.#core;
    const { store, following } = beside;
    const { light, questions } = following;
    const { trusted, block } = await findCheckpoint(
      { core, light, questions, store },
      checkpoint,
      signal,
    );
    const { height } = checkpoint;
    core.diagnostics.trace('info', 'checkpoint-given', { height });
    if (block !== undefined) light.checkpointGiven(trusted, block);
    // The higher one says more: everything below follows from it.
    if (height <= (this.#given?.trusted.header.height ?? 0)) return;
    const record = { trusted, block, givenAtMs: core.home.clock.now() };
    await storeCheckpoint(core, record);
    this.#given = record;
    await this.#arm();
    core.onLightChanged();
  }

  /** What the light client starts from beside genesis and its last head. */
  record(): CheckpointRecord | undefined {
    return this.#given;
  }

  /* ------------------------------------------------------------- replay */

  /**
   * Whether blocks at or below the checkpoint are executed without checking the signatures of
   * their transactions. Returns once it is durable. Rejects with `not-permitted` on a validator.
   */
  async setReplayTrusting(isOn: boolean): Promise<void> {
    if (isOn && this.#core.options.signer !== undefined) {
      throw new TabellionError('not-permitted', { reason: 'validator' });
    }
    if (isOn === this.#replay.isOn) return isOn ? this.#arm() : undefined;
    const { unsigned } = this.#replay;
    const wasUsed = unsigned !== undefined && unsigned.from <= this.#head();
    const kept = wasUsed ? unsigned : undefined;
    await this.#storeReplay({ ...NO_REPLAY, isOn, unsigned: kept });
    await this.#arm();
    this.#core.onProgress();
  }

  /** Written before the first block is executed so: no crash makes anybody forget it. */
  async #arm(): Promise<void> {
    const to = this.#given?.trusted.header.height;
    const head = this.#head();
    const { isOn, unsigned } = this.#replay;
    if (!isOn || to === undefined || to <= head || unsigned?.to === to) return;
    const next = (head + 1) as Height; // One above a height.
    const from = unsigned !== undefined && unsigned.from <= head ? unsigned.from : next;
    if (from === next) this.#checked = this.#beside?.store.head();
    await this.#storeReplay({ ...this.#replay, unsigned: { from, to } });
  }

  async #storeReplay(record: ReplayRecord): Promise<void> {
    // Off at once; on when it can no longer be forgotten.
    this.#replay = { ...this.#replay, isOn: false };
    await storeReplay(this.#core, record);
    this.#replay = record;
  }

  vouches(height: number): boolean {
    const { isOn, unsigned, mustReadAgain } = this.#replay;
    if (!isOn || mustReadAgain || unsigned === undefined) return false;
    return unsigned.from <= height && height <= unsigned.to;
  }

  contradicts(height: number, hash: Hash): boolean {
    const trusted = this.#given?.trusted;
    return trusted?.header.height === height && !equalBytes(trusted.hash, hash);
  }

  isGivenUp(): boolean {
    return this.#replay.mustReadAgain;
  }

  contradicted(): void {
    this.#isContradicted = true;
    const height = this.#given?.trusted.header.height ?? 0;
    this.#core.diagnostics.trace('error', 'checkpoint-conflicts', { height });
    this.doubted();
  }

  doubted(): boolean {
    const { unsigned, mustReadAgain } = this.#replay;
    if (mustReadAgain) return true;
    const wasUsed = unsigned !== undefined && unsigned.from <= this.#head();
    if (!wasUsed || !this.#isBelow()) return false;
    const record = { ...NO_REPLAY, unsigned, mustReadAgain: true, hasFailed: true };
    // Nothing more is taken on top of what nobody checked, from this very moment on.
    this.#replay = record;
    storeReplay(this.#core, record)
      .then(() => this.#core.readAgain())
      .catch((error: unknown) => this.#core.fail(error));
    return true;
  }

  /* ------------------------------------------------------------- status */

  /**
   * Whether nothing of the own chain is shown: nobody here checked who signed in it, or it was
   * contradicted, and it has not led to the checkpoint.
   */
  isChainHidden(): boolean {
    const isDoubted = this.#isContradicted || this.isUnsigned(this.#head());
    return isDoubted && this.#isBelow();
  }

  /** What peers are told while that is so, lest an honest one takes the rest for a lie. */
  checkedHead(): Head | undefined {
    return this.isChainHidden() ? this.#checked : undefined;
  }

  #isBelow(): boolean {
    return this.#head() < (this.#given?.trusted.header.height ?? 0);
  }

  /** Whether a block of our own chain was executed without checking who signed in it. */
  isUnsigned(height: number): boolean {
    const { unsigned } = this.#replay;
    return unsigned !== undefined && unsigned.from <= height && height <= unsigned.to;
  }

  status(): CheckpointStatus {
    const { isOn, unsigned, hasFailed } = this.#replay;
    const given = this.#given && {
      height: this.#given.trusted.header.height,
      hash: this.#given.trusted.hash,
      givenAtMs: this.#given.givenAtMs,
    };
    const wasUsed = unsigned !== undefined && unsigned.from <= this.#head();
    return {
      given,
      wanted: this.#wanted && { ...this.#wanted, refusal: this.#refusal },
      isReplayTrusting: isOn,
      unsigned: wasUsed ? unsigned : undefined,
      isLinked: given !== undefined && !this.#isBelow(),
      hasFailed,
    };
  }

  #head(): number {
    return this.#beside?.store.head().header.height ?? 0;
  }
}
