import type { Connection, IdentifyResult, Libp2p, PeerId } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import type { Bytes } from '../base/index.ts';
import { isLoopbackHost, parseAddress, remoteHost, scopeOf, targetOf } from './addresses.ts';
import { BanBook } from './bans.ts';
import { createContentDigest } from './digest.ts';
import { networkError, reasonOf } from './errors.ts';
import { EXCHANGE_KIND, encodeExchange, type KnownPeer } from './exchange.ts';
import { createGater, mayDial } from './gater.ts';
import { GossipDoor } from './gossip.ts';
import { hangUp } from './hang-up.ts';
import { ConfiguredHosts, HostCounter } from './hosts.ts';
import { createLibp2pNode, type NodeServices } from './libp2p-node.ts';
import { DEFAULT_LIMITS, type NetworkLimits, SCORE_MAX } from './limits.ts';
import { type NetworkNames, networkNames, REQUEST_KINDS, TOPICS } from './names.ts';
import { type PeerRecord, viewOf } from './peers.ts';
import { RecentPublications } from './recent.ts';
import { type Asker, RequestDesk } from './requests.ts';
import { PeerScores } from './score.ts';
import { COURTESY_MS, Supervisor } from './supervisor.ts';
import type {
  Network,
  NetworkHandlers,
  NetworkOptions,
  PeerView,
  PenaltyPoints,
  RequestKind,
  Topic,
} from './types.ts';
import { connectionsOf, Upkeep } from './upkeep.ts';

const HOP_PROTOCOL = '/libp2p/circuit/relay/0.2.0/hop';
const TICK_MS = 1_000;
/** Own messages so young are published again for a peer that just subscribed. */
const REPUBLISH_WINDOW_MS = 3_000;
/** Subscriptions of one peer come together. */
const REPUBLISH_DELAY_MS = 20;
/** Of the peers told in one exchange, at most so many are relays. */
const EXCHANGE_RELAYS_MAX = 12;

type Shared = {
  readonly options: NetworkOptions;
  readonly handlers: NetworkHandlers;
  readonly limits: NetworkLimits;
  readonly names: NetworkNames;
  readonly bans: BanBook;
  readonly door: GossipDoor;
  readonly hosts: HostCounter;
  readonly configured: ConfiguredHosts;
  readonly libp2p: Libp2p<NodeServices>;
};

/**
 * Starts a node of the peer-to-peer network; from then on it dials and redials by itself.
 *
 * Resolves when it listens, not when it has peers: those are told by events. Rejects when it
 * cannot listen where it should.
 */
export async function createNetwork(
  options: NetworkOptions,
  handlers: NetworkHandlers,
): Promise<Network> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const names = networkNames(options.chainId, options.protocolVersion);
  const { clock, tracer } = options;
  const bans = new BanBook(limits.bansMax);
  const hosts = new HostCounter();
  const configured = new ConfiguredHosts();
  let network: Libp2pNetwork | undefined;
  const door = new GossipDoor({
    limits,
    clock,
    tracer,
    digest: await createContentDigest(),
    isRefused: (peerId) => bans.isBanned(peerId, clock.now()),
    validate: (topic, message, from) => handlers.onGossip(topic, message, from),
    blame: (peerId, points, reason) => network?.penalize(peerId, points, reason),
  });
  const gater = createGater({
    bans,
    clock,
    limits,
    allowLoopback: options.allowLoopback ?? false,
    isConfigured: (address) => configured.has(address),
    connectionsFrom: (host) => hosts.countOf(host),
  });
  const messageId = (message: Parameters<GossipDoor['messageId']>[0]) => door.messageId(message);
  const libp2p = await createLibp2pNode({ options, limits, names, gater, messageId });
  const shared = { options, handlers, limits, names, bans, door, hosts, configured, libp2p };
  network = new Libp2pNetwork(shared);
  await network.start();
  return network;
}

class Libp2pNetwork implements Network {
  readonly #with: Shared;
  readonly #scores: PeerScores;
  readonly #desk: RequestDesk;
  readonly #supervisor: Supervisor;
  readonly #upkeep: Upkeep;
  readonly #peers = new Map<string, PeerRecord>();
  readonly #recent = new RecentPublications({
    windowMs: REPUBLISH_WINDOW_MS,
    countMax: 128,
    bytesMax: 1024 * 1024,
  });
  #isRepublishing = false;
  #addressesTold = '';
  #cancelTick: () => void = () => undefined;
  #stopping: Promise<void> | undefined;

  constructor(shared: Shared) {
    this.#with = shared;
    const { options, limits, names, bans, libp2p } = shared;
    const { clock, tracer } = options;
    this.#scores = new PeerScores({
      recoveryPerSecond: limits.scoreRecoveryPerSecond,
      max: limits.scoresMax,
    });
    const blame = (peerId: string, points: number, reason: string) =>
      this.penalize(peerId, points, reason);
    this.#desk = new RequestDesk({
      limits,
      clock,
      tracer,
      protocol: names.requests,
      connectionsTo: (peerId) => connectionsOf(libp2p, peerId),
      answer: (kind, body, from) => this.#answer(kind, body, from),
      blame,
    });
    this.#supervisor = new Supervisor({
      role: options.role,
      selfId: this.peerId,
      limits,
      clock,
      tracer,
      dial: (addresses) => this.#dial(addresses),
      isConnected: (peerId) => this.#directTo(peerId).length > 0,
      connectedCount: (kind) => this.#connectedCount(kind),
      isBanned: (peerId) => bans.isBanned(peerId, clock.now()),
      mayDial: (address) => this.#mayDial(address),
      onRelaysChanged: (relays) => options.onRelaysChanged?.(relays),
    });
    this.#upkeep = new Upkeep({
      libp2p,
      desk: this.#desk,
      limits,
      clock,
      tracer,
      peers: this.#peers,
      learn: (peers) => this.#learn(peers),
      isHungry: () => this.#isHungry(),
      blame,
    });
  }

  get peerId(): string {
    return this.#with.libp2p.peerId.toString();
  }

  async start(): Promise<void> {
    const { libp2p, options, names, door, configured } = this.#with;
    for (const relay of options.relays) {
      if (!this.#addConfigured(relay)) throw networkError('address-malformed', { relay });
    }
    this.#listen();
    await libp2p.handle(
      names.requests,
      (stream, connection) => this.#desk.accept(stream, connection),
      { runOnLimitedConnection: true, maxInboundStreams: 4, maxOutboundStreams: 4 },
    );
    await libp2p.start();
    for (const address of libp2p.getMultiaddrs()) configured.add(address);
    for (const topic of TOPICS) {
      libp2p.services.pubsub.topicValidators.set(names.topic(topic), door.validator(topic));
      libp2p.services.pubsub.subscribe(names.topic(topic));
    }
    this.#tick();
  }

  addresses(): readonly string[] {
    return this.#with.libp2p.getMultiaddrs().map((address) => address.toString());
  }

  peers(): readonly PeerView[] {
    const { libp2p, options } = this.#with;
    const nowMs = options.clock.now();
    return [...this.#peers.values()].map((record) =>
      viewOf(
        record,
        connectionsOf(libp2p, record.peerId),
        this.#scores.scoreOf(record.peerId, nowMs),
      ),
    );
  }

  async publish(topic: Topic, message: Uint8Array): Promise<void> {
    this.#assertRunning();
    const { libp2p, names, door, options } = this.#with;
    const wrapped = door.wrap(topic, message);
    this.#recent.add(topic, new Uint8Array(message), options.clock.now());
    await libp2p.services.pubsub.publish(names.topic(topic), wrapped);
  }

  async request(
    peerId: string,
    kind: RequestKind,
    request: Uint8Array,
    options: { readonly signal?: AbortSignal; readonly timeoutMs?: number } = {},
  ): Promise<Bytes> {
    this.#assertRunning();
    const body = new Uint8Array(request); // The caller keeps its own bytes.
    return await this.#desk.ask(peerId, REQUEST_KINDS.indexOf(kind) + 1, body, options);
  }

  penalize(peerId: string, points: PenaltyPoints, reason: string): void {
    const { options, bans, limits, libp2p } = this.#with;
    const nowMs = options.clock.now();
    if (bans.isBanned(peerId, nowMs)) return; // Frames still on their way when it was refused.
    const score = this.#scores.blame(peerId, points, nowMs);
    const level = points >= SCORE_MAX / 10 ? 'info' : 'debug';
    options.tracer.trace(level, 'peer-blamed', { peerId, points, score, reason });
    if (score > 0) return;
    const untilMs = nowMs + limits.banDurationMs;
    bans.ban(peerId, untilMs);
    this.#scores.forget(peerId); // It has paid when the ban ends.
    const connections = connectionsOf(libp2p, peerId);
    for (const connection of connections) {
      const host = remoteHost(connection.remoteAddr);
      // Everybody of a local network has the same address: only the peer itself is refused.
      if (host !== undefined && !isLoopbackHost(host)) bans.ban(host, untilMs);
    }
    options.tracer.trace('warn', 'peer-banned', { peerId, reason });
    this.#forget(peerId);
    this.#desk.forgetPeer(peerId);
    for (const connection of connections) hangUp(connection, 'banned');
  }

  follow(topics: readonly Topic[]): void {
    if (this.#stopping !== undefined) return;
    const { libp2p, names } = this.#with;
    for (const topic of TOPICS) {
      const name = names.topic(topic);
      const isHeard = libp2p.services.pubsub.getTopics().includes(name);
      if (topics.includes(topic) === isHeard) continue;
      if (isHeard) libp2p.services.pubsub.unsubscribe(name);
      else libp2p.services.pubsub.subscribe(name);
    }
  }

  wake(): void {
    if (this.#stopping !== undefined) return;
    this.#supervisor.wake();
    this.#upkeep.wake();
    this.#tick();
  }

  relays(): readonly string[] {
    return this.#supervisor.relays();
  }

  async addRelay(address: string): Promise<void> {
    this.#assertRunning();
    const parsed = parseAddress(address);
    const peerId = parsed === undefined ? undefined : targetOf(parsed);
    if (peerId === undefined || !this.#addConfigured(address)) {
      throw networkError('address-malformed', { address: address.slice(0, 200) });
    }
    this.#with.options.onRelaysChanged?.(this.#supervisor.relays());
    if (peerId !== this.peerId) await this.#supervisor.dialNow(peerId);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#cancelTick();
    this.#desk.stop();
    await this.#with.libp2p.stop();
    this.#peers.clear();
  }

  #assertRunning(): void {
    if (this.#stopping !== undefined) throw networkError('network-stopped');
  }

  #tick(): void {
    if (this.#stopping !== undefined) return;
    this.#cancelTick();
    this.#cancelTick = this.#with.options.clock.after(TICK_MS, () => this.#tick());
    this.#supervisor.tick();
    this.#upkeep.run();
  }

  #listen(): void {
    const { libp2p, hosts } = this.#with;
    libp2p.addEventListener('connection:open', ({ detail }) => hosts.add(detail.remoteAddr));
    libp2p.addEventListener('connection:close', ({ detail }) => {
      hosts.remove(detail.remoteAddr);
      this.#onConnectionClosed(detail);
    });
    libp2p.addEventListener('peer:identify', ({ detail }) => this.#onIdentified(detail));
    libp2p.addEventListener('peer:disconnect', ({ detail }) => this.#onDisconnected(detail));
    libp2p.services.pubsub.addEventListener('subscription-change', ({ detail }) => {
      if (detail.subscriptions.some(({ subscribe }) => subscribe)) this.#republishSoon();
    });
    libp2p.addEventListener('self:peer:update', () => {
      const addresses = this.addresses();
      if (addresses.join() === this.#addressesTold) return;
      this.#addressesTold = addresses.join();
      this.#with.handlers.onEvent({ kind: 'addresses-changed', addresses });
    });
  }

  #republishSoon(): void {
    const { clock, tracer } = this.#with.options;
    if (this.#isRepublishing || this.#recent.list(clock.now()).length === 0) return;
    this.#isRepublishing = true;
    clock.after(REPUBLISH_DELAY_MS, () => {
      this.#isRepublishing = false;
      if (this.#stopping !== undefined) return;
      const { libp2p, names, door } = this.#with;
      for (const { topic, message } of this.#recent.list(clock.now())) {
        libp2p.services.pubsub
          .publish(names.topic(topic), door.wrap(topic, message))
          .catch((error: unknown) =>
            tracer.trace('debug', 'republish-failed', { reason: reasonOf(error) }),
          );
      }
    });
  }

  #onIdentified({ peerId: id, protocols, agentVersion, connection }: IdentifyResult): void {
    const { names, options, handlers, bans } = this.#with;
    const peerId = id.toString();
    const nowMs = options.clock.now();
    if (bans.isBanned(peerId, nowMs) || connection.status !== 'open') return;
    if (!protocols.includes(names.requests)) {
      options.tracer.trace('debug', 'peer-foreign', { peerId });
      this.#forget(peerId);
      connection.close().catch(() => hangUp(connection, 'another network'));
      return;
    }
    this.#supervisor.onConnected(peerId);
    if (this.#peers.has(peerId)) return;
    this.#peers.set(peerId, {
      peerId,
      agent: (agentVersion ?? '').slice(0, 128),
      connectedSinceMs: nowMs,
      isRelay: protocols.includes(HOP_PROTOCOL),
      isGossiping: protocols.some((protocol) => protocol.startsWith('/meshsub/')),
      latencyMs: undefined,
      pingDueMs: nowMs,
      pingsMissed: 0,
      exchangeDueMs: nowMs,
    });
    options.tracer.trace('info', 'peer-connected', { peerId, direction: connection.direction });
    handlers.onEvent({ kind: 'peer-connected', peerId });
    this.#tick();
  }

  #onDisconnected(id: PeerId): void {
    const peerId = id.toString();
    this.#supervisor.onDisconnected(peerId);
    this.#desk.forgetPeer(peerId);
    this.#with.door.forgetPeer(peerId);
    if (!this.#peers.delete(peerId)) return;
    this.#with.options.tracer.trace('info', 'peer-disconnected', { peerId });
    if (this.#stopping === undefined) {
      this.#with.handlers.onEvent({ kind: 'peer-disconnected', peerId });
    }
  }

  // A direct connection lost while a relayed one remains: the peer is not gone, but worth a dial.
  #onConnectionClosed(connection: Connection): void {
    const peerId = connection.remotePeer.toString();
    if (connection.limits === undefined && this.#peers.has(peerId)) {
      if (this.#directTo(peerId).length === 0) this.#supervisor.onDisconnected(peerId);
    }
  }

  /** Drops everything known of a peer that is hostile or of another network. */
  #forget(peerId: string): void {
    const { libp2p, options } = this.#with;
    this.#supervisor.refuse(peerId);
    const connection = connectionsOf(libp2p, peerId)[0];
    if (connection === undefined) return;
    libp2p.peerStore
      .delete(connection.remotePeer)
      .catch((error: unknown) =>
        options.tracer.trace('debug', 'peer-not-forgotten', { reason: reasonOf(error) }),
      );
  }

  #answer(kind: number, body: Bytes, from: Asker): Promise<Bytes> | undefined {
    if (kind === EXCHANGE_KIND) return this.#tellPeers(from.peerId);
    const name = REQUEST_KINDS[kind - 1];
    if (name === undefined) return undefined;
    return this.#with.handlers.onRequest(name, body, from);
  }

  async #tellPeers(asker: string): Promise<Bytes> {
    const { libp2p } = this.#with;
    const relays: KnownPeer[] = [];
    const tabs: KnownPeer[] = [];
    for (const connection of libp2p.getConnections()) {
      const record = this.#peers.get(connection.remotePeer.toString());
      if (record === undefined || record.peerId === asker) continue;
      const list = record.isRelay ? relays : tabs;
      if (list.some((known) => known.peerId === record.peerId)) continue;
      const stored = await libp2p.peerStore.get(connection.remotePeer).catch(() => undefined);
      const addresses = (stored?.addresses ?? []).map(({ multiaddr: address }) =>
        withPeer(address.toString(), record.peerId),
      );
      // The address that this node reached it by is the best known to work.
      if (connection.direction === 'outbound' && record.isRelay) {
        addresses.unshift(withPeer(connection.remoteAddr.toString(), record.peerId));
      }
      const dialable = [...new Set(addresses)].filter((address) => this.#mayDial(address));
      if (dialable.length > 0) list.push({ peerId: record.peerId, addresses: dialable });
    }
    return encodeExchange([...sample(relays, EXCHANGE_RELAYS_MAX), ...sample(tabs, tabs.length)]);
  }

  #learn(peers: readonly KnownPeer[]): void {
    if (this.#stopping !== undefined) return;
    this.#supervisor.learn(peers);
    this.#supervisor.tick();
    // Those for whom courtesy waits are dialled as soon as it ends.
    this.#with.options.clock.after(COURTESY_MS, () => {
      if (this.#stopping === undefined) this.#supervisor.tick();
    });
  }

  async #dial(addresses: readonly string[]): Promise<void> {
    const { libp2p, limits } = this.#with;
    const signal = AbortSignal.timeout(limits.dialTimeoutMs);
    await libp2p.dial(
      addresses.map((address) => multiaddr(address)),
      { signal },
    );
  }

  #addConfigured(address: string): boolean {
    const parsed = parseAddress(address);
    if (parsed === undefined || !this.#supervisor.addConfigured(address)) return false;
    this.#with.configured.add(parsed);
    return true;
  }

  #mayDial(address: string): boolean {
    const { configured, options } = this.#with;
    const parsed = parseAddress(address);
    if (parsed === undefined || scopeOf(parsed) === 'none') return false;
    return configured.has(parsed) || mayDial(parsed, options.allowLoopback ?? false);
  }

  #directTo(peerId: string): readonly Connection[] {
    return connectionsOf(this.#with.libp2p, peerId).filter(
      (connection) => connection.status === 'open' && connection.limits === undefined,
    );
  }

  #connectedCount(kind: 'relay' | 'tab'): number {
    let count = 0;
    for (const record of this.#peers.values()) {
      const isOfKind = record.isRelay === (kind === 'relay');
      if (isOfKind && this.#directTo(record.peerId).length > 0) count += 1;
    }
    return count;
  }

  #isHungry(): boolean {
    const { options, limits } = this.#with;
    if (options.role === 'relay') return this.#connectedCount('relay') === 0;
    const areRelaysFew = this.#connectedCount('relay') < Math.min(2, limits.relaysTarget);
    return areRelaysFew || this.#connectedCount('tab') < limits.peersTarget;
  }
}

function withPeer(address: string, peerId: string): string {
  return address.endsWith(`/p2p/${peerId}`) ? address : `${address}/p2p/${peerId}`;
}

/** Some of a list, in random order, so that no peer is always told first. */
function sample<Item>(items: readonly Item[], count: number): readonly Item[] {
  const shuffled = [...items];
  for (let at = shuffled.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1));
    const held = shuffled[at] as Item; // Both places are inside the list.
    shuffled[at] = shuffled[other] as Item;
    shuffled[other] = held;
  }
  return shuffled.slice(0, count);
}
