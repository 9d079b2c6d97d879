import type { Bytes, Clock, Result, Tracer } from '../base/index.ts';
import { equalBytes, errorToData, fail, ok } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { CatchUpRequest, ConsensusCodecs } from '../consensus/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Address, Height, Ledger } from '../ledger/index.ts';
import type { Network } from '../network/index.ts';
import type { ConsensusDriver } from './consensus-driver.ts';
import type { FaucetError } from './faucet.ts';
import { STATUS_INTERVAL_MS } from './limits.ts';
import type { PeerStatus } from './messages.ts';
import { faucetRequestCodec, faucetResponseCodec, peerStatusCodec } from './messages.ts';
import type { Fault } from './penalties.ts';
import type { SyncDriver } from './sync-driver.ts';

/** Peers asked at once for messages of the height being decided. */
const CATCH_UP_PEERS = 2;
/** A peer whose gossip is ahead of us is asked for its head at most this often. */
const HINT_INTERVAL_MS = 500;

export type PeerBookOptions = {
  readonly network: Network;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly ledger: Ledger;
  readonly sync: SyncDriver;
  readonly catchUp: ConsensusCodecs;
  consensus(): ConsensusDriver | undefined;
  reportPeer(peerId: string, fault: Fault): void;
  /** A peer of this network told its head. */
  onCompared(): void;
};

type Known = {
  readonly status: PeerStatus | undefined;
  readonly askedAtMs: number;
};

/** What peers said of themselves, and what this node asks them beside blocks. */
export class PeerBook {
  readonly #options: PeerBookOptions;
  readonly #known = new Map<string, Known>();
  readonly #stop = new AbortController();
  #cancelRound: () => void = () => undefined;
  #nextCatchUp = 0;

  constructor(options: PeerBookOptions) {
    this.#options = options;
  }

  start(): void {
    const { network, clock } = this.#options;
    const round = (): void => {
      for (const { peerId } of network.peers()) this.ask(peerId);
      this.#cancelRound = clock.after(STATUS_INTERVAL_MS, round);
    };
    round();
  }

  stop(): void {
    this.#stop.abort();
    this.#cancelRound();
  }

  heightOf(peerId: string): Height | undefined {
    return this.#known.get(peerId)?.status?.headHeight;
  }

  connected(peerId: string): void {
    this.ask(peerId);
  }

  gone(peerId: string): void {
    this.#known.delete(peerId);
    this.#options.sync.peerGone(peerId);
  }

  /** A peer sent something of a height beyond the one being decided here. */
  hint(peerId: string): void {
    const known = this.#known.get(peerId);
    const now = this.#options.clock.now();
    if (known === undefined || now - known.askedAtMs >= HINT_INTERVAL_MS) this.ask(peerId);
  }

  /** Asks a peer for its head; failures are ordinary and told to nobody. */
  ask(peerId: string): void {
    const { network, clock, tracer } = this.#options;
    const status = this.#known.get(peerId)?.status;
    this.#known.set(peerId, { status, askedAtMs: clock.now() });
    const { signal } = this.#stop;
    network
      .request(peerId, 'status', new Uint8Array(0), { signal })
      .then((answer) => this.#receiveStatus(peerId, answer))
      .catch((error: unknown) => {
        const { code } = errorToData(error);
        tracer.trace('debug', 'status-failed', { peerId, code });
      });
  }

  #receiveStatus(peerId: string, answer: Bytes): void {
    if (this.#stop.signal.aborted) return;
    const { clock, ledger, sync, reportPeer, onCompared } = this.#options;
    const decoded = decode(peerStatusCodec, answer);
    if (!decoded.ok) return reportPeer(peerId, 'status-malformed');
    const status = decoded.value;
    if (!equalBytes(status.chainId, ledger.chainId)) return reportPeer(peerId, 'wrong-network');
    this.#known.set(peerId, { status, askedAtMs: clock.now() });
    sync.peerStatus(peerId, { head: status.headHeight, earliest: status.earliestHeight });
    onCompared();
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
    for (const proposal of decoded.value.proposals) {
      await consensus?.receiveProposal(encode(catchUp.proposal, proposal), peerId);
    }
    for (const vote of decoded.value.votes) {
      await consensus?.receiveVote(encode(catchUp.vote, vote), peerId);
    }
  }

  /** Asks peers for test coins, relays first, until one grants or one knows a good reason. */
  async requestCoins(recipient: Address, signal: AbortSignal): Promise<Result<Hash, FaucetError>> {
    const { network } = this.#options;
    const request = encode(faucetRequestCodec, { recipient });
    const isRelay = (peerId: string): boolean => this.#known.get(peerId)?.status?.isRelay === true;
    const relays = network.peers().filter(({ peerId }) => isRelay(peerId));
    let refusal: FaucetError = { code: 'faucet-absent' };
    for (const { peerId } of relays) {
      const answer = await network
        .request(peerId, 'faucet', request, { signal })
        .catch(() => undefined);
      const decoded = answer === undefined ? undefined : decode(faucetResponseCodec, answer);
      if (decoded === undefined || !decoded.ok) continue;
      if (decoded.value.kind === 'granted') return ok(decoded.value.transactionId);
      const { code, retryAfterMs } = decoded.value;
      if (code === 'faucet-too-soon') return fail({ code, retryAfterMs: retryAfterMs ?? 0 });
      if (code === 'faucet-empty') refusal = { code };
    }
    return fail(refusal);
  }
}
