import { randomBytes } from 'node:crypto';
import type { Bytes, Json, Tracer } from '../base/index.ts';
import {
  errorToData,
  formatHex,
  isJsonObject,
  parseHex,
  systemClock,
  TabellionError,
} from '../base/index.ts';
import { toJson } from '../codec/index.ts';
import type { KeyPair } from '../crypto/index.ts';
import { loadFastHashing } from '../crypto/index.ts';
import type { GenesisDocument } from '../ledger/index.ts';
import { parseGenesis, protocol } from '../ledger/index.ts';
import type { Checkpoint } from '../light/index.ts';
import { parseCheckpoint } from '../light/index.ts';
import type { NetworkHandlers } from '../network/index.ts';
import { createNetwork, createPeerKey, peerIdOfKey } from '../network/index.ts';
import { nodeTransports } from '../network/node.ts';
import type { NodeHome, NodeMode, NodeOptions } from '../node/index.ts';
import { TabellionNode } from '../node/index.ts';
import { builtinMethods, createNodeHandlers, createRpcServer } from '../rpc/index.ts';
import { LevelDbStore } from '../storage/level-db-store.ts';
import { createWebCryptoVerifier } from '../verifier/index.ts';
import { passCrashPoint } from './crash-point.ts';
import type { HttpServer } from './http-server.ts';
import { startHttpServer } from './http-server.ts';
import { loadKey, policyOfKey } from './key-files.ts';
import { loadJson, nodeFiles, storeJson } from './layout.ts';
import { createMetrics } from './metrics.ts';
import { nativeSigner } from './native-signer.ts';
import { lowerPoolPriority } from './pool-priority.ts';
import type { NodeSettings } from './settings.ts';
import { isLoopbackOperator, LOOPBACK_SETTINGS, parseSettings } from './settings.ts';
import { SigningMarkFile } from './signing-marks.ts';
import { validatorMarker } from './validator-marker.ts';
import { VERSION } from './version.ts';

/** What starts a relay. */
export type RelayOptions = {
  readonly data: string;
  readonly tracer: Tracer;
  /** Folder of the built app; without it only the interfaces are served. */
  readonly appFolder: string | undefined;
  /** What the command line says beside `node.json`. */
  readonly overrides: Partial<NodeSettings>;
};

/** A running relay. */
export type Relay = {
  readonly node: TabellionNode;
  readonly http: HttpServer;
  /** Stops in order: no new questions, no peers, store closed. May be called twice. */
  stop(): Promise<void>;
};

const MEGABYTE = 1024 * 1024;
const CACHE_MEGABYTES_DEFAULT = 256;
/**
 * Enough for the thread pool while a block is executed. A validator's log of votes, which waits
 * behind them in the pool, waits some milliseconds; nothing that is urgent waits with a relay.
 */
export const VERIFICATIONS_AT_ONCE = { validator: 128, relay: 256 } as const;

/**
 * Runs a full node without a screen. Rejects with `genesis-missing`, `genesis-invalid`,
 * `settings-invalid`, `keep-blocks-needs-full`, `checkpoint-malformed`, or what store, network and
 * HTTP server say.
 */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { data, tracer } = options;
  const files = nodeFiles(data);
  await loadFastHashing();
  const settings = { ...(await loadSettings(files.settings)), ...options.overrides };
  const { mode: asked, keepBlocks } = settings;
  // A mode that was chosen while running is the store's; who names both must mean both.
  const isNamed = options.overrides.keepBlocks !== undefined || asked !== undefined;
  if (keepBlocks !== undefined && isNamed && asked !== 'full') {
    throw new TabellionError('keep-blocks-needs-full', { mode: asked ?? 'archive' });
  }
  const checkpoint = checkpointOf(settings);
  const genesis = await loadGenesis(files.genesis);
  const peerKey = await loadPeerKey(files.peerKey);
  const validator = await loadOptionalKey(files.validatorKey);
  const faucet = await loadOptionalKey(files.faucetKey);
  const marks = new SigningMarkFile(files.validatorSigned);
  const store = await openDatabase(data);
  const verifier = createWebCryptoVerifier({
    concurrency: VERIFICATIONS_AT_ONCE[validator === undefined ? 'relay' : 'validator'],
  });
  // Not with a validator: its log of votes is written by the pool, and everything waits for it.
  if (validator === undefined) await lowerPoolPriority();
  const ownId = peerIdOfKey(peerKey);
  const others = settings.relays.filter((address) => !address.endsWith(`/p2p/${ownId}`));
  const home: NodeHome = {
    kind: 'relay',
    store,
    storeKind: 'leveldb',
    openNetwork: (handlers, chainId) =>
      openNetwork({ settings, peerKey, others, tracer, handlers, chainId }),
    verifier,
    clock: systemClock,
    tracer,
    validatorMarker: validatorMarker(files.validatorStarted),
    signingMarks: marks,
    onCrashPoint: passCrashPoint,
  };
  const nodeOptions: NodeOptions = {
    genesis,
    cacheBytesMax: (settings.cacheMegabytes ?? CACHE_MEGABYTES_DEFAULT) * MEGABYTE,
    // Somebody must hold what the others let go of.
    mode: settings.mode ?? 'archive',
    ...(settings.keepBlocks === undefined ? {} : { keepBlocks: settings.keepBlocks }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(settings.replayTrusting === undefined ? {} : { replayTrusting: settings.replayTrusting }),
    version: VERSION,
    relays: settings.relays,
    ...(validator === undefined ? {} : { signer: nativeSigner(validator) }),
    ...(faucet === undefined
      ? {}
      : { faucet: { ...nativeSigner(faucet), policy: policyOfKey(faucet) } }),
  };
  let node: TabellionNode | undefined;
  try {
    node = TabellionNode.create(home, nodeOptions);
    return await serve({ node, store, marks, verifier }, { genesis, settings, ownId, options });
  } catch (error) {
    await node?.stop();
    await store.close();
    await marks.close();
    await verifier.stop();
    throw error;
  }
}

/** What a relay remembers in; rejects with `store-in-use` while one runs on it. */
export function openDatabase(data: string): Promise<LevelDbStore> {
  return LevelDbStore.open(nodeFiles(data).database, { onCrashPoint: passCrashPoint });
}

/** Starts the node, then answers questions of strangers. */
async function serve(
  parts: Pick<StopParts, 'node' | 'store' | 'marks' | 'verifier'>,
  known: {
    readonly genesis: GenesisDocument;
    readonly settings: NodeSettings;
    readonly ownId: string;
    readonly options: RelayOptions;
  },
): Promise<Relay> {
  const { node } = parts;
  const { genesis, settings, ownId, options } = known;
  const { tracer } = options;
  const methods = builtinMethods();
  const rpc = createRpcServer({ handlers: createNodeHandlers(node), methods, tracer });
  await node.start();
  // The store remembers another one of before; what is asked for now counts.
  if (settings.mode !== undefined) await chooseMode(node, settings.mode, tracer);
  const http = await startHttpServer(
    { rpc, tracer },
    {
      host: settings.rpcHost,
      port: settings.rpcPort,
      hosts: settings.hosts,
      origins: settings.origins,
      proxies: settings.proxies,
      isLoopbackOperator: isLoopbackOperator(settings),
      ...(options.appFolder === undefined ? {} : { appFolder: options.appFolder }),
      network: () => networkDocument(genesis, relaysOf(node, settings, ownId)),
      metrics: createMetrics(node),
      health: () => healthOf(node),
    },
  );
  return { node, http, stop: once(() => stopInOrder({ ...parts, http, rpc })) };
}

/** An archive that lacks old blocks cannot be had without a reset: then the mode stays. */
async function chooseMode(node: TabellionNode, mode: NodeMode, tracer: Tracer): Promise<void> {
  try {
    await node.setMode(mode);
  } catch (error) {
    const { code, facts } = errorToData(error);
    if (code !== 'mode-needs-reset') throw error;
    tracer.trace('warn', code, { ...facts, asked: mode, mode: node.mode() });
  }
}

type StopParts = {
  readonly http: HttpServer;
  readonly rpc: { close(): void };
  readonly node: TabellionNode;
  readonly store: LevelDbStore;
  readonly marks: SigningMarkFile;
  readonly verifier: { stop(): Promise<void> };
};

async function stopInOrder(parts: StopParts): Promise<void> {
  await parts.http.stop();
  parts.rpc.close();
  await parts.node.stop();
  await parts.store.close();
  await parts.marks.close();
  await parts.verifier.stop();
}

function once(job: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= job();
    return running;
  };
}

function openNetwork(parts: {
  readonly settings: NodeSettings;
  readonly peerKey: Bytes;
  readonly others: readonly string[];
  readonly tracer: Tracer;
  readonly handlers: NetworkHandlers;
  readonly chainId: string;
}) {
  const { settings, peerKey, others, tracer, handlers, chainId } = parts;
  const opening = createNetwork(
    {
      role: 'relay',
      chainId,
      protocolVersion: 1,
      privateKey: peerKey,
      listen: settings.listen,
      announce: settings.announce,
      relays: others,
      transports: nodeTransports(),
      clock: systemClock,
      tracer,
      allowLoopback: settings.listen.some((address) => address.startsWith('/ip4/127.')),
      agent: `tabellion/${VERSION}`,
    },
    handlers,
  );
  // The library tells only in words that a socket cannot be had.
  return opening.catch((error: unknown) => {
    const { message } = errorToData(error);
    const listen = settings.listen.join(' ');
    if (message.includes('EADDRINUSE')) {
      throw new TabellionError('address-in-use', { listen }, { cause: error });
    }
    if (/EADDRNOTAVAIL|EACCES|failed to be listened/.test(message)) {
      throw new TabellionError('listen-failed', { listen }, { cause: error });
    }
    throw error;
  });
}

function checkpointOf({ checkpoint }: NodeSettings): Checkpoint | undefined {
  if (checkpoint === undefined) return undefined;
  const parsed = parseCheckpoint(checkpoint);
  if (parsed.ok) return parsed.value;
  throw new TabellionError(parsed.error.code, { at: parsed.error.at });
}

/** Relays that a fresh tab may dial: this one first, then those it was told of. */
function relaysOf(node: TabellionNode, settings: NodeSettings, ownId: string): string[] {
  const own = (settings.announce.length > 0 ? settings.announce : settings.listen).map((address) =>
    address.includes('/p2p/') ? address : `${address}/p2p/${ownId}`,
  );
  return [...new Set([...own, ...node.options.relays])];
}

function networkDocument(genesis: GenesisDocument, relays: readonly string[]): Json {
  return { genesis: toJson(protocol.genesisCodec, genesis), relays: [...relays] };
}

function healthOf(node: TabellionNode): { readonly isHealthy: boolean; readonly facts: Json } {
  const { stage, mode, head, light, targetHeight, peers } = node.status();
  const own = head?.header.height ?? 0;
  const height = mode === 'light' ? (light?.head.header.height ?? own) : own;
  const facts = { stage, mode, height, target: targetHeight, peers };
  return { isHealthy: stage === 'following', facts };
}

async function loadSettings(path: string): Promise<NodeSettings> {
  const json = await loadJson(path);
  if (json === undefined) return LOOPBACK_SETTINGS;
  const settings = parseSettings(json);
  if (settings.ok) return settings.value;
  throw new TabellionError('settings-invalid', { path, at: settings.error.at });
}

async function loadGenesis(path: string): Promise<GenesisDocument> {
  const json = await loadJson(path);
  if (json === undefined) throw new TabellionError('genesis-missing', { path });
  const genesis = parseGenesis(json);
  if (genesis.ok) return genesis.value;
  throw new TabellionError('genesis-invalid', { path, reason: genesis.error.code });
}

async function loadOptionalKey(path: string): Promise<KeyPair | undefined> {
  return (await loadJson(path)) === undefined ? undefined : loadKey(path);
}

/** The identity that other peers know this one by; made at the first start. */
async function loadPeerKey(path: string): Promise<Bytes> {
  const json = await loadJson(path);
  if (json === undefined) {
    const key = await createPeerKey(randomBytes(32));
    await storeJson(path, { privateKey: formatHex(key) }, { isSecret: true });
    return key;
  }
  const text = isJsonObject(json) ? json.privateKey : undefined;
  const parsed = typeof text === 'string' ? parseHex(text) : undefined;
  if (parsed === undefined || !parsed.ok) throw new TabellionError('key-file-malformed', { path });
  return parsed.value;
}
