import type { Bytes } from '../base/index.ts';

/** What is gossiped; each is one gossipsub topic named `/tabellion/<chain id>/<version>/<topic>`. */
export type Topic = 'transactions' | 'proposals' | 'votes' | 'blocks';

/** Questions that one peer asks another; each is one stream protocol of the same naming. */
export type RequestKind = 'status' | 'blocks' | 'consensus' | 'faucet' | 'state';

/** `accept` forwards; `ignore` drops silently; `reject` drops and costs the sender score. */
export type GossipVerdict = 'accept' | 'ignore' | 'reject';

/** Why a peer is blamed; the table of penalties is in `node`. */
export type PenaltyPoints = number;

export type PeerTransport = 'websocket' | 'webrtc' | 'relayed';

export type PeerView = {
  readonly peerId: string;
  /** Multiaddrs of open connections. */
  readonly addresses: readonly string[];
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
  /** Called once per distinct message; nothing is forwarded before the verdict. */
  onGossip(topic: Topic, message: Bytes, from: string): Promise<GossipVerdict>;
  /** Answers a question. `remoteAddress` is the asker's IP where known, for rate limits. */
  onRequest(
    kind: RequestKind,
    request: Bytes,
    from: { readonly peerId: string; readonly remoteAddress: string | undefined },
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
  /** Dials a multiaddr now and keeps it in the supervisor's list. */
  addRelay(multiaddr: string): Promise<void>;
  stop(): Promise<void>;
}
