import type { Bytes } from '../base/index.ts';
import { formatHex, silentTracer, systemClock, TabellionError } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import { consensusCodecsOf } from '../consensus/index.ts';
import type { Ledger } from '../ledger/index.ts';
import { PROTOCOL_VERSION, signedVoteCodec } from '../ledger/index.ts';
import type { GossipVerdict, Network, RequestKind, Topic } from '../network/index.ts';
import { createNetwork, createPeerKey } from '../network/index.ts';
import { nodeTransports } from '../network/node.ts';
import { until } from './failure.ts';
import type { VoteBook } from './votes.ts';

/** A peer of the network for the whole run: writes down who votes for what, and passes nothing on. */
export class Observer {
  readonly #ledger: Ledger;
  readonly #votes: VoteBook;
  readonly #codecs: ReturnType<typeof consensusCodecsOf>;
  #network: Network | undefined;
  /** What a node that is paused now told of its head. */
  #status: Bytes | undefined;

  private constructor(ledger: Ledger, votes: VoteBook) {
    this.#ledger = ledger;
    this.#votes = votes;
    this.#codecs = consensusCodecsOf(ledger.codecs.block);
  }

  /** Connects to all of them; `relays` are their addresses. */
  static async open(ledger: Ledger, votes: VoteBook, relays: readonly string[]): Promise<Observer> {
    const observer = new Observer(ledger, votes);
    observer.#network = await createNetwork(
      {
        role: 'relay',
        chainId: formatHex(ledger.chainId),
        protocolVersion: PROTOCOL_VERSION,
        privateKey: await createPeerKey(),
        relays,
        transports: nodeTransports(),
        clock: systemClock,
        tracer: silentTracer,
        allowLoopback: true,
        // Those that were killed are back within a second.
        limits: { redialFirstMs: 200, redialMaxMs: 400 },
        agent: 'crash-test',
      },
      {
        onGossip: async (topic, message) => observer.#hear(topic, message),
        onRequest: async (kind) => observer.#answer(kind),
        onEvent: () => undefined,
      },
    );
    for (const relay of relays) await observer.meet(relay);
    return observer;
  }

  /** Returns once it is connected to the node of an address. */
  async meet(relay: string): Promise<void> {
    const network = this.#opened();
    const peerId = relay.slice(relay.lastIndexOf('/') + 1);
    await until('the observer meets a validator', async () => {
      // Refused while a dial is under way: asked again.
      await network.addRelay(relay).catch(() => undefined);
      return network.peers().some((peer) => peer.peerId === peerId);
    });
  }

  /** From now on tells, to whoever asks for its head, what the node of an address says now. */
  async speakFor(relay: string): Promise<void> {
    const peerId = relay.slice(relay.lastIndexOf('/') + 1);
    this.#status = await this.#opened().request(peerId, 'status', new Uint8Array(0));
  }

  /** Has no head of its own to tell any more. */
  fallSilent(): void {
    this.#status = undefined;
  }

  async stop(): Promise<void> {
    await this.#network?.stop();
  }

  #opened(): Network {
    if (this.#network === undefined) throw new Error('the observer is not open');
    return this.#network;
  }

  #hear(topic: Topic, message: Bytes): GossipVerdict {
    if (topic === 'votes') {
      const decoded = decode(signedVoteCodec, message);
      if (decoded.ok) this.#votes.hear(decoded.value.vote);
    }
    if (topic === 'proposals') {
      const decoded = decode(this.#codecs.proposal, message);
      if (decoded.ok) {
        const { proposal } = decoded.value;
        const blockHash = this.#ledger.blockHash(proposal.block.header);
        this.#votes.hearProposal({ ...proposal, blockHash });
      }
    }
    // Not passed on: a validator must not learn from us what its own log should tell.
    return 'ignore';
  }

  #answer(kind: RequestKind): Bytes {
    if (kind === 'status' && this.#status !== undefined) return this.#status;
    if (kind === 'consensus') {
      return encode(this.#codecs.catchUpAnswer, { proposals: [], votes: [] });
    }
    throw new TabellionError('request-refused');
  }
}
