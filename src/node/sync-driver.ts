import type { Bytes, Clock, Tracer } from '../base/index.ts';
import { defined, errorToData } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { CommitCertificate, Height } from '../ledger/index.ts';
import type { Network } from '../network/index.ts';
import type { SyncEffect, SyncEvent, SyncFault, SyncProgress, SyncState } from '../sync/index.ts';
import { createSync, progressOf, step } from '../sync/index.ts';
import type { Chain } from './chain.ts';
import { EventQueue } from './event-queue.ts';
import { SYNC_TICK_MS, VERIFY_AHEAD_BYTES } from './limits.ts';
import { LookAhead } from './look-ahead.ts';
import { blocksRequestCodec, blocksResponseCodec } from './messages.ts';
import { SerialQueue } from './serial-queue.ts';

/** A block on its way: bytes nobody looked at yet. */
type Fetched = { readonly block: Bytes; readonly certificate: CommitCertificate };

/** What blocks a peer says it holds. */
export type PeerHeights = { readonly head: Height; readonly earliest: Height };

/** Why blocks wait: the head comes by another way, or a checkpoint is looked for first. */
type HoldReason = 'elsewhere' | 'checkpoint';

export type SyncDriverOptions = {
  readonly chain: Chain;
  readonly clock: Clock;
  readonly tracer: Tracer;
  /** The network, once it is open. */
  network(): Network | undefined;
  reportPeer(peerId: string, fault: SyncFault): void;
  onProgress(progress: SyncProgress): void;
  onBytes(count: number): void;
  onFatal(error: unknown): void;
};

/** Performs the effects of the sync machine: asks peers for blocks, and imports them in order. */
export class SyncDriver {
  readonly #options: SyncDriverOptions;
  readonly #imports = new SerialQueue();
  readonly #ahead = new LookAhead(VERIFY_AHEAD_BYTES);
  readonly #stop = new AbortController();
  #state: SyncState<Fetched>;
  #cancelTick: () => void = () => undefined;
  /** What connected peers told last. */
  readonly #told = new Map<string, PeerHeights>();
  /** What they told while nothing is asked of them; absent when they are asked. */
  #held: Map<string, PeerHeights> | undefined;
  readonly #reasons = new Set<HoldReason>();
  readonly #events = new EventQueue<SyncEvent<Fetched>>((event) => this.#step(event));

  constructor(options: SyncDriverOptions) {
    this.#options = options;
    this.#state = createSync<Fetched>(options.chain.head().header.height);
  }

  /** Goes on after `pause`, or begins; more than once changes nothing. */
  start(): void {
    this.#cancelTick();
    const tick = (): void => {
      this.#cancelTick = this.#options.clock.after(SYNC_TICK_MS, tick);
      this.#send({ kind: 'tick' });
    };
    tick();
  }

  /** Asks nobody until `start`; blocks on their way are still imported. */
  pause(): void {
    this.#cancelTick();
  }

  /** Asks nobody for blocks until each `release`; those on their way are still imported. */
  hold(reason: HoldReason = 'elsewhere'): void {
    this.#reasons.add(reason);
    if (this.#held !== undefined) return;
    this.#held = new Map();
    for (const [peerId, heights] of this.#told) {
      this.#held.set(peerId, heights);
      this.#send({ kind: 'peer-gone', peerId });
    }
  }

  /** Goes on with what peers told meanwhile. */
  release(reason: HoldReason = 'elsewhere'): void {
    this.#reasons.delete(reason);
    const held = this.#held;
    if (held === undefined || this.#reasons.size > 0) return;
    this.#held = undefined;
    for (const [peerId, heights] of held) this.peerStatus(peerId, heights);
  }

  isHeld(): boolean {
    return this.#held !== undefined;
  }

  /** Ends it for good, and waits for the import that was begun. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#cancelTick();
    await this.#imports.idle();
  }

  progress(): SyncProgress {
    return progressOf(this.#state);
  }

  peerStatus(peerId: string, heights: PeerHeights): void {
    if (this.#held !== undefined) {
      this.#held.set(peerId, heights);
      return;
    }
    this.#told.set(peerId, heights);
    const { head: headHeight, earliest: earliestHeight } = heights;
    this.#send({ kind: 'peer-status', peerId, headHeight, earliestHeight });
  }

  peerGone(peerId: string): void {
    this.#held?.delete(peerId);
    this.#told.delete(peerId);
    this.#send({ kind: 'peer-gone', peerId });
  }

  headAdvanced(height: Height): void {
    this.#send({ kind: 'head-advanced', height });
  }

  #send(event: SyncEvent<Fetched>): void {
    this.#events.send(event);
  }

  #step(event: SyncEvent<Fetched>): void {
    if (this.#stop.signal.aborted) return;
    const { state, effects } = step(this.#state, event);
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: SyncEffect<Fetched>): void {
    switch (effect.kind) {
      case 'request-blocks':
        this.#request(effect).catch((error: unknown) => this.#options.onFatal(error));
        return;
      case 'hand-over-block':
        this.#import(effect).catch((error: unknown) => {
          if (!this.#stop.signal.aborted) this.#options.onFatal(error);
        });
        return;
      case 'report-peer':
        this.#options.reportPeer(effect.peerId, effect.fault);
        return;
      case 'sync-state-changed':
        this.#options.onProgress(effect);
        return;
    }
  }

  async #request(effect: Extract<SyncEffect<Fetched>, { kind: 'request-blocks' }>): Promise<void> {
    const { ticket, peerId, from, count } = effect;
    const network = this.#options.network();
    if (network === undefined) {
      this.#send({ kind: 'peer-gone', peerId });
      return;
    }
    let answer: Bytes;
    try {
      const request = encode(blocksRequestCodec, { from, count });
      const { signal } = this.#stop;
      answer = await network.request(peerId, 'blocks', request, { signal });
    } catch (error) {
      this.#send(failureOf(error, { ticket, peerId }));
      return;
    }
    this.#options.onBytes(answer.length);
    const decoded = decode(blocksResponseCodec, answer);
    if (!decoded.ok) {
      this.#send({ kind: 'request-failed', ticket, reason: 'malformed' });
      return;
    }
    const blocks = decoded.value.blocks.map((payload) => ({
      height: payload.certificate.height,
      sizeBytes: payload.block.length,
      payload,
    }));
    this.#send({ kind: 'blocks-received', ticket, blocks });
  }

  async #import(effect: Extract<SyncEffect<Fetched>, { kind: 'hand-over-block' }>): Promise<void> {
    const { chain, tracer } = this.#options;
    const { ticket, peerId, block } = effect;
    // Begins beside the blocks in front of it; only execution waits for its turn. What is verified
    // stands in a variable that is emptied: promises of blocks far ahead grow old, and collectors
    // let what an old one holds grow old with it.
    let verified: Awaited<ReturnType<Chain['verifyBlock']>> | undefined;
    const verifying = this.#ahead.enter(block.sizeBytes).then(async () => {
      verified = await chain.verifyBlock(block.payload.block, block.payload.certificate);
    });
    verifying.catch(() => undefined); // Awaited below; must not count as unhandled meanwhile.
    await this.#imports.run(async () => {
      await verifying.finally(() => this.#ahead.leave(block.sizeBytes));
      const taken = defined(verified, 'verified just now');
      verified = undefined;
      if (this.#stop.signal.aborted) return;
      const imported = taken.ok
        ? await chain.importBlock(taken.value, block.payload.certificate)
        : taken;
      if (imported.ok) {
        this.#send({ kind: 'block-accepted', ticket });
        return;
      }
      const { code } = imported.error;
      tracer.trace('warn', 'sync-block-rejected', { height: block.height, peerId, code });
      this.#send({ kind: 'block-rejected', ticket, code });
    });
  }
}

/** What a failed request says of the peer: going away or our own stopping is no fault of its. */
function failureOf(
  error: unknown,
  asked: { readonly ticket: number; readonly peerId: string },
): SyncEvent<Fetched> {
  const { ticket, peerId } = asked;
  switch (errorToData(error).code) {
    case 'request-timeout':
      return { kind: 'request-timed-out', ticket };
    case 'response-too-large':
      return { kind: 'request-failed', ticket, reason: 'malformed' };
    case 'request-refused':
      return { kind: 'request-failed', ticket, reason: 'refused' };
    default:
      return { kind: 'peer-gone', peerId };
  }
}
