import type { TimestampMs } from '../base/index.ts';
import { equalBytes, errorToData, TabellionError } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import type { Checkpoint } from '../light/index.ts';
import type { Head, Vouching } from './chain.ts';
import { findCheckpoint } from './checkpoint-proof.ts';
import type { CheckpointRecord } from './checkpoint-record.ts';
import { loadCheckpoint, storeCheckpoint } from './checkpoint-record.ts';
import type { Following } from './following.ts';
import { CHECKPOINT_AGAIN_MS, CHECKPOINT_AGAIN_MS_MAX, CHECKPOINT_AWAITED_MS } from './limits.ts';
import type { NodeCore } from './parts.ts';
import { ReplayTrust } from './replay-trust.ts';
import { SerialQueue } from './serial-queue.ts';
import type { LedgerStore } from './store/index.ts';
import type { SyncDriver } from './sync-driver.ts';

/** What this node was told by hand, and what it does with it. */
export type CheckpointStatus = {
  readonly given: (Checkpoint & { readonly givenAtMs: TimestampMs }) | undefined;
  /** What the settings name, until it is found; `refusal` says why it never will be. */
  readonly wanted: (Checkpoint & { readonly refusal: string | undefined }) | undefined;
  /** Whether signatures of transactions below a checkpoint are left unchecked. */
  readonly isReplayTrusting: boolean;
  /**
   * Blocks of this node's chain whose signatures of transactions were not checked here: ranges,
   * both ends included, lowest first.
   */
  readonly unsigned: readonly { readonly from: Height; readonly to: Height }[];
  /** Whether the chain that was executed holds the checkpoint. */
  readonly isLinked: boolean;
  /**
   * The chain did not lead to the checkpoint once. All of it that had not led to one before was let
   * go of, and read again with all signatures.
   */
  readonly hasFailed: boolean;
};

type Beside = { readonly following: Following; readonly sync: SyncDriver };

/** What says nothing of the checkpoint, and may be otherwise later. */
const TRIED_AGAIN: ReadonlySet<string> = new Set([
  ...['aborted', 'light-alarm', 'node-stopped', 'store-full'],
]);

/**
 * The checkpoint that a person, an app or the settings gave: an anchor of the light client, a
 * height at which no other block is taken, and, when somebody asks for it, the reason why
 * signatures of transactions below are not checked.
 */
export class Checkpoints implements Vouching {
  readonly #core: NodeCore;
  readonly #turns = new SerialQueue();
  readonly #stop = new AbortController();
  #store: LedgerStore | undefined;
  #following: Following | undefined;
  #sync: SyncDriver | undefined;
  #given: CheckpointRecord | undefined;
  readonly #replay: ReplayTrust;
  #wanted: Checkpoint | undefined;
  #refusal: string | undefined;
  /** How often peers were asked for it in this run. */
  #tries = 0;
  /** Whether our head is being compared with what is proven. */
  #suspicion: Promise<boolean> | undefined;
  #cancelTry: () => void = () => undefined;
  #cancelWait: () => void = () => undefined;

  private constructor(core: NodeCore, given: CheckpointRecord | undefined, replay: ReplayTrust) {
    this.#core = core;
    this.#given = given;
    this.#replay = replay;
    this.#wanted = core.options.checkpoint;
  }

  /** Before the ledger is opened: one that did not lead to the checkpoint is let go of here. */
  static async load(core: NodeCore): Promise<Checkpoints> {
    const given = await loadCheckpoint(core);
    return new Checkpoints(core, given, await ReplayTrust.load(core));
  }

  /** The ledger is open: from now on it is known what of it may be told. */
  open(store: LedgerStore): Promise<void> {
    this.#store = store;
    return this.#replay.open({ store, givenHeight: () => this.#given?.trusted.header.height });
  }

  /**
   * All else is made. Rejects with `checkpoint-conflicts` or `checkpoint-wrong-network` when the
   * settings name another block than was executed here.
   */
  async settle({ following, sync }: Beside): Promise<void> {
    this.#following = following;
    this.#sync = sync;
    const { replayTrusting, signer } = this.#core.options;
    // Who began to decide checks all from then on.
    const isWanted = replayTrusting ?? (this.#replay.isOn() && signer === undefined);
    // Settings that stand for ever must not begin the same again and again.
    const isRefused = isWanted && this.#replay.hasFailed();
    if (isRefused) this.#core.diagnostics.trace('warn', 'replay-trust-refused');
    await this.setReplayTrusting(isWanted && !isRefused);
    await this.#settleWanted();
  }

  async #settleWanted(): Promise<void> {
    const wanted = this.#wanted;
    if (wanted === undefined) return;
    const executed = await this.#store?.header(wanted.height);
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
    if (this.#isWaitedFor()) this.#wait();
    else this.#goOn();
  }

  /** Blocks that are read before it is found would all be checked. */
  #wait(): void {
    this.#sync?.hold('checkpoint');
    this.#cancelWait = this.#core.home.clock.after(CHECKPOINT_AWAITED_MS, () => this.#goOn());
  }

  #isWaitedFor(): boolean {
    if (this.#wanted === undefined || this.#refusal !== undefined) return false;
    return this.#replay.isOn() && this.#head() < this.#wanted.height;
  }

  #goOn(): void {
    this.#cancelWait();
    this.#sync?.release('checkpoint');
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
    this.#cancelWait();
  }

  /** Ends it for good, and waits for what was begun. */
  async stop(): Promise<void> {
    this.pause();
    this.#stop.abort();
    await this.#turns.idle();
    await this.#replay.stop();
  }

  async #try(): Promise<void> {
    const wanted = this.#wanted;
    if (wanted === undefined || this.#core.running() === undefined) return;
    if (this.#following?.questions.hasPeers() === true) {
      this.#tries += 1;
      try {
        await this.give(wanted);
        this.#wanted = undefined;
        this.#goOn();
        return;
      } catch (error) {
        const { code } = errorToData(error);
        if (!code.startsWith('checkpoint-')) {
          if (!TRIED_AGAIN.has(code)) throw error;
        } else if (code !== 'checkpoint-unserved') {
          this.#refusal = code;
          this.#goOn();
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
    const store = this.#store;
    const following = this.#following;
    if (store === undefined || following === undefined) throw new TabellionError('node-not-ready');
    const core = this.#core;
    const { light, questions } = following;
    const { trusted, block } = await findCheckpoint(
      { core, light, questions, store },
      checkpoint,
      signal,
    );
    const { height } = checkpoint;
    core.diagnostics.trace('info', 'checkpoint-given', { height });
    // The higher one says more: everything below follows from it.
    if (height > (this.#given?.trusted.header.height ?? 0)) {
      const record = { trusted, block, givenAtMs: core.home.clock.now() };
      await storeCheckpoint(core, record);
      await this.#replay.raiseTo(height);
      this.#given = record;
    }
    if (block !== undefined) light.checkpointGiven(trusted, block);
    await this.#replay.arm();
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
  setReplayTrusting(isOn: boolean): Promise<void> {
    if (!isOn) this.#goOn();
    return this.#replay.setTrusting(isOn);
  }

  /** A snapshot was taken over: the chain stands on a proven state. */
  adopted(height: Height): void {
    this.#replay.adopted(height).catch((error: unknown) => this.#core.fail(error));
  }

  vouches(height: number): boolean {
    return this.#replay.vouches(height);
  }

  taken(height: number): void {
    this.#replay.taken(height);
  }

  contradicts(height: number, hash: Hash): boolean {
    const trusted = this.#given?.trusted;
    return trusted?.header.height === height && !equalBytes(trusted.hash, hash);
  }

  isGivenUp(): boolean {
    return this.#replay.isGivenUp();
  }

  contradicted(): void {
    const height = this.#given?.trusted.header.height ?? 0;
    this.#core.diagnostics.trace('error', 'checkpoint-conflicts', { height });
    this.#replay.contradicted();
    this.doubted();
  }

  doubted(): boolean {
    return this.#replay.doubted();
  }

  suspected(): Promise<boolean> {
    if (!this.#replay.isUnlinked()) return Promise.resolve(false);
    this.#suspicion ??= this.#compare().finally(() => {
      this.#suspicion = undefined;
    });
    return this.#suspicion;
  }

  /** Members may have been changed by blocks that nobody checked: is our head the proven one? */
  async #compare(): Promise<boolean> {
    const store = this.#store;
    const following = this.#following;
    if (store === undefined || following === undefined) return false;
    const { header, hash } = store.head();
    const proven = await following.light
      .prove(header.height, this.#stop.signal)
      .catch(() => undefined); // Nobody proves it: the block is to blame, as anywhere else.
    if (proven === undefined || equalBytes(proven.trusted.hash, hash)) return false;
    return this.doubted();
  }

  /* ------------------------------------------------------------- status */

  /**
   * Whether nothing of the own chain is shown: nobody here checked who signed in it, or it was
   * contradicted, and it has not led to the checkpoint.
   */
  isChainHidden(): boolean {
    return this.#replay.isUnlinked() || (this.#replay.isContradicted() && this.#isBelow());
  }

  /** What peers are told while that is so, lest an honest one takes the rest for a lie. */
  checkedHead(): Head | undefined {
    return this.#replay.checkedHead();
  }

  /** The highest block of our own chain that anything may be told of. */
  ownUpTo(): Height {
    const checked = this.checkedHead();
    if (checked !== undefined) return checked.header.height;
    const genesis = 0 as Height; // By definition.
    // Contradicted: nobody knows which of both is of the one chain.
    if (this.isChainHidden()) return genesis;
    return this.#store?.head().header.height ?? genesis;
  }

  #isBelow(): boolean {
    return this.#head() < (this.#given?.trusted.header.height ?? 0);
  }

  /** Whether a block of our own chain was executed without checking who signed in it. */
  isUnsigned(height: number): boolean {
    return this.#replay.isUnsigned(height);
  }

  status(): CheckpointStatus {
    const given = this.#given && {
      height: this.#given.trusted.header.height,
      hash: this.#given.trusted.hash,
      givenAtMs: this.#given.givenAtMs,
    };
    return {
      given,
      wanted: this.#wanted && { ...this.#wanted, refusal: this.#refusal },
      isReplayTrusting: this.#replay.isOn(),
      unsigned: this.#replay.unsigned(),
      isLinked: given !== undefined && !this.#isBelow(),
      hasFailed: this.#replay.hasFailed(),
    };
  }

  #head(): number {
    return this.#store?.head().header.height ?? 0;
  }
}
