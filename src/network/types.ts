import type { Libp2pInit } from 'libp2p';
import type { Bytes, Clock, Tracer } from '../base/index.ts';
import type { NetworkLimits } from './limits.ts';

/** What is gossiped; each is one gossipsub topic, `/tabellion/<chain id>/<version>/<topic>`. */
export type Topic = 'transactions' | 'proposals' | 'votes' | 'blocks';

/** Questions that one peer asks another; each is one stream protocol of the same naming. */
export type RequestKind =
  | 'status'
  | 'blocks'
  | 'consensus'
  | 'faucet'
  | 'state'
  | 'light'
  | 'snapshots'
  | 'manifest'
  | 'chunks'
  | 'receipts'
  | 'history'
  | 'locate'
  | 'page'
  | 'entries';

/** `accept` forwards; `ignore` drops silently; `reject` drops and costs the sender score. */
export type GossipVerdict = 'accept' | 'ignore' | 'reject';

/** Why a peer is blamed; the table of penalties is in `node`. */
export type PenaltyPoints = number;

export type PeerTransport = 'websocket' | 'webrtc' | 'relayed';

export type PeerView = {
  readonly peerId: string;
  /** Multiaddrs of open connections. */
  readonly addresses: readonly string[];
  /** Whose word its word is: alike for peers that one party could make up at no cost. */
  readonly voice: string;
  /** Best transport among the open connections. */
  readonly transport: PeerTransport;
  readonly direction: 'inbound' | 'outbound';
  /** Round trip of the last ping; absent before the first. */
  readonly latencyMs: number | undefined;
  /** 0 (banned) to 1000 (never blamed). */
  readonly score: number;
  readonly agent: string;
  readonly connectedSinceMs: number;
};

export type NetworkEvent =
  | { readonly kind: 'peer-connected'; readonly peerId: string }
  | { readonly kind: 'peer-disconnected'; readonly peerId: string }
  | { readonly kind: 'addresses-changed'; readonly addresses: readonly string[] };

/** What `node` plugs in: it alone knows what messages mean. */
export type NetworkHandlers = {
  /**
   * Called once per distinct message, and again when one comes anew that was ignored or may have
   * become old; nothing is forwarded before the verdict. `from` is the neighbour who sent it, not
   * its author.
   */
  onGossip(topic: Topic, message: Bytes, from: string): Promise<GossipVerdict>;
  /**
   * Answers a question. `remoteAddress` is the asker's IP where known, for rate limits; `signal`
   * fires when the asker cancels or is gone. Reject with `request-refused` and the fact `reason:
   * 'busy'` where the answer costs more than the asker may spend now.
   */
  onRequest(
    kind: RequestKind,
    request: Bytes,
    from: {
      readonly peerId: string;
      readonly remoteAddress: string | undefined;
      readonly signal?: AbortSignal;
    },
  ): Promise<Bytes>;
  onEvent(event: NetworkEvent): void;
};

/** Speaks to peers. All limits are in `limits.ts`. */
export interface Network {
  readonly peerId: string;
  /** Own multiaddrs that others can dial. */
  addresses(): readonly string[];
  peers(): readonly PeerView[];
  publish(topic: Topic, message: Uint8Array): Promise<void>;
  /**
   * Asks one peer. Rejects with `TabellionError`: `request-timeout`, `peer-gone`,
   * `response-too-large`, `request-refused`, `aborted`.
   */
  request(
    peerId: string,
    kind: RequestKind,
    request: Uint8Array,
    options?: { readonly signal?: AbortSignal; readonly timeoutMs?: number },
  ): Promise<Bytes>;
  /** Takes points from a peer's score; at 0 it is disconnected and banned for a while. */
  penalize(peerId: string, points: PenaltyPoints, reason: string): void;
  /**
   * After a pause of this program or its line: dials now what is wanted, without waiting for its
   * turn, and gives up connections that do not answer within seconds. Absent where none can die
   * without a word.
   */
  wake?(): void;
  /** Hears gossip of these topics alone from now on; all of them at first. Publishing stays free. */
  follow?(topics: readonly Topic[]): void;
  /** Multiaddrs of the relays that it would dial, those named by its operator first. */
  relays?(): readonly string[];
  /** Dials a multiaddr now and keeps it in the supervisor's list. */
  addRelay(multiaddr: string): Promise<void>;
  stop(): Promise<void>;
}

/** Who plays what: relays listen on a socket and carry others' signalling; tabs cannot listen. */
export type NetworkRole = 'relay' | 'tab';

/** Factories of libp2p transports, made by `node.ts` or `browser.ts`. */
export type TransportSet = NonNullable<Libp2pInit['transports']>;

/** What one node of the network is made of. */
export type NetworkOptions = {
  readonly role: NetworkRole;
  /** Lower-case hexadecimal; part of every protocol id and topic, so that networks never mix. */
  readonly chainId: string;
  /** 1 to 65,535; peers of another version are refused like peers of another network. */
  readonly protocolVersion: number;
  /** From `createPeerKey`; whoever holds it is this peer. Kept by the caller. */
  readonly privateKey: Uint8Array;
  /** Multiaddrs to listen on; tabs leave it out and listen through relays. */
  readonly listen?: readonly string[];
  /** Multiaddrs to tell others instead of those listened on (a relay behind a proxy). */
  readonly announce?: readonly string[];
  /** Multiaddrs of relays, configured or remembered, each ending in `/p2p/<peer id>`. */
  readonly relays: readonly string[];
  readonly transports: TransportSet;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly limits?: Partial<NetworkLimits>;
  /** Lets addresses of this very machine be learnt and dialled: for local networks. */
  readonly allowLoopback?: boolean;
  /** Told to peers by identify; default `tabellion`. */
  readonly agent?: string;
  /** Called with all relays worth remembering whenever one is learnt or forgotten. */
  readonly onRelaysChanged?: (relays: readonly string[]) => void;
};
