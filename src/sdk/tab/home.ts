import type { Bytes, ErrorData, Json, Tracer } from '../../base/index.ts';
import {
  encodeUtf8,
  errorToData,
  formatHex,
  silentTracer,
  systemClock,
  TabellionError,
} from '../../base/index.ts';
import { loadFastHashing } from '../../crypto/index.ts';
import { createLedger, parseGenesis } from '../../ledger/index.ts';
import type { TransportSet } from '../../network/index.ts';
import { createNetwork, createPeerKey } from '../../network/index.ts';
import type {
  NodeHome,
  NodeMode,
  NodeOptions,
  OnCrashPoint,
  StorageEstimate,
} from '../../node/index.ts';
import { STORE_DAMAGES, TabellionNode, wipeLedger } from '../../node/index.ts';
import { builtinMethods, createNodeHandlers, createRpcServer } from '../../rpc/index.ts';
import type { KeyValueStore } from '../../storage/index.ts';
import type { SignatureVerifier } from '../../verifier/index.ts';
import { REST_MS_MAX, STORE_FULL_RETRY_MS, TAB_CACHE_BYTES } from '../limits.ts';
import type { Ground } from './ground.ts';
import type { LedNode } from './host.ts';
import type { Lead } from './leader.ts';
import { openInTime } from './shelter.ts';

/** What the page gives to its worker's node. */
export type TabNodeInit = {
  readonly genesis: Json;
  /** Multiaddrs to dial first. */
  readonly relays: readonly string[];
  /** Leads to the page's half of WebRTC; without it the tab speaks through relays alone. */
  readonly rtcPort?: MessagePort;
  /** Memory for pages of state, in bytes. */
  readonly cacheBytesMax?: number;
  /** How much of the chain to keep, at the first start: later the store knows. */
  readonly mode?: NodeMode;
  /** False on a metered line or a low battery: somebody is then asked before a large download. */
  readonly mayPromote?: boolean;
};

/** How a store of this network is opened. */
export type TabStoreOptions = {
  /** Of this writer; a store keeps out those of earlier ones. */
  readonly epoch: number;
  /** Called once when the store was taken away. */
  readonly onLost: (loss: 'terminated' | 'version-change' | 'fenced') => void;
};

/** The implementations that the worker's entry chose. */
export type TabNodeParts = {
  /** Opens this network's store; the Web Lock is held. */
  openStore(name: string, options: TabStoreOptions): Promise<KeyValueStore>;
  /** What a node lives on while its store is held by somebody else; without it, it waits. */
  openShelter?(): KeyValueStore;
  transports(rtcPort: MessagePort | undefined): Promise<TransportSet>;
  createVerifier(): SignatureVerifier;
  readonly version: string;
  readonly tracer?: Tracer;
  /** Called wherever something is written; only tests kill there. */
  readonly onCrashPoint?: OnCrashPoint | undefined;
  /** What this program decides otherwise than all others; only tests do. */
  readonly nodeOptions?: Partial<NodeOptions>;
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
  ground: Ground,
): Promise<LedNode> {
  const genesis = parseGenesis(init.genesis);
  if (!genesis.ok) throw new TabellionError('genesis-invalid', { reason: genesis.error.code });
  await loadFastHashing();
  const ledger = createLedger(genesis.value);
  if (!ledger.ok) throw new TabellionError('genesis-invalid', { reason: ledger.error.code });
  const breakage = new Breakage(ground, parts.tracer ?? silentTracer);
  // Named by network: an origin whose genesis changed begins anew, and harms nothing.
  const name = `tabellion-${formatHex(ledger.value.chainId).slice(0, 16)}`;
  const opening = parts.openStore(name, {
    epoch: lead.epoch,
    onLost: (loss) => {
      // Another leads: its epoch ends this term.
      if (loss !== 'fenced') return breakage.lost(loss);
      // The counter may have been lost, and not know of it.
      void lead.confirm().then((isLeading) => {
        if (isLeading) breakage.lost(loss);
      });
    },
  });
  const found = await openHere(parts, opening, ground).catch((error: unknown) => {
    breakage.refused(error);
    throw error;
  });
  const { store: opened, ended } = found;
  const isHeld = ended !== undefined;
  const verifier = parts.createVerifier();
  const close = async (): Promise<void> => {
    breakage.close();
    await opened.close();
    await verifier.stop();
  };
  try {
    const gate = new Gate();
    const store = fenced({ store: opened, lead, ground, gate });
    if (!isHeld) {
      await ground.recognise(store);
      await mend(store, ground);
    }
    const home = await createHome(parts, { store, isShelter: isHeld, verifier, init, ground });
    // Without a store nothing is executed: proofs are enough until it is there.
    const mode = isHeld ? 'light' : init.mode;
    const options = {
      genesis: genesis.value,
      cacheBytesMax: init.cacheBytesMax ?? TAB_CACHE_BYTES,
      version: parts.version,
      relays: init.relays,
      ...(mode === undefined ? {} : { mode }),
      ...parts.nodeOptions,
    };
    const node = await openNode(home, options, ground);
    const server = createRpcServer({
      handlers: createNodeHandlers(node),
      methods: builtinMethods(),
      tracer: home.tracer,
    });
    if (!isHeld) node.events.on('status', () => breakage.look(node));
    // The page may ask from now on; the network follows.
    node.start().catch(() => undefined); // Told by the node's status.
    return {
      server,
      broken: ended ?? breakage.broken,
      rest: () => gate.shut(),
      wake: () => {
        gate.open();
        node.wake();
      },
      async stop() {
        gate.open();
        await node.stop();
        await close();
      },
    };
  } catch (error) {
    breakage.refused(error);
    await close();
    throw error;
  }
}

/** The store, or what stands in for it where it does not open in time. */
async function openHere(
  { openShelter }: TabNodeParts,
  opening: Promise<KeyValueStore>,
  ground: Ground,
): Promise<{ readonly store: KeyValueStore; readonly ended?: Promise<ErrorData> }> {
  if (openShelter === undefined) return { store: await opening };
  const found = await openInTime(opening, { clock: systemClock, ground });
  return found.kind === 'opened' ? found : { store: openShelter(), ended: found.ended };
}

/** Opens the node; what turns out to be damaged is cleared, and opened once more. */
async function openNode(
  home: NodeHome,
  options: Parameters<typeof TabellionNode.create>[1],
  ground: Ground,
): Promise<TabellionNode> {
  const first = TabellionNode.create(home, options);
  try {
    await first.open();
    return first;
  } catch (error) {
    await first.stop();
    const { code } = errorToData(error);
    if (!STORE_DAMAGES.has(code)) throw error;
    ground.condemn(code);
  }
  await mend(home.store, ground);
  const second = TabellionNode.create(home, options);
  await second.open();
  return second;
}

/** Clears what the ledger owns when it was found damaged; peers have it all. */
async function mend(store: KeyValueStore, ground: Ground): Promise<void> {
  const code = ground.takeDamage();
  if (code === undefined) return;
  ground.noteRepair(code);
  await wipeLedger(store);
}

/** Watches for what ends a node before its term: its store was taken away, damaged, or is full. */
class Breakage {
  readonly broken: Promise<ErrorData>;
  readonly #ground: Ground;
  readonly #tracer: Tracer;
  #break: (error: ErrorData) => void = () => undefined;
  #cancelRetry: () => void = () => undefined;
  #isSettled = false;

  constructor(ground: Ground, tracer: Tracer) {
    this.#ground = ground;
    this.#tracer = tracer;
    this.broken = new Promise((resolve) => {
      this.#break = resolve;
    });
  }

  /** The browser, or another tab, took the store away. */
  lost(loss: string): void {
    if (this.#isSettled) return;
    this.#tracer.trace('warn', 'tab-store-lost', { loss });
    // If more than the connection is gone, the next start says so.
    this.#ground.note('reopened', 'store-closed');
    this.#settle({ code: 'store-closed', facts: { loss }, message: 'the store was taken away' });
  }

  /** The node did not even start. */
  refused(error: unknown): void {
    if (errorToData(error).code === 'store-full') this.#ground.note('quota', 'store-full');
  }

  /** A node that failed for its store is started again; for anything else it stays as it is. */
  look(node: TabellionNode): void {
    const { error, head, startHeight } = node.status();
    if (this.#isSettled) return;
    if (error === undefined) {
      if ((head?.header.height ?? 0) > startHeight) this.#ground.noteRoom(); // A block was written.
      return;
    }
    if (STORE_DAMAGES.has(error.code)) {
      this.#ground.condemn(error.code);
      this.#settle(error);
    } else if (error.code === 'store-full') {
      this.#isSettled = true;
      this.#ground.note('quota', 'store-full');
      // Until there is room it answers from what it has.
      this.#cancelRetry = systemClock.after(STORE_FULL_RETRY_MS, () => this.#break(error));
    } else if (error.code === 'store-failed' || error.code === 'store-closed') {
      this.#ground.note('reopened', error.code);
      this.#settle(error);
    }
  }

  /** Says nothing any more. */
  close(): void {
    this.#isSettled = true;
    this.#cancelRetry();
  }

  #settle(error: ErrorData): void {
    this.#isSettled = true;
    this.#break(error);
  }
}

async function createHome(
  parts: TabNodeParts,
  made: {
    readonly store: KeyValueStore;
    readonly isShelter: boolean;
    readonly verifier: SignatureVerifier;
    readonly init: TabNodeInit;
    readonly ground: Ground;
  },
): Promise<NodeHome> {
  const { store, isShelter, verifier, init, ground } = made;
  const tracer = parts.tracer ?? silentTracer;
  const { onCrashPoint } = parts;
  const privateKey = await loadPeerKey(store, onCrashPoint);
  const remembered = await loadRelays(store);
  const relays = [...new Set([...init.relays, ...remembered])];
  return {
    kind: 'tab',
    store,
    isShelter,
    storeKind: isShelter ? 'memory' : 'indexeddb',
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
    storageEvent: () => ground.event(),
    mayPromote: async () => init.mayPromote ?? true,
    ...(onCrashPoint === undefined ? {} : { onCrashPoint }),
  };
}

/** Lets a store be used, but for the moments before its worker may be frozen. */
class Gate {
  #opening: Promise<void> | undefined;
  #open: () => void = () => undefined;

  pass<Value>(use: () => Promise<Value>): Promise<Value> {
    return this.#opening === undefined ? use() : this.#opening.then(use);
  }

  shut(): void {
    if (this.#opening !== undefined) return;
    const cancel = systemClock.after(REST_MS_MAX, () => this.open());
    this.#opening = new Promise((resolve) => {
      this.#open = () => {
        cancel();
        resolve();
      };
    });
  }

  open(): void {
    this.#opening = undefined;
    this.#open();
  }
}

/**
 * Refuses writes of a worker that leads no longer: it may have been frozen, and thawed late. This
 * look comes before the write; what happens between the two is kept out by the store itself, which
 * compares epochs inside of the transaction.
 */
function fenced(parts: {
  readonly store: KeyValueStore;
  readonly lead: Lead;
  readonly ground: Ground;
  readonly gate: Gate;
}): KeyValueStore {
  const { store, lead, ground, gate } = parts;
  const assertLeading = async (): Promise<void> => {
    if (lead.isCurrent() || (await lead.confirm())) return;
    throw new TabellionError('leader-changed', { epoch: lead.epoch });
  };
  const leading: KeyValueStore = {
    get: (space, key) => gate.pass(() => store.get(space, key)),
    getMany: (space, keys) => gate.pass(() => store.getMany(space, keys)),
    list: (space, range) => gate.pass(() => store.list(space, range)),
    usage: () => store.usage(),
    async write(operations, durability) {
      await assertLeading();
      return gate.pass(() => store.write(operations, durability));
    },
    async clear() {
      await assertLeading();
      return ground.letGo(leading, () => store.clear());
    },
    close: () => store.close(),
  };
  return leading;
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
