import type { Bytes, Json, Tracer } from '../../base/index.ts';
import {
  encodeUtf8,
  formatHex,
  silentTracer,
  systemClock,
  TabellionError,
} from '../../base/index.ts';
import { loadFastHashing } from '../../crypto/index.ts';
import { createLedger, parseGenesis } from '../../ledger/index.ts';
import type { TransportSet } from '../../network/index.ts';
import { createNetwork, createPeerKey } from '../../network/index.ts';
import type { NodeHome, OnCrashPoint, StorageEstimate } from '../../node/index.ts';
import { TabellionNode } from '../../node/index.ts';
import { builtinMethods, createNodeHandlers, createRpcServer } from '../../rpc/index.ts';
import type { KeyValueStore } from '../../storage/index.ts';
import type { SignatureVerifier } from '../../verifier/index.ts';
import { TAB_CACHE_BYTES } from '../limits.ts';
import type { LedNode } from './host.ts';
import type { Lead } from './leader.ts';

/** What the page gives to its worker's node. */
export type TabNodeInit = {
  readonly genesis: Json;
  /** Multiaddrs to dial first. */
  readonly relays: readonly string[];
  /** Leads to the page's half of WebRTC; without it the tab speaks through relays alone. */
  readonly rtcPort?: MessagePort;
  /** Memory for pages of state, in bytes. */
  readonly cacheBytesMax?: number;
};

/** The implementations that the worker's entry chose. */
export type TabNodeParts = {
  /** Opens this network's store; the Web Lock is held. */
  openStore(name: string): Promise<KeyValueStore>;
  transports(rtcPort: MessagePort | undefined): Promise<TransportSet>;
  createVerifier(): SignatureVerifier;
  readonly version: string;
  readonly tracer?: Tracer;
  /** Called wherever something is written; only tests kill there. */
  readonly onCrashPoint?: OnCrashPoint | undefined;
};

const PEER_KEY = encodeUtf8('peer-key');
const RELAYS_KEY = encodeUtf8('relays');
/** The list is written by this program; a longer one is not. */
const RELAYS_REMEMBERED_MAX = 32;

/** Runs a full node in this worker for as long as it leads. */
export async function startTabNode(
  parts: TabNodeParts,
  lead: Lead,
  init: TabNodeInit,
): Promise<LedNode> {
  const genesis = parseGenesis(init.genesis);
  if (!genesis.ok) throw new TabellionError('genesis-invalid', { reason: genesis.error.code });
  await loadFastHashing();
  const ledger = createLedger(genesis.value);
  if (!ledger.ok) throw new TabellionError('genesis-invalid', { reason: ledger.error.code });
  // Named by network: an origin whose genesis changed begins anew, and harms nothing.
  const opened = await parts.openStore(`tabellion-${formatHex(ledger.value.chainId).slice(0, 16)}`);
  const store = fenced(opened, lead);
  const verifier = parts.createVerifier();
  const tracer = parts.tracer ?? silentTracer;
  const { onCrashPoint } = parts;
  const privateKey = await loadPeerKey(store, onCrashPoint);
  const remembered = await loadRelays(store);
  const relays = [...new Set([...init.relays, ...remembered])];
  const home: NodeHome = {
    kind: 'tab',
    store,
    storeKind: 'indexeddb',
    openNetwork: async (handlers, chainId) =>
      createNetwork(
        {
          role: 'tab',
          chainId,
          protocolVersion: 1,
          privateKey,
          relays,
          transports: await parts.transports(init.rtcPort),
          clock: systemClock,
          tracer,
          // A page from this very machine belongs to a network on it.
          allowLoopback: isLoopbackPage(),
          agent: `tabellion-tab/${parts.version}`,
          onRelaysChanged: (known) => storeRelays({ store, tracer, onCrashPoint }, known),
        },
        handlers,
      ),
    verifier,
    clock: systemClock,
    tracer,
    estimateStorage,
    ...(onCrashPoint === undefined ? {} : { onCrashPoint }),
  };
  const node = TabellionNode.create(home, {
    genesis: genesis.value,
    cacheBytesMax: init.cacheBytesMax ?? TAB_CACHE_BYTES,
    version: parts.version,
    relays: init.relays,
  });
  const server = createRpcServer({
    handlers: createNodeHandlers(node),
    methods: builtinMethods(),
    tracer,
  });
  const stop = async (): Promise<void> => {
    await node.stop();
    await opened.close();
    await verifier.stop();
  };
  await node.open();
  // The page may ask from now on; the network follows.
  node.start().catch(() => undefined); // Told by the node's status.
  return { server, stop };
}

/** Refuses writes of a worker that leads no longer: it may have been frozen, and thawed late. */
function fenced(store: KeyValueStore, lead: Lead): KeyValueStore {
  const assertLeading = async (): Promise<void> => {
    if (lead.isCurrent() || (await lead.confirm())) return;
    throw new TabellionError('leader-changed', { epoch: lead.epoch });
  };
  return {
    get: (space, key) => store.get(space, key),
    getMany: (space, keys) => store.getMany(space, keys),
    list: (space, range) => store.list(space, range),
    usage: () => store.usage(),
    async write(operations, durability) {
      await assertLeading();
      return store.write(operations, durability);
    },
    async clear() {
      await assertLeading();
      return store.clear();
    },
    close: () => store.close(),
  };
}

/** One identity a profile: other peers know this tab again after a reload. */
async function loadPeerKey(
  store: KeyValueStore,
  onCrashPoint: OnCrashPoint | undefined,
): Promise<Bytes> {
  const known = await store.get('meta', PEER_KEY);
  if (known !== undefined) return known;
  const value = await createPeerKey(crypto.getRandomValues(new Uint8Array(32)));
  await onCrashPoint?.('tab-identity-begun');
  await store.write([{ kind: 'put', space: 'meta', key: PEER_KEY, value }], 'relaxed');
  await onCrashPoint?.('tab-identity-done');
  return value;
}

async function loadRelays(store: KeyValueStore): Promise<readonly string[]> {
  const value = await store.get('peers', RELAYS_KEY);
  if (value === undefined) return [];
  const lines = new TextDecoder().decode(value).split('\n');
  return lines.filter((line) => line !== '').slice(0, RELAYS_REMEMBERED_MAX);
}

function storeRelays(
  parts: {
    readonly store: KeyValueStore;
    readonly tracer: Tracer;
    readonly onCrashPoint: OnCrashPoint | undefined;
  },
  relays: readonly string[],
): void {
  const { store, tracer, onCrashPoint } = parts;
  const value = encodeUtf8(relays.slice(0, RELAYS_REMEMBERED_MAX).join('\n'));
  const write = async (): Promise<void> => {
    await onCrashPoint?.('tab-relays-begun');
    await store.write([{ kind: 'put', space: 'peers', key: RELAYS_KEY, value }], 'relaxed');
    await onCrashPoint?.('tab-relays-done');
  };
  write().catch(() => tracer.trace('debug', 'relays-not-stored'));
}

function isLoopbackPage(): boolean {
  const { hostname } = globalThis.location;
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '127.0.0.1';
}

async function estimateStorage(): Promise<StorageEstimate> {
  const { storage } = globalThis.navigator;
  const { usage, quota } = await storage.estimate();
  return { usageBytes: usage, quotaBytes: quota, isPersisted: await storage.persisted() };
}
