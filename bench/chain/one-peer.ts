import type { Bytes } from '../../src/base/index.ts';
import { silentTracer, systemClock } from '../../src/base/index.ts';
import type { Network, NetworkHandlers, PeerView } from '../../src/network/index.ts';
import type { NodeHome, TabellionNode } from '../../src/node/index.ts';

// What stands in the place of the network where a node is measured alone.

const PEER: PeerView = {
  peerId: 'peer',
  addresses: [],
  voice: 'peer',
  transport: 'websocket',
  direction: 'outbound',
  latencyMs: 1,
  score: 1000,
  agent: 'bench',
  connectedSinceMs: 0,
};

/** A line to one peer, which answers as it is told to and must never be blamed. */
export class OnePeer implements Network {
  readonly peerId = 'self';
  readonly #answer: (kind: string, request: Uint8Array) => Promise<Bytes>;
  #handlers: NetworkHandlers | undefined;

  constructor(answer: (kind: string, request: Uint8Array) => Promise<Bytes>) {
    this.#answer = answer;
  }

  /** The rest of a node's home, with this as its network. */
  home(): Pick<NodeHome, 'openNetwork' | 'clock' | 'tracer'> {
    return {
      openNetwork: async (handlers) => {
        this.#handlers = handlers;
        return this;
      },
      clock: systemClock,
      tracer: silentTracer,
    };
  }

  /** The peer comes; one that was there goes first, and tells its head anew. */
  connect(): void {
    this.#handlers?.onEvent({ kind: 'peer-disconnected', peerId: PEER.peerId });
    this.#handlers?.onEvent({ kind: 'peer-connected', peerId: PEER.peerId });
  }

  addresses(): readonly string[] {
    return [];
  }

  peers(): readonly PeerView[] {
    return [PEER];
  }

  async publish(): Promise<void> {}

  request(_peerId: string, kind: string, request: Uint8Array): Promise<Bytes> {
    return this.#answer(kind, request);
  }

  penalize(_peerId: string, _points: number, reason: string): void {
    throw new Error(`the peer is blamed: ${reason}`);
  }

  async addRelay(): Promise<void> {}

  async stop(): Promise<void> {}
}

/**
 * Settles when the node has executed and stored a height, with the moment of it
 * (`performance.now`); rejects when it fails or refuses a block.
 */
export async function untilExecuted(node: TabellionNode, height: number): Promise<number> {
  const done = Promise.withResolvers<number>();
  const stopHead = node.events.on('head', ({ executed }) => {
    if (executed.prepared.block.header.height === height) done.resolve(performance.now());
  });
  const stopTrace = node.events.on('trace', ({ event, facts }) => {
    const isBad = event === 'node-failed' || event === 'sync-block-rejected';
    if (isBad) done.reject(new Error(`${event} ${JSON.stringify(facts)}`));
  });
  return await done.promise.finally(() => {
    stopHead();
    stopTrace();
  });
}
