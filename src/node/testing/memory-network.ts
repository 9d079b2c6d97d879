import type { Bytes, Clock } from '../../base/index.ts';
import { errorToData, formatHex, TabellionError } from '../../base/index.ts';
import type {
  GossipVerdict,
  Network,
  NetworkHandlers,
  PeerView,
  RequestKind,
  Topic,
} from '../../network/index.ts';
import { DEFAULT_LIMITS, PENALTY_REJECTED, SCORE_MAX } from '../../network/index.ts';

const LATENCY_MS = 1;
const REQUEST_TIMEOUT_MS = 10_000;
const RESPONSE_BYTES_MAX = 8 * 1024 * 1024;

/** One gossiped message on its way: a nonce lets the same content travel again. */
type Message = { readonly topic: Topic; readonly bytes: Bytes; readonly nonce: number };

/** A message that some node published, in the order of publishing. */
export type Published = { readonly by: string; readonly topic: Topic; readonly bytes: Bytes };

/** Points that one node took from another, and why. */
export type Penalty = {
  readonly by: string;
  readonly peerId: string;
  readonly points: number;
  readonly reason: string;
};

/** What travels between two nodes, for filters. */
export type Parcel = {
  readonly from: string;
  readonly to: string;
  readonly kind: Topic | `request-${RequestKind}`;
};

/** Connects nodes of one process: everybody with everybody, unless a test says otherwise. */
export class MemoryHub {
  readonly clock: Clock;
  readonly published: Published[] = [];
  readonly penalties: Penalty[] = [];
  readonly #open = new Map<string, MemoryNetwork>();
  readonly #groups = new Map<string, number>();
  readonly #cut = new Set<string>();
  /** Whether a parcel arrives; tests replace it. */
  delivers: (parcel: Parcel) => boolean = () => true;
  /** How quick others find a peer; tests replace it. */
  latencyMs: (peerId: string) => number | undefined = () => undefined;
  #nonce = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Makes a node reachable; its peers are told. */
  open(
    peerId: string,
    chainId: string,
    handlers: NetworkHandlers,
    remoteAddress?: string,
  ): MemoryNetwork {
    if (this.#open.has(peerId)) throw new Error(`${peerId} is there already`);
    const network = new MemoryNetwork({ hub: this, peerId, chainId, handlers, remoteAddress });
    this.#change(() => this.#open.set(peerId, network));
    return network;
  }

  close(peerId: string): void {
    this.#change(() => this.#open.delete(peerId));
  }

  /** Splits the network; nodes that no group names are alone. */
  partition(...groups: readonly (readonly string[])[]): void {
    this.#change(() => {
      this.#groups.clear();
      for (const peerId of this.#open.keys()) this.#groups.set(peerId, -this.#groups.size - 1);
      for (const [index, group] of groups.entries()) {
        for (const peerId of group) this.#groups.set(peerId, index);
      }
    });
  }

  /** Ends the partition, and every cut. */
  heal(): void {
    this.#change(() => {
      this.#groups.clear();
      this.#cut.clear();
    });
  }

  /** Ends the connection of two nodes. */
  cut(left: string, right: string): void {
    this.#change(() => {
      this.#cut.add(`${left} ${right}`);
      this.#cut.add(`${right} ${left}`);
    });
  }

  isLinked(left: MemoryNetwork, right: MemoryNetwork): boolean {
    return (
      left !== right &&
      left.chainId === right.chainId &&
      this.#open.get(left.peerId) === left &&
      this.#open.get(right.peerId) === right &&
      this.#groups.get(left.peerId) === this.#groups.get(right.peerId) &&
      !this.#cut.has(`${left.peerId} ${right.peerId}`)
    );
  }

  peersOf(network: MemoryNetwork): MemoryNetwork[] {
    return [...this.#open.values()].filter((other) => this.isLinked(network, other));
  }

  find(peerId: string): MemoryNetwork | undefined {
    return this.#open.get(peerId);
  }

  /** All who are reachable by somebody. */
  names(): string[] {
    return [...this.#open.keys()];
  }

  nextNonce(): number {
    this.#nonce += 1;
    return this.#nonce;
  }

  /** Changes who is linked, and tells both ends of every link that came or went. */
  #change(change: () => void): void {
    const before = this.#links();
    change();
    const after = this.#links();
    for (const [key, [left, right]] of before) {
      if (!after.has(key)) left.lost(right);
    }
    for (const [key, [left, right]] of after) {
      if (!before.has(key)) left.found(right);
    }
  }

  #links(): Map<string, readonly [MemoryNetwork, MemoryNetwork]> {
    const links = new Map<string, readonly [MemoryNetwork, MemoryNetwork]>();
    for (const left of this.#open.values()) {
      for (const right of this.peersOf(left)) {
        links.set(`${left.peerId} ${right.peerId}`, [left, right]);
      }
    }
    return links;
  }
}

type Waiting = { readonly to: MemoryNetwork; readonly settle: (error: TabellionError) => void };

/** One node's end of a {@link MemoryHub}: gossip by flooding, requests, scores. */
export class MemoryNetwork implements Network {
  readonly peerId: string;
  readonly chainId: string;
  readonly #hub: MemoryHub;
  readonly #handlers: NetworkHandlers;
  readonly #remoteAddress: string | undefined;
  readonly #seen = new Set<number>();
  readonly #verdicts = new Map<string, GossipVerdict>();
  readonly #scores = new Map<string, number>();
  readonly #waiting = new Set<Waiting>();
  #isStopped = false;
  /** Topics that it hears; absent: all. */
  #topics: readonly Topic[] | undefined;

  constructor(options: {
    readonly hub: MemoryHub;
    readonly peerId: string;
    readonly chainId: string;
    readonly handlers: NetworkHandlers;
    readonly remoteAddress: string | undefined;
  }) {
    this.#hub = options.hub;
    this.peerId = options.peerId;
    this.chainId = options.chainId;
    this.#handlers = options.handlers;
    this.#remoteAddress = options.remoteAddress;
  }

  addresses(): readonly string[] {
    return [`/memory/${this.peerId}`];
  }

  peers(): readonly PeerView[] {
    return this.#hub.peersOf(this).map((peer) => ({
      peerId: peer.peerId,
      addresses: [`/memory/${peer.peerId}`],
      voice: peer.#remoteAddress ?? peer.peerId,
      transport: 'websocket',
      direction: this.peerId < peer.peerId ? 'outbound' : 'inbound',
      latencyMs: this.#hub.latencyMs(peer.peerId),
      score: this.#scores.get(peer.peerId) ?? SCORE_MAX,
      agent: 'test',
      connectedSinceMs: 0,
    }));
  }

  async publish(topic: Topic, message: Uint8Array): Promise<void> {
    if (this.#isStopped) throw new TabellionError('network-stopped');
    const bytes = new Uint8Array(message);
    this.#hub.published.push({ by: this.peerId, topic, bytes });
    const nonce = this.#hub.nextNonce();
    this.#seen.add(nonce);
    this.#verdicts.set(keyOf(topic, bytes), 'accept');
    this.#forward({ topic, bytes, nonce }, undefined);
  }

  request(
    peerId: string,
    kind: RequestKind,
    request: Uint8Array,
    options: { readonly signal?: AbortSignal; readonly timeoutMs?: number } = {},
  ): Promise<Bytes> {
    const target = this.#hub.find(peerId);
    if (target === undefined || !this.#hub.isLinked(this, target)) {
      return Promise.reject(new TabellionError('peer-gone'));
    }
    const body = new Uint8Array(request);
    return new Promise((resolve, reject) => {
      const settle = (outcome: TabellionError | Bytes): void => {
        if (!this.#waiting.delete(waiting)) return;
        cancelTimeout();
        options.signal?.removeEventListener('abort', onAbort);
        if (outcome instanceof TabellionError) reject(outcome);
        else resolve(outcome);
      };
      const waiting: Waiting = { to: target, settle };
      this.#waiting.add(waiting);
      const onAbort = () => settle(new TabellionError('aborted'));
      options.signal?.addEventListener('abort', onAbort);
      const timeoutMs = options.timeoutMs ?? REQUEST_TIMEOUT_MS;
      const cancelTimeout = this.#hub.clock.after(timeoutMs, () =>
        settle(new TabellionError('request-timeout')),
      );
      this.#send(target, `request-${kind}`, () => {
        target.#answer(kind, body, this).then((outcome) => {
          target.#send(this, `request-${kind}`, () => settle(outcome));
        });
      });
    });
  }

  follow(topics: readonly Topic[]): void {
    this.#topics = topics;
  }

  penalize(peerId: string, points: number, reason: string): void {
    this.#hub.penalties.push({ by: this.peerId, peerId, points, reason });
    const score = Math.max(0, (this.#scores.get(peerId) ?? SCORE_MAX) - points);
    this.#scores.set(peerId, score);
    if (score === 0) this.#hub.cut(this.peerId, peerId);
  }

  async addRelay(): Promise<void> {
    throw new TabellionError('dial-failed');
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#hub.close(this.peerId);
  }

  found({ peerId }: MemoryNetwork): void {
    this.#hub.clock.after(LATENCY_MS, () => {
      if (!this.#isStopped) this.#handlers.onEvent({ kind: 'peer-connected', peerId });
    });
  }

  lost(other: MemoryNetwork): void {
    for (const waiting of [...this.#waiting]) {
      if (waiting.to === other) waiting.settle(new TabellionError('peer-gone'));
    }
    const { peerId } = other;
    this.#hub.clock.after(LATENCY_MS, () => {
      if (!this.#isStopped) this.#handlers.onEvent({ kind: 'peer-disconnected', peerId });
    });
  }

  async #answer(kind: RequestKind, body: Bytes, asker: MemoryNetwork) {
    const from = { peerId: asker.peerId, remoteAddress: asker.#remoteAddress };
    try {
      const response = await this.#handlers.onRequest(kind, body, from);
      if (response.length <= RESPONSE_BYTES_MAX) return new Uint8Array(response);
      return new TabellionError('response-too-large');
    } catch (error) {
      const { code, facts } = errorToData(error);
      return new TabellionError('request-refused', code === 'request-refused' ? facts : {});
    }
  }

  #send(to: MemoryNetwork, kind: Parcel['kind'], arrive: () => void): void {
    this.#hub.clock.after(LATENCY_MS, () => {
      const isLinked = this.#hub.isLinked(this, to);
      const parcel = { from: this.peerId, to: to.peerId, kind };
      if (isLinked && this.#hub.delivers(parcel)) arrive();
    });
  }

  #forward(message: Message, exceptFor: string | undefined): void {
    for (const peer of this.#hub.peersOf(this)) {
      if (peer.peerId === exceptFor || peer.#topics?.includes(message.topic) === false) continue;
      this.#send(peer, message.topic, () => peer.#receive(message, this.peerId));
    }
  }

  #receive(message: Message, from: string): void {
    if (this.#seen.has(message.nonce) || this.#isStopped) return;
    this.#seen.add(message.nonce);
    const key = keyOf(message.topic, message.bytes);
    const known = this.#verdicts.get(key);
    const isOld = known === 'accept' && DEFAULT_LIMITS.topics[message.topic].isPerishable;
    const judging = known === undefined || isOld ? this.#judge(message, from) : known;
    Promise.resolve(judging).then((verdict) => {
      if (verdict === 'ignore') return;
      this.#verdicts.set(key, verdict);
      if (verdict === 'accept') this.#forward(message, from);
      else this.penalize(from, PENALTY_REJECTED, `${message.topic}: rejected`);
    });
  }

  /** As the real door does: a validator that throws ignores the message. */
  async #judge({ topic, bytes }: Message, from: string): Promise<GossipVerdict> {
    try {
      return await this.#handlers.onGossip(topic, new Uint8Array(bytes), from);
    } catch {
      return 'ignore';
    }
  }
}

function keyOf(topic: Topic, bytes: Uint8Array): string {
  return `${topic} ${formatHex(bytes)}`;
}
