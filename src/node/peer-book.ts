import type { Bytes, Clock, Result, Tracer } from '../base/index.ts';
import { equalBytes, errorToData, fail, ok, TabellionError } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { CatchUpRequest, ConsensusCodecs } from '../consensus/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Address, Height, Ledger } from '../ledger/index.ts';
import type { Network } from '../network/index.ts';
import type { Head } from './chain.ts';
import type { ConsensusDriver } from './consensus-driver.ts';
import type { FaucetError } from './faucet.ts';
import {
  FAUCET_RELAY_WAIT_MS,
  HINT_INTERVAL_MS,
  STATUS_INTERVAL_MS,
  STATUS_KEPT_MS,
} from './limits.ts';
import type { PeerStatus } from './messages.ts';
import { faucetRequestCodec, faucetResponseCodec, peerStatusCodec } from './messages.ts';
import type { Fault } from './penalties.ts';
import { NEAR_BLOCKS } from './trust.ts';

/** Peers asked at once for messages of the height being decided. */
const CATCH_UP_PEERS = 2;
/** How often a person's question that waits for a relay looks for one. */
const RELAY_LOOK_MS = 200;
/** A head told near ours may fall so far behind it until it is told anew. */
const CONFIRMING_LAG_BLOCKS = 64;

export type PeerBookOptions = {
  readonly network: Network;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly ledger: Ledger;
  readonly catchUp: ConsensusCodecs;
  consensus(): ConsensusDriver | undefined;
  reportPeer(peerId: string, fault: Fault): void;
  /** A peer of this network told its head. */
  onStatus(peerId: string, status: PeerStatus, voice: string): void;
  onGone(peerId: string): void;
  /** What all told counts no more. */
  onForgotten(): void;
  /** The height of our own head. */
  headHeight(): number;
  /** One told its head, or what one told became too old. */
  onCompared(): void;
};

/** What is known of a connected peer. */
type Known = {
  status: PeerStatus | undefined;
  /** When it told its status last. */
  toldAtMs: number;
  /** It was not far below our head then: who never follows confirms nothing. */
  wasNear: boolean;
  askedAtMs: number;
  isAsking: boolean;
  /** Ends the wait of a hint that came too soon after the last question. */
  cancelHint: (() => void) | undefined;
  /** Whose word its status is; peer ids cost nothing. */
  voice: string | undefined;
};

/** What peers said of themselves, and what this node asks them beside blocks. */
export class PeerBook {
  readonly #options: PeerBookOptions;
  /** Connected peers; entries go with the connection. */
  readonly #known = new Map<string, Known>();
  readonly #stop = new AbortController();
  #cancelRound: () => void = () => undefined;
  #nextCatchUp = 0;
  /** As {@link comparedCount} was when it was told last. */
  #comparedTold = 0;

  constructor(options: PeerBookOptions) {
    this.#options = options;
  }

  start(): void {
    const { network, clock } = this.#options;
    const round = (): void => {
      this.#cancelRound = clock.after(STATUS_INTERVAL_MS, round);
      for (const { peerId, voice } of network.peers()) {
        this.connected(peerId);
        const known = this.#known.get(peerId);
        if (known !== undefined) known.voice = voice;
      }
      // One that fell silent without leaving does not vouch for our head for ever.
      if (this.comparedCount() < this.#comparedTold) this.#compared();
    };
    round();
  }

  /** Asks nothing more, and tells sync that nobody is there. */
  stop(): void {
    this.#stop.abort();
    this.#cancelRound();
    for (const peerId of [...this.#known.keys()]) this.gone(peerId);
  }

  /** Asks every connected peer for its head now. */
  wake(): void {
    const { network, clock } = this.#options;
    for (const { peerId } of network.peers()) {
      this.connected(peerId);
      // Of a question that went out before the pause nobody knows whether it arrived.
      const known = this.#known.get(peerId);
      const isLate = known !== undefined && clock.now() - known.askedAtMs >= HINT_INTERVAL_MS;
      if (isLate) this.#ask(peerId, true);
    }
  }

  /** What peers told before counts no more: this node slept since. */
  forget(): void {
    for (const known of this.#known.values()) known.toldAtMs = Number.NEGATIVE_INFINITY;
    this.#options.onForgotten();
    this.#compared();
  }

  heightOf(peerId: string): Height | undefined {
    return this.#known.get(peerId)?.status?.headHeight;
  }

  /** What blocks a peer said it holds. */
  rangeOf(peerId: string): { readonly earliest: Height; readonly head: Height } | undefined {
    const status = this.#known.get(peerId)?.status;
    return status && { earliest: status.earliestHeight, head: status.headHeight };
  }

  /**
   * How many voices told their head not long ago: connected peers of this network, those of one
   * host counted once.
   */
  comparedCount(): number {
    return this.#voices(() => true);
  }

  /**
   * How many of these follow as we do, and know of nothing newer than our head, give or take a few
   * blocks. One that stands at genesis, as every light one does, knows of nothing at all.
   */
  confirmingCount({ header, hash }: Head): number {
    return this.#voices(({ headHeight, headHash }, wasNear) => {
      if (!wasNear || header.height - headHeight > CONFIRMING_LAG_BLOCKS) return false;
      if (headHeight === header.height) return equalBytes(headHash, hash);
      return headHeight - header.height <= NEAR_BLOCKS;
    });
  }

  #voices(counts: (status: PeerStatus, wasNear: boolean) => boolean): number {
    const sinceMs = this.#options.clock.now() - STATUS_KEPT_MS;
    const voices = new Set<string>();
    for (const [peerId, { status, toldAtMs, voice, wasNear }] of this.#known) {
      if (status === undefined || toldAtMs <= sinceMs || !counts(status, wasNear)) continue;
      voices.add(voice ?? peerId);
    }
    return voices.size;
  }

  #voiceOf(peerId: string): string | undefined {
    return this.#options.network.peers().find((peer) => peer.peerId === peerId)?.voice;
  }

  #compared(): void {
    this.#comparedTold = this.comparedCount();
    this.#options.onCompared();
  }

  connected(peerId: string): void {
    if (this.#stop.signal.aborted) return;
    if (!this.#known.has(peerId)) {
      const never = { status: undefined, toldAtMs: 0, wasNear: false, askedAtMs: 0 };
      const known = { ...never, isAsking: false, cancelHint: undefined, voice: undefined };
      this.#known.set(peerId, known);
    }
    this.#ask(peerId);
  }

  gone(peerId: string): void {
    this.#known.get(peerId)?.cancelHint?.();
    this.#known.delete(peerId);
    this.#options.onGone(peerId);
  }

  /** A peer sent something of a height beyond the one being decided here. */
  hint(peerId: string): void {
    const known = this.#known.get(peerId);
    if (known === undefined || known.cancelHint !== undefined) return;
    const { clock } = this.#options;
    const waitMs = HINT_INTERVAL_MS - (clock.now() - known.askedAtMs);
    if (waitMs <= 0) {
      this.#ask(peerId);
      return;
    }
    // What it told last may be older than the hint.
    known.cancelHint = clock.after(waitMs, () => {
      known.cancelHint = undefined;
      if (this.#known.get(peerId) === known) this.#ask(peerId);
    });
  }

  /** Asks a peer for its head, one question at a time; a failure is ordinary and no blame. */
  #ask(peerId: string, isAgain = false): void {
    const { network, clock, tracer } = this.#options;
    const known = this.#known.get(peerId);
    if (known === undefined || (known.isAsking && !isAgain)) return;
    known.askedAtMs = clock.now();
    known.isAsking = true;
    const { signal } = this.#stop;
    network
      .request(peerId, 'status', new Uint8Array(0), { signal })
      .then((answer) => this.#receiveStatus(peerId, known, answer))
      .catch((error: unknown) => {
        const { code } = errorToData(error);
        tracer.trace('debug', 'status-failed', { peerId, code });
      })
      .finally(() => {
        known.isAsking = false;
      });
  }

  #receiveStatus(peerId: string, known: Known, answer: Bytes): void {
    const isGone = this.#known.get(peerId) !== known;
    if (isGone || this.#stop.signal.aborted) return;
    const { ledger, onStatus, reportPeer, clock } = this.#options;
    const decoded = decode(peerStatusCodec, answer);
    if (!decoded.ok) {
      reportPeer(peerId, 'status-malformed');
      return;
    }
    const status = decoded.value;
    if (!equalBytes(status.chainId, ledger.chainId)) {
      reportPeer(peerId, 'wrong-network');
      return;
    }
    // The round that asks everybody keeps it up to date.
    known.voice ??= this.#voiceOf(peerId);
    known.status = status;
    known.toldAtMs = clock.now();
    known.wasNear = this.#options.headHeight() - status.headHeight <= NEAR_BLOCKS;
    onStatus(peerId, status, known.voice ?? peerId);
    this.#compared();
  }

  /** Asks some peers for the proposals and votes that gossip may have lost. */
  requestMessages(request: CatchUpRequest): void {
    const { network, catchUp, tracer } = this.#options;
    const peers = network.peers();
    const bytes = encode(catchUp.catchUpRequest, request);
    const { signal } = this.#stop;
    for (let count = 0; count < Math.min(CATCH_UP_PEERS, peers.length); count++) {
      const peer = peers[this.#nextCatchUp++ % peers.length];
      if (peer === undefined) continue;
      network
        .request(peer.peerId, 'consensus', bytes, { signal })
        .then((answer) => this.#receiveMessages(peer.peerId, answer))
        .catch((error: unknown) => {
          const { code } = errorToData(error);
          tracer.trace('debug', 'catch-up-failed', { peerId: peer.peerId, code });
        });
    }
  }

  async #receiveMessages(peerId: string, answer: Bytes): Promise<void> {
    const { catchUp, reportPeer } = this.#options;
    const decoded = decode(catchUp.catchUpAnswer, answer);
    if (!decoded.ok) return reportPeer(peerId, 'malformed-answer');
    const consensus = this.#options.consensus();
    const { proposals, votes } = decoded.value;
    for (const proposal of proposals) {
      await this.#take(peerId, () =>
        consensus?.receiveProposal(encode(catchUp.proposal, proposal), peerId),
      );
    }
    for (const vote of votes) {
      const verdict = await this.#take(peerId, () =>
        consensus?.receiveVote(encode(catchUp.vote, vote), peerId),
      );
      // One forgery is blamed once; the rest of the answer is not worth its signatures.
      if (verdict === 'reject') return;
    }
  }

  async #take<Verdict>(
    peerId: string,
    receive: () => Promise<Verdict> | undefined,
  ): Promise<Verdict | undefined> {
    const verdict = await receive();
    if (verdict === 'reject') this.#options.reportPeer(peerId, 'malformed-answer');
    return verdict;
  }

  /**
   * Asks relays for test coins, one after another, until one grants. Rejects with `aborted`. What
   * a relay refuses is told only if no other grants: it may not be the one with the faucet. Whoever
   * has just arrived waits a moment for somebody to say that it is a relay.
   */
  async requestCoins(
    recipient: Address,
    options: { readonly isForwarded: boolean; readonly signal: AbortSignal },
  ): Promise<Result<Hash, FaucetError>> {
    const { network, clock } = this.#options;
    const { isForwarded, signal } = options;
    const request = encode(faucetRequestCodec, { recipient, isForwarded });
    const endMs = clock.now() + (isForwarded ? 0 : FAUCET_RELAY_WAIT_MS);
    const asked = new Set<string>();
    let refusal: FaucetError = { code: 'faucet-absent' };
    do {
      for (const peerId of this.#relaysBut(asked)) {
        asked.add(peerId);
        if (signal.aborted) throw new TabellionError('aborted');
        const answer = await network
          .request(peerId, 'faucet', request, { signal })
          .catch(() => undefined);
        const decoded = answer === undefined ? undefined : decode(faucetResponseCodec, answer);
        if (decoded === undefined || !decoded.ok) continue;
        if (decoded.value.kind === 'granted') return ok(decoded.value.transactionId);
        const { code, retryAfterMs } = decoded.value;
        if (code === 'faucet-too-soon') refusal = { code, retryAfterMs: retryAfterMs ?? 0 };
        if (code === 'faucet-empty' && refusal.code === 'faucet-absent') refusal = { code };
      }
    } while (refusal.code === 'faucet-absent' && (await this.#anotherRelay(asked, endMs, signal)));
    return fail(refusal);
  }

  /** Connected peers that said they are relays, but for some. */
  #relaysBut(asked: ReadonlySet<string>): string[] {
    const peers = this.#options.network.peers().filter(({ peerId }) => !asked.has(peerId));
    return peers.flatMap(({ peerId }) =>
      this.#known.get(peerId)?.status?.isRelay === true ? [peerId] : [],
    );
  }

  /** Waits while one may still say that it is a relay; whether one did. Rejects with `aborted`. */
  async #anotherRelay(
    asked: ReadonlySet<string>,
    endMs: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { network, clock } = this.#options;
    const isSilent = ({ peerId }: { readonly peerId: string }): boolean =>
      this.#known.get(peerId)?.status === undefined;
    while (this.#relaysBut(asked).length === 0) {
      const mayCome = asked.size === 0 || network.peers().some(isSilent);
      if (!mayCome || clock.now() >= endMs || this.#stop.signal.aborted) return false;
      if (signal.aborted) throw new TabellionError('aborted');
      await new Promise<void>((resolve) => {
        clock.after(RELAY_LOOK_MS, resolve);
      });
    }
    return true;
  }
}
