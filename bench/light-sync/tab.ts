import { parseHex, silentTracer, systemClock, TabellionError } from '../../src/base/index.ts';
import { decode } from '../../src/codec/index.ts';
import { loadFastHashing } from '../../src/crypto/index.ts';
import type { Address } from '../../src/ledger/index.ts';
import { NATIVE_ASSET, protocol, readBalance } from '../../src/ledger/index.ts';
import { browserTransports } from '../../src/network/browser.ts';
import { createNetwork, createPeerKey } from '../../src/network/index.ts';
import { TabellionNode } from '../../src/node/index.ts';
import { IndexedDbStore } from '../../src/storage/indexed-db-store.ts';
import { createPooledVerifier, verifierPortOf } from '../../src/verifier/index.ts';

// What a fresh tab's worker does; runs in Chromium by `openChromiumHome`.

const CACHE_BYTES_MAX = 32 * 1024 * 1024;
const VERIFIERS_MAX = 4;
/** A run that takes longer is stuck. */
const RUN_MS_MAX = 60_000;

/** Bytes that came and went by WebSockets, whatever they carried, since this worker began. */
const traffic = { received: 0, sent: 0 };

const sizeOf = (data: unknown): number =>
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

/** As `workers/node.worker.ts` makes it. */
function createVerifier() {
  const count = Math.max(1, Math.min(VERIFIERS_MAX, navigator.hardwareConcurrency - 1));
  const workers = Array.from({ length: count }, () =>
    verifierPortOf(
      // In one expression: that is how the bundler finds the worker.
      new Worker(new URL('../../workers/verifier.worker.ts', import.meta.url), { type: 'module' }),
    ),
  );
  return createPooledVerifier({ workers });
}

export type LightRun = {
  /** From the first connected peer to the first proven balance. */
  readonly provenMs: number;
  /** From the start of the node. */
  readonly sinceStartMs: number;
  /** Both ways, everything. */
  readonly bytes: number;
  readonly height: number;
  readonly balance: string;
};

/** A light node with an empty store proves one balance. */
export async function prove(
  genesisFile: string,
  relays: readonly string[],
  addressHex: string,
): Promise<LightRun> {
  await loadFastHashing();
  const response = await fetch(`/files/${genesisFile}`);
  const genesis = decode(protocol.genesisCodec, new Uint8Array(await response.arrayBuffer()));
  const address = parseHex(addressHex);
  if (!genesis.ok || !address.ok) throw new TabellionError('genesis-invalid');
  const name = `light-${crypto.randomUUID()}`;
  const store = await IndexedDbStore.open(name);
  const verifier = createVerifier();
  let connectedMs: number | undefined;
  const node = TabellionNode.create(
    {
      kind: 'tab',
      store,
      storeKind: 'indexeddb',
      verifier,
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
      clock: systemClock,
      tracer: silentTracer,
    },
    {
      genesis: genesis.value,
      cacheBytesMax: CACHE_BYTES_MAX,
      version: 'bench',
      relays: [],
      mode: 'light',
    },
  );
  await node.open();
  const proven = Promise.withResolvers<void>();
  const look = () => {
    if (node.source().kind === 'light' && node.source().trust() === 'proven') proven.resolve();
  };
  node.events.on('light', look);
  node.events.on('status', look);
  const cancel = systemClock.after(RUN_MS_MAX, () => {
    proven.reject(new Error(`stuck: ${node.source().kind}, ${node.source().trust()}`));
  });
  const startedMs = performance.now();
  await node.start();
  await proven.promise.finally(cancel);
  const source = node.source();
  const balance = await source.read((view) => ({
    // 32 bytes, named by the bench.
    value: readBalance(view, address.value as Address, NATIVE_ASSET),
  }));
  const endedMs = performance.now();
  const run = {
    provenMs: endedMs - (connectedMs ?? startedMs),
    sinceStartMs: endedMs - startedMs,
    bytes: traffic.received + traffic.sent,
    height: source.head().header.height,
    balance: balance.value.toString(),
  };
  await node.stop();
  await store.close();
  await verifier.stop();
  return run;
}
