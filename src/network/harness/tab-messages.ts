import type { NetworkEvent, PeerView, Topic } from '../index.ts';

/** What the harness tells a tab's worker to be. */
export type TabOptions = {
  readonly chainId: string;
  /** Hexadecimal seed of the peer key. */
  readonly seed: string;
  readonly relays: readonly string[];
};

/** One message received: when, and how long after the time written in it. */
export type Arrival = { readonly from: string; readonly index: number; readonly delayMs: number };

/** What the harness asks of a tab while it runs. */
export type TabCommand =
  | { readonly kind: 'state' }
  | {
      readonly kind: 'publish';
      readonly topic: Topic;
      readonly count: number;
      readonly run: number;
    }
  | { readonly kind: 'arrivals'; readonly run: number }
  | { readonly kind: 'request'; readonly peerId: string; readonly responseBytes: number }
  | { readonly kind: 'stop' };

export type TabState = {
  readonly peerId: string;
  readonly addresses: readonly string[];
  readonly peers: readonly PeerView[];
  readonly relays: readonly string[];
  readonly events: readonly NetworkEvent[];
  /** From the start of the worker to the first WebRTC connection. */
  readonly webrtcAfterMs: number | undefined;
};
