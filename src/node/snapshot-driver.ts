import type { Bytes } from '../base/index.ts';
import { defined, errorToData, formatHex, TabellionError } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import type { SnapshotEffect, SnapshotEvent, SnapshotState } from '../snapshot/index.ts';
import { createSnapshotSync, snapshotProgress, step } from '../snapshot/index.ts';
import type { Chain } from './chain.ts';
import { EventQueue } from './event-queue.ts';
import type { LightDriver } from './light-driver.ts';
import { askLightBlock } from './light-record.ts';
import { CHUNK_SLICE_MS, CHUNKS_WRITTEN_BYTES, LIGHT_TICK_MS } from './limits.ts';
import type { NodeCore } from './parts.ts';
import type { PeerQuestions } from './questions.ts';
import type { SnapshotEnd } from './snapshot-decision.ts';
import { chunksAnswerCodec, chunksRequestCodec } from './snapshot-messages.ts';
import { SnapshotOffers } from './snapshot-offers.ts';
import type { SnapshotStatus } from './status.ts';
import type { LedgerStore, SnapshotWriter } from './store/index.ts';

export type SnapshotDriverOptions = {
  readonly core: NodeCore;
  readonly chain: Chain;
  readonly store: LedgerStore;
  readonly light: LightDriver;
  readonly questions: PeerQuestions;
  onProgress(): void;
  /** The state is being switched to: no block is committed before this returns. */
  onSwitched(): void;
  /** The state of this height is ours now. */
  onAdopted(height: Height): void;
  /** Somebody offers a snapshot that would be worth it, and none is being taken over. */
  onOffered(): void;
  /** It came to its end, well or not. */
  onEnded(end: SnapshotEnd): void;
  /** Blocks by which a snapshot must be above our head. */
  readonly worthBlocks: number;
};

/** One state being fetched. */
type Fetch = {
  readonly height: Height;
  readonly stateRoot: Hash;
  readonly writer: SnapshotWriter;
  /** What came and is not verified, by ticket and place: a late answer replaces no other one. */
  readonly received: Map<number, Map<number, Bytes>>;
  /** Verified and not stored, by place. */
  readonly verified: Map<number, Bytes>;
  readonly isResumed: boolean;
  readonly startedAtMs: number;
  readonly bytesBefore: number;
  state: SnapshotState;
};

/** Why one way to a snapshot ended without one. */
type Outcome = 'adopted' | 'cancelled' | 'nothing' | 'unsure' | 'manifest-refused' | 'stalled';

/** Times that another manifest or a newer snapshot is tried after one that came to nothing. */
const ATTEMPTS_MAX = 4;

/**
 * Takes over a state from peers: asks what they offer, proves the block it is of, checks the
 * manifest against that block, fetches chunks from several peers and verifies each by itself. What
 * was fetched is kept over restarts.
 */
export class SnapshotDriver {
  readonly #options: SnapshotDriverOptions;
  readonly #offers: SnapshotOffers;
  readonly #events = new EventQueue<SnapshotEvent>((event) => this.#step(event));
  #fetch: Fetch | undefined;
  /** Ends the present way; absent when there is none. */
  #cancel: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();
  #isOpen = false;
  #cancelTick: () => void = () => undefined;
  #settle: (outcome: Outcome) => void = () => undefined;
  readonly #verifying: { readonly ticket: number; readonly index: number }[] = [];
  #isVerifying = false;
  readonly #storing: number[] = [];
  #isStoring = false;
  /** The time spent on chunks since the thread was let go of. */
  #sliceFromMs = 0;

  constructor(options: SnapshotDriverOptions) {
    this.#options = options;
    this.#offers = new SnapshotOffers({ ...options, onTold: (peerId) => this.#told(peerId) });
  }

  start(): void {
    this.#isOpen = true;
  }

  pause(): void {
    this.#isOpen = false;
    this.cancel();
  }

  async stop(): Promise<void> {
    this.pause();
    await this.#running;
  }

  isRunning(): boolean {
    return this.#cancel !== undefined;
  }

  /** Gives up; what was fetched stays for the next time. */
  cancel(): Promise<void> {
    this.#cancel?.abort();
    this.#settle('cancelled');
    return this.#running;
  }

  /**
   * A peer is there.
   *
   * @param isWanted Whether a snapshot is looked for, though none may be being taken over.
   */
  peerStatus(peerId: string, isWanted: boolean): void {
    if (!this.#isOpen || !(isWanted || this.isRunning())) return;
    this.#offers.ask(peerId).catch((error: unknown) => this.#failed(error));
  }

  #told(peerId: string): void {
    if (!this.#isOpen) return;
    this.#tellMachine(peerId);
    this.headProven();
  }

  /** Another block is proven: a state that was above the last one may be worth it now. */
  headProven(): void {
    const { worthBlocks, onOffered } = this.#options;
    if (this.#isOpen && !this.isRunning() && this.#offers.hasWorth(worthBlocks)) onOffered();
  }

  /** Whether a peer serves the state that is being fetched. */
  #tellMachine(peerId: string): void {
    const fetch = this.#fetch;
    if (fetch === undefined) return;
    const isOffered = this.#offers.peersOffering(fetch.stateRoot).includes(peerId);
    this.#send({ kind: isOffered ? 'peer-offers' : 'peer-gone', peerId });
  }

  peerGone(peerId: string): void {
    this.#offers.forget(peerId);
    this.#send({ kind: 'peer-gone', peerId });
  }

  status(): SnapshotStatus | undefined {
    const fetch = this.#fetch;
    if (fetch === undefined) return undefined;
    const progress = snapshotProgress(fetch.state);
    const { clock } = this.#options.core.home;
    const seconds = Math.max(0.001, (clock.now() - fetch.startedAtMs) / 1000);
    return {
      height: fetch.height,
      ...progress,
      bytesPerSecond: Math.round((progress.bytesDone - fetch.bytesBefore) / seconds),
      isResumed: fetch.isResumed,
      peers: this.#offers.peersOffering(fetch.stateRoot).length,
    };
  }

  /** Looks for a snapshot that is worth it, and takes it over. */
  begin(): void {
    if (this.isRunning() || !this.#isOpen) return;
    const cancel = new AbortController();
    this.#cancel = cancel;
    const tick = (): void => {
      this.#cancelTick = this.#options.core.home.clock.after(LIGHT_TICK_MS, tick);
      this.#send({ kind: 'tick' });
    };
    tick();
    let end: SnapshotEnd = 'other';
    this.#running = this.#run(cancel.signal)
      .then((ended) => {
        end = ended;
      })
      .catch((error: unknown) => {
        // A store that fails ends the node; whatever else was wrong ends this way only.
        const { code, message } = errorToData(error);
        this.#options.core.diagnostics.trace('warn', 'snapshot-failed', { code, message });
        if (!cancel.signal.aborted && code.startsWith('store-')) this.#options.core.fail(error);
      })
      .finally(() => {
        this.#cancelTick();
        this.#forgetFetch();
        this.#cancel = undefined;
        this.#options.onEnded(end);
      });
  }

  async #run(signal: AbortSignal): Promise<SnapshotEnd> {
    const { diagnostics } = this.#options.core;
    this.#offers.believeAll();
    for (let attempt = 0; attempt < ATTEMPTS_MAX && !signal.aborted; attempt++) {
      const outcome = await this.#attempt(signal);
      this.#forgetFetch();
      diagnostics.trace('info', 'snapshot-ended', { outcome });
      if (outcome === 'nothing' || outcome === 'unsure') return outcome;
      if (outcome !== 'manifest-refused' && outcome !== 'stalled') break;
    }
    return 'other';
  }

  async #attempt(signal: AbortSignal): Promise<Outcome> {
    const { store, core, light, questions } = this.#options;
    const offer = await this.#offers.choose(this.#options.worthBlocks, signal);
    if (signal.aborted) return 'cancelled';
    if (offer === 'nothing' || offer === 'unsure') return offer;
    const { height, stateRoot } = offer;
    const { trusted, block } = await light.prove(height, signal);
    const given = await this.#offers.manifest(stateRoot, signal);
    if (signal.aborted) return 'cancelled';
    if (given === undefined) return 'manifest-refused';
    // The head of a former life, and what our own chain committed, are known without their proof.
    const proof = block ?? (await askLightBlock(core, questions, trusted, signal));
    const { certificate, parent } = proof ?? {};
    if (signal.aborted) return 'cancelled';
    const manifest = given.bytes;
    const writer = await store.beginSnapshot({ trusted, manifest, certificate, parent });
    if (signal.aborted) return 'cancelled';
    const have = new Set(writer.have());
    const fetch: Fetch = {
      height,
      stateRoot,
      writer,
      received: new Map(),
      verified: new Map(),
      isResumed: have.size > 0,
      startedAtMs: core.home.clock.now(),
      bytesBefore: 0,
      state: createSnapshotSync({ chunks: writer.plans, have, manifestPeerId: given.peerId }),
    };
    const { bytesDone, chunksTotal, bytesTotal } = snapshotProgress(fetch.state);
    this.#fetch = { ...fetch, bytesBefore: bytesDone };
    core.diagnostics.trace('info', 'snapshot-begun', {
      height,
      chunks: chunksTotal,
      bytes: bytesTotal,
      resumed: have.size,
    });
    const outcome = await this.#fetchChunks(stateRoot);
    if (outcome !== 'adopted' || signal.aborted) return signal.aborted ? 'cancelled' : outcome;
    await writer.finish();
    const isAdopted = await this.#adopt(writer, signal);
    if (isAdopted) this.#options.onAdopted(height);
    return isAdopted ? 'adopted' : 'cancelled';
  }

  /** Beside conflicting certificates no state is taken over, however far its fetching came. */
  async #adopt(writer: SnapshotWriter, signal: AbortSignal): Promise<boolean> {
    const { chain, store, light, onSwitched } = this.#options;
    const mayAdopt = (): boolean => !signal.aborted && light.progress().alarm === undefined;
    if (!mayAdopt()) return false;
    await chain.adopt(async () => {
      // It may have waited for its turn.
      if (!mayAdopt()) throw new TabellionError('aborted');
      await store.adoptSnapshot(writer);
      onSwitched();
    });
    return true;
  }

  /** Deletes what was fetched of a snapshot that is of no use any more. */
  async tidy(isUseless: (height: Height) => boolean): Promise<void> {
    const { store } = this.#options;
    const begun = store.snapshotBegun();
    if (begun === undefined || this.isRunning() || !isUseless(begun.anchor.header.height)) return;
    await store.discardSnapshot();
  }

  /* ------------------------------------------------------------- chunks */

  #fetchChunks(stateRoot: Hash): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#settle = resolve;
      for (const peerId of this.#offers.peersOffering(stateRoot)) {
        this.#send({ kind: 'peer-offers', peerId });
      }
      // Nothing may be missing at all.
      this.#send({ kind: 'tick' });
    });
  }

  #forgetFetch(): void {
    this.#fetch = undefined;
    this.#settle = () => undefined;
    this.#verifying.length = 0;
    this.#storing.length = 0;
  }

  #send(event: SnapshotEvent): void {
    this.#events.send(event);
  }

  #step(event: SnapshotEvent): void {
    const fetch = this.#fetch;
    if (fetch === undefined) return;
    const { state, effects } = step(fetch.state, event);
    fetch.state = state;
    for (const effect of effects) this.#perform(fetch, effect);
  }

  #perform(fetch: Fetch, effect: SnapshotEffect): void {
    const { core, onProgress } = this.#options;
    switch (effect.kind) {
      case 'request-chunks':
        this.#request(fetch, effect).catch((error: unknown) => this.#failed(error));
        return;
      case 'verify-chunk':
        this.#verifying.push({ ticket: effect.ticket, index: effect.index });
        this.#verify(fetch).catch((error: unknown) => this.#failed(error));
        return;
      case 'store-chunk':
        this.#storing.push(effect.index);
        this.#store(fetch).catch((error: unknown) => core.fail(error));
        return;
      case 'report-peer':
        core.report(effect.peerId, effect.fault);
        return;
      case 'snapshot-complete':
        this.#settle('adopted');
        return;
      case 'manifest-doubted':
        this.#doubtGiver(fetch);
        if (effect.peerId !== undefined) this.#offers.doubt(effect.peerId);
        this.#settle('manifest-refused');
        return;
      case 'snapshot-stalled':
        core.diagnostics.trace('warn', 'snapshot-stalled', { height: fetch.height });
        this.#doubtGiver(fetch);
        this.#settle('stalled');
        return;
      case 'progress-changed':
        onProgress();
        return;
    }
  }

  /** Nobody serves what the manifest names: it may divide the state as no honest node does. */
  #doubtGiver(fetch: Fetch): void {
    const { manifestPeerId } = fetch.state;
    if (manifestPeerId !== undefined) this.#offers.doubtGiver(manifestPeerId);
  }

  #failed(error: unknown): void {
    const { code, message } = errorToData(error);
    this.#options.core.diagnostics.trace('error', 'snapshot-failed', { code, message });
    this.cancel();
  }

  async #request(
    fetch: Fetch,
    effect: Extract<SnapshotEffect, { kind: 'request-chunks' }>,
  ): Promise<void> {
    const { ticket, peerId, indexes } = effect;
    const { core } = this.#options;
    const network = core.running()?.network;
    if (network === undefined) {
      this.#send({ kind: 'request-failed', ticket, reason: 'gone' });
      return;
    }
    const prefixes = indexes.map(
      (index) => defined(fetch.writer.plans[index], 'a chunk of the manifest').prefix,
    );
    const { stateRoot } = fetch;
    let answer: Bytes;
    try {
      const body = encode(chunksRequestCodec, { stateRoot, prefixes });
      const signal = this.#cancel?.signal;
      answer = await network.request(
        peerId,
        'chunks',
        body,
        signal === undefined ? {} : { signal },
      );
    } catch (error) {
      // The tickets of each fetch begin anew: what failed in another one is nobody's fault here.
      if (this.#fetch !== fetch) return;
      this.#send({ kind: 'request-failed', ticket, reason: reasonOf(error) });
      return;
    }
    if (this.#fetch !== fetch) return;
    core.onBytes(answer.length);
    const decoded = decode(chunksAnswerCodec, answer);
    if (!decoded.ok || decoded.value.chunks.length > indexes.length) {
      this.#send({ kind: 'request-failed', ticket, reason: 'malformed' });
      return;
    }
    const received = new Map<number, Bytes>();
    const chunks = decoded.value.chunks.flatMap((bytes, at) => {
      const index = indexes[at];
      if (bytes === undefined || index === undefined) return [];
      received.set(index, bytes);
      return [{ index, sizeBytes: bytes.length }];
    });
    fetch.received.set(ticket, received);
    this.#send({ kind: 'chunks-received', ticket, chunks });
    // Nobody waits for an answer that came too late.
    const isHeld = fetch.state.held.some((each) => each.ticket === ticket);
    if (!isHeld) fetch.received.delete(ticket);
  }

  /** One chunk after the other; the thread is let go of between them, for it has other work. */
  async #verify(fetch: Fetch): Promise<void> {
    if (this.#isVerifying) return;
    this.#isVerifying = true;
    try {
      for (let next = this.#verifying.shift(); next; next = this.#verifying.shift()) {
        if (this.#fetch !== fetch) break;
        const { ticket, index } = next;
        const plan = defined(fetch.writer.plans[index], 'a chunk of the manifest');
        const bytes = take(fetch.received, ticket, index);
        if (bytes === undefined) continue;
        const verified = fetch.writer.verify(index, bytes);
        const isPlanFalse = !verified.ok && verified.error.code === 'chunk-plan-false';
        const verdict = verified.ok ? 'valid' : isPlanFalse ? 'false-plan' : 'bad-chunk';
        if (verified.ok) fetch.verified.set(index, verified.value);
        else {
          const { code } = verified.error;
          const prefix = formatHex(plan.prefix);
          this.#options.core.diagnostics.trace('warn', 'snapshot-chunk-refused', { prefix, code });
        }
        this.#send({ kind: 'chunk-verdict', ticket, index, verdict });
        await this.#breathe();
      }
    } finally {
      this.#isVerifying = false;
    }
    // Another state may have been begun meanwhile.
    const now = this.#fetch;
    if (now !== undefined && this.#verifying.length > 0) await this.#verify(now);
  }

  async #breathe(): Promise<void> {
    const { clock } = this.#options.core.home;
    const nowMs = clock.now();
    if (nowMs - this.#sliceFromMs < CHUNK_SLICE_MS) return;
    await new Promise<void>((resolve) => {
      clock.after(0, resolve);
    });
    this.#sliceFromMs = clock.now();
  }

  /** What was verified is written together. */
  async #store(fetch: Fetch): Promise<void> {
    if (this.#isStoring) return;
    this.#isStoring = true;
    try {
      while (this.#storing.length > 0 && this.#fetch === fetch) {
        const batch: { readonly index: number; readonly bytes: Bytes }[] = [];
        let size = 0;
        while (size < CHUNKS_WRITTEN_BYTES) {
          const index = this.#storing.shift();
          if (index === undefined) break;
          const bytes = defined(fetch.verified.get(index), 'kept until it is stored');
          size += bytes.length;
          batch.push({ index, bytes });
        }
        await fetch.writer.put(batch);
        for (const { index } of batch) {
          fetch.verified.delete(index);
          if (this.#fetch === fetch) this.#send({ kind: 'chunk-stored', index });
        }
      }
    } finally {
      this.#isStoring = false;
    }
    const now = this.#fetch;
    if (now !== undefined && this.#storing.length > 0) await this.#store(now);
  }
}

/** Takes a chunk out of what came with a ticket. */
function take(
  received: Map<number, Map<number, Bytes>>,
  ticket: number,
  index: number,
): Bytes | undefined {
  const chunks = received.get(ticket);
  const bytes = chunks?.get(index);
  chunks?.delete(index);
  if (chunks?.size === 0) received.delete(ticket);
  return bytes;
}

function reasonOf(error: unknown): Extract<SnapshotEvent, { kind: 'request-failed' }>['reason'] {
  switch (errorToData(error).code) {
    case 'request-timeout':
      return 'timeout';
    case 'response-too-large':
      return 'malformed';
    case 'request-refused':
      return 'refused';
    default:
      return 'gone';
  }
}
