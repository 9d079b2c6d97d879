import { silentTracer, systemClock } from '../src/base/index.ts';
import type { GenesisDocument } from '../src/ledger/index.ts';
import { browserTransports } from '../src/network/browser.ts';
import { createNetwork, createPeerKey } from '../src/network/index.ts';
import type { NodeHome, NodeOptions } from '../src/node/index.ts';
import { TabellionNode } from '../src/node/index.ts';
import { IndexedDbStore } from '../src/storage/indexed-db-store.ts';
import { createPooledVerifier, verifierPortOf } from '../src/verifier/index.ts';

// The node of a tab that was never here before, as `workers/node.worker.ts` makes it, with its
// traffic counted; for modules that `openChromiumHome` runs in a worker.

const CACHE_BYTES_MAX = 32 * 1024 * 1024;
const VERIFIERS_MAX = 4;

/** Bytes that came and went by WebSockets, whatever they carried, since this worker began. */
export const traffic = { received: 0, sent: 0 };

const sizeOf = (data: unknown): number =>
  // What else WebSockets carry are buffers and their views.
  typeof data === 'string' ? data.length : ((data as { byteLength?: number }).byteLength ?? 0);

/** Counts what libp2p sends and gets: transport, handshake, gossip and all. */
class CountingWebSocket extends WebSocket {
  constructor(...given: ConstructorParameters<typeof WebSocket>) {
    super(...given);
    this.addEventListener('message', ({ data }) => {
      traffic.received += sizeOf(data);
    });
  }

  override send(data: Parameters<WebSocket['send']>[0]): void {
    traffic.sent += sizeOf(data);
    super.send(data);
  }
}
globalThis.WebSocket = CountingWebSocket;

function createVerifier() {
  const count = Math.max(1, Math.min(VERIFIERS_MAX, navigator.hardwareConcurrency - 1));
  const workers = Array.from({ length: count }, () =>
    verifierPortOf(
      // In one expression: that is how the bundler finds the worker.
      new Worker(new URL('../workers/verifier.worker.ts', import.meta.url), { type: 'module' }),
    ),
  );
  return createPooledVerifier({ workers });
}

/** What the parts of a fresh node stand on. */
export type FreshHome = Omit<NodeHome, 'kind'> & {
  readonly store: IndexedDbStore;
  /** When the first peer was connected, by `performance.now()`; undefined before. */
  connectedMs(): number | undefined;
  /** Deletes the store; what used this has stopped. */
  close(): Promise<void>;
};

/** A home with an empty store. */
export async function openFreshHome(relays: readonly string[]): Promise<FreshHome> {
  const name = `fresh-${crypto.randomUUID()}`;
  const store = await IndexedDbStore.open(name, { epoch: 1 }); // Fenced, as that of every tab.
  const verifier = createVerifier();
  let connectedMs: number | undefined;
  return {
    store,
    storeKind: 'indexeddb',
    verifier,
    clock: systemClock,
    tracer: silentTracer,
    openNetwork: async (handlers, chainId) =>
      createNetwork(
        {
          role: 'tab',
          chainId,
          protocolVersion: 1,
          privateKey: await createPeerKey(crypto.getRandomValues(new Uint8Array(32))),
          relays,
          transports: await browserTransports({ rtcPort: undefined }),
          clock: systemClock,
          tracer: silentTracer,
          allowLoopback: true,
        },
        {
          ...handlers,
          onEvent(event) {
            if (event.kind === 'peer-connected') connectedMs ??= performance.now();
            handlers.onEvent(event);
          },
        },
      ),
    connectedMs: () => connectedMs,
    async close() {
      await store.close();
      await verifier.stop();
      await IndexedDbStore.destroy(name);
    },
  };
}

export type FreshTab = Pick<FreshHome, 'connectedMs' | 'close'> & { readonly node: TabellionNode };

/** A node with an empty store, opened and not started. */
export async function openFreshTab(
  genesis: GenesisDocument,
  relays: readonly string[],
  options: Pick<NodeOptions, 'mode'>,
): Promise<FreshTab> {
  const home = await openFreshHome(relays);
  const node = TabellionNode.create(
    { ...home, kind: 'tab' },
    { genesis, cacheBytesMax: CACHE_BYTES_MAX, version: 'bench', relays: [], ...options },
  );
  await node.open();
  return {
    node,
    connectedMs: home.connectedMs,
    async close() {
      await node.stop();
      await home.close();
    },
  };
}
