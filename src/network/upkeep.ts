import type { Connection, Libp2p, PeerId } from '@libp2p/interface';
import type { Clock, Tracer } from '../base/index.ts';
import { reasonOf } from './errors.ts';
import { decodeExchange, EXCHANGE_KIND, type KnownPeer } from './exchange.ts';
import { hangUp } from './hang-up.ts';
import { mendGossip, type NodeServices } from './libp2p-node.ts';
import { type NetworkLimits, PENALTY_MALFORMED } from './limits.ts';
import { type PeerRecord, superfluous } from './peers.ts';
import { bestOf, type RequestDesk } from './requests.ts';

type Dependencies = {
  readonly libp2p: Libp2p<NodeServices>;
  readonly desk: RequestDesk;
  readonly limits: NetworkLimits;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly peers: ReadonlyMap<string, PeerRecord>;
  readonly learn: (peers: readonly KnownPeer[]) => void;
  /** Whether more peers would be welcome, so that asking is worth while. */
  readonly isHungry: () => boolean;
  readonly blame: (peerId: string, points: number, reason: string) => void;
};

/** A connection whose other end has not said who it is by then is closed. */
const IDENTIFY_PATIENCE_MS = 15_000;
/** How long a replaced connection is kept: its other end may still be finishing with it. */
const SETTLE_MS = 5_000;
/** How long gossipsub is left alone with a new connection. */
const GOSSIP_PATIENCE_MS = 3_000;
const PINGS_MISSED_MAX = 2;
/** How long a peer has to answer after a pause of ours. */
const WAKE_PING_MS = 3_000;
const EMPTY = new Uint8Array(0);
/** A node that has peers enough asks for others so many times less often. */
const CONTENT_FACTOR = 6;

/** What is done every second for the connections there are. */
export class Upkeep {
  readonly #with: Dependencies;

  constructor(dependencies: Dependencies) {
    this.#with = dependencies;
  }

  run(): void {
    const { libp2p, peers, clock } = this.#with;
    const nowMs = clock.now();
    for (const record of peers.values()) {
      this.#ping(record, nowMs);
      this.#exchange(record, nowMs);
    }
    for (const [peerId, connections] of byPeer(libp2p.getConnections())) {
      const record = peers.get(peerId);
      if (record !== undefined) this.#tidy(record, connections, nowMs);
      else this.#closeSilent(connections, nowMs);
    }
  }

  /** Asks every peer whether it is still there, and hangs up where no answer comes soon. */
  wake(): void {
    const { desk, peers, libp2p, clock, tracer } = this.#with;
    for (const { peerId } of peers.values()) {
      const asked = connectionsOf(libp2p, peerId);
      let isHere = false;
      desk.ping(peerId).then(
        () => {
          isHere = true;
        },
        () => undefined, // As good as no answer.
      );
      clock.after(WAKE_PING_MS, () => {
        if (isHere) return;
        tracer.trace('info', 'peer-lost-asleep', { peerId });
        for (const connection of asked) hangUp(connection, 'no answer after a pause');
      });
    }
  }

  #ping(record: PeerRecord, nowMs: number): void {
    if (nowMs < record.pingDueMs) return;
    const { desk, limits, libp2p, tracer } = this.#with;
    record.pingDueMs = nowMs + limits.pingIntervalMs;
    desk.ping(record.peerId).then(
      (latencyMs) => {
        record.latencyMs = latencyMs;
        record.pingsMissed = 0;
      },
      (error: unknown) => {
        record.pingsMissed += 1;
        if (record.pingsMissed < PINGS_MISSED_MAX) return;
        tracer.trace('info', 'peer-silent', { peerId: record.peerId, reason: reasonOf(error) });
        for (const connection of connectionsOf(libp2p, record.peerId)) {
          hangUp(connection, 'the peer does not answer');
        }
      },
    );
  }

  #exchange(record: PeerRecord, nowMs: number): void {
    if (nowMs < record.exchangeDueMs) return;
    const { desk, limits, learn, blame, isHungry, tracer } = this.#with;
    const factor = isHungry() ? 1 : CONTENT_FACTOR;
    record.exchangeDueMs = nowMs + factor * limits.exchangeIntervalMs;
    desk.ask(record.peerId, EXCHANGE_KIND, EMPTY).then(
      (answer) => {
        const known = decodeExchange(answer);
        if (known === undefined) blame(record.peerId, PENALTY_MALFORMED, 'exchange malformed');
        else learn(known);
      },
      (error: unknown) =>
        tracer.trace('debug', 'exchange-failed', {
          peerId: record.peerId,
          reason: reasonOf(error),
        }),
    );
  }

  #tidy(record: PeerRecord, connections: readonly Connection[], nowMs: number): void {
    const { libp2p, tracer } = this.#with;
    const { peerId } = record;
    const isSmaller = libp2p.peerId.toString() < peerId;
    const closing = superfluous(connections, { nowMs, settleMs: SETTLE_MS, isSmaller });
    for (const connection of closing) {
      connection.close().catch(() => hangUp(connection, 'replaced'));
    }
    const best = bestOf(connections.filter((connection) => !closing.includes(connection)));
    if (!record.isGossiping || best === undefined || best.limits !== undefined) return;
    if (nowMs - best.timeline.open < GOSSIP_PATIENCE_MS) return;
    if (mendGossip(libp2p, best)) tracer.trace('debug', 'gossip-mended', { peerId });
  }

  #closeSilent(connections: readonly Connection[], nowMs: number): void {
    for (const connection of connections) {
      if (nowMs - connection.timeline.open < IDENTIFY_PATIENCE_MS) continue;
      hangUp(connection, 'the peer did not identify itself');
    }
  }
}

/** Open connections to a peer named by text. */
export function connectionsOf(libp2p: Libp2p, peerId: string): readonly Connection[] {
  return libp2p
    .getConnections()
    .filter((connection) => connection.remotePeer.toString() === peerId);
}

function byPeer(connections: readonly Connection[]): ReadonlyMap<string, readonly Connection[]> {
  const grouped = new Map<string, Connection[]>();
  for (const connection of connections) {
    const peerId: PeerId = connection.remotePeer;
    const list = grouped.get(peerId.toString());
    if (list === undefined) grouped.set(peerId.toString(), [connection]);
    else list.push(connection);
  }
  return grouped;
}
