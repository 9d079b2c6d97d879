import type { Json } from '../../base/index.ts';
import { errorToData, timestampMs } from '../../base/index.ts';
import { ZERO_HASH } from '../../crypto/index.ts';
import type { Height } from '../../ledger/index.ts';
import { PROTOCOL_VERSION, readFaucet, ZERO_AMOUNT } from '../../ledger/index.ts';
import type { LightStatus as NodeLightStatus } from '../../node/index.ts';
import { rpcError } from '../errors.ts';
import type { MethodHandlers } from '../handlers.ts';
import { EVENTS_MAX } from '../limits.ts';
import type { LightStatus, NodeStatus, RpcConsensusView, StorageView } from '../node-views.ts';
import type { NodeContext } from './context.ts';
import { limitOf, refuseHeld } from './context.ts';

/** By definition. */
export const GENESIS_HEIGHT = 0 as Height;

type NodeMethods = Pick<
  MethodHandlers,
  | 'chain.info'
  | 'node.status'
  | 'node.peers'
  | 'node.storage'
  | 'node.consensus'
  | 'node.events'
  | 'node.pause'
  | 'node.resume'
  | 'node.reset'
  | 'node.configure'
  | 'node.promote'
  | 'node.addRelay'
  | 'node.clearAlarm'
  | 'node.diagnostics'
>;

/** The status that `node.status` answers and the topic `status` pushes. */
export function statusOf(context: NodeContext): NodeStatus {
  const { node } = context;
  const status = node.status();
  const source = node.isOpen() ? context.source() : undefined;
  const head = source?.head();
  const isChain = source === undefined || source.kind === 'chain';
  return {
    home: node.home.kind,
    mode: status.mode,
    stage: status.stage,
    head: {
      height: head?.header.height ?? GENESIS_HEIGHT, // Before the store is open.
      hash: head?.hash ?? ZERO_HASH,
      timestampMs: head?.header.timestampMs ?? timestampMs(0),
      transactionCount: isChain ? status.headTransactionCount : undefined,
    },
    source: isChain ? 'chain' : 'light',
    chainHeight: status.head?.header.height ?? GENESIS_HEIGHT, // As above.
    startHeight: status.startHeight,
    targetHeight: status.targetHeight,
    blocksPerSecond: status.blocksPerSecond,
    bytesReceived: status.bytesReceived,
    etaMs: status.etaMs,
    peers: status.peers,
    trust: source?.trust() ?? 'cached',
    isValidator: status.isValidator,
    pendingTransactions: status.pendingTransactions,
    startedAtMs: status.startedAtMs,
    version: node.options.version,
    light: status.light === undefined ? undefined : lightStatusOf(status.light),
    snapshot: status.snapshot,
    promotion: status.promotion,
    keepBlocks: status.keepBlocks,
    historyFrom: status.historyFrom,
    storage: status.storage,
    error: status.error,
  };
}

function lightStatusOf({ head, ...light }: NodeLightStatus): LightStatus {
  const { height, timestampMs } = head.header;
  return { head: { height, hash: head.hash, timestampMs }, ...light };
}

/** The view that `node.consensus` answers and the topic `consensus` pushes. */
export function consensusOf(context: NodeContext): RpcConsensusView {
  const view = context.node.consensus();
  if (view === undefined) throw rpcError('node-not-ready');
  const own = view.validators.find((validator) => validator.isSelf);
  return {
    height: view.height,
    round: view.round,
    step: view.step,
    validators: view.validators.map((validator) => ({
      publicKey: validator.publicKey,
      name: validator.name,
      power: validator.power,
      isProposer: validator.isProposer,
      prevote: validator.prevote,
      precommit: validator.precommit,
    })),
    ownIndex: own?.index,
  };
}

/** What this network and this node are. */
export function nodeMethods(context: NodeContext): NodeMethods {
  const { node } = context;
  return {
    'chain.info': async (_, { signal }) => {
      const isForStrangers = context.strangers !== undefined;
      const { document, chainId } = node.ledger.genesis;
      const { membership, leader, agreement } = document.consensus;
      const faucet = node.hasFaucet()
        ? await context
            .source()
            .read((view) => ({ kind: 'read' as const, at: readFaucet(view) }), { signal })
        : undefined;
      return {
        name: document.name,
        chainId,
        protocolVersion: PROTOCOL_VERSION,
        hashSuite: document.hashSuite,
        native: document.native,
        execution: document.execution,
        consensus: { membership, leader, agreement },
        faucet: faucet === undefined ? undefined : { amount: faucet.at?.amount ?? ZERO_AMOUNT },
        genesisTimestampMs: document.timestampMs,
        genesisHash: (await context.outline(context.source(), GENESIS_HEIGHT, signal)).hash,
        relays: node.options.relays,
        // Whom this very node knows is its own people's business.
        knownRelays: isForStrangers
          ? undefined
          : (node.network()?.relays?.() ?? node.options.relays),
      };
    },
    'node.status': async () => statusOf(context),
    'node.peers': async () => ({
      peerId: node.network()?.peerId ?? '',
      addresses: node.network()?.addresses() ?? [],
      peers: node.peers().map((peer) => ({
        ...peer,
        latencyMs: peer.latencyMs === undefined ? undefined : Math.round(peer.latencyMs),
        score: Math.round(peer.score),
        connectedSinceMs: timestampMs(Math.round(peer.connectedSinceMs)),
        height: node.peerHeight(peer.peerId),
      })),
    }),
    'node.storage': () => storageOf(context),
    'node.consensus': async () => consensusOf(context),
    'node.events': async ({ limit }) => ({
      events: node.diagnostics.lines().slice(-limitOf(limit ?? EVENTS_MAX, EVENTS_MAX)),
    }),
    'node.pause': async () => {
      await node.pause();
      return {};
    },
    'node.resume': async () => {
      await node.resume();
      return {};
    },
    'node.reset': async () => {
      refuseHeld(node);
      await node.reset();
      return {};
    },
    'node.configure': async (settings) => {
      refuseHeld(node);
      const { mode, replayTrusting } = settings;
      // First, so that a refusal changes nothing.
      if (mode !== undefined) await node.setMode(mode).catch(refuseMode);
      if (replayTrusting !== undefined) {
        await context.parts.checkpoints.setReplayTrusting(replayTrusting).catch(refuseMode);
      }
      node.configure(settings);
      return {};
    },
    'node.promote': async () => {
      await node.promote();
      return {};
    },
    'node.clearAlarm': async () => {
      node.clearAlarm();
      return {};
    },
    'node.addRelay': async ({ multiaddr }) => {
      await node.addRelay(multiaddr).catch(refuseRelay);
      return {};
    },
    'node.diagnostics': async () => ({ bundle: await diagnosticsOf(context) }),
  };
}

/** A validator must execute what it votes on, and check who signed it. */
function refuseMode(error: unknown): never {
  const { code } = errorToData(error);
  if (code === 'not-permitted') throw rpcError('mode-unavailable');
  if (code === 'mode-needs-reset') throw rpcError(code);
  throw error;
}

/** Tells the network's failures by their public codes. */
function refuseRelay(error: unknown): never {
  const { code } = errorToData(error);
  if (code === 'address-malformed') throw rpcError('relay-address-invalid');
  if (code === 'dial-failed') throw rpcError('relay-unreachable');
  throw error;
}

async function storageOf(context: NodeContext): Promise<StorageView> {
  const { node, parts } = context;
  const usage = await node.home.store.usage();
  const estimate = await node.home.estimateStorage?.();
  const store = parts.store.status();
  return {
    spaces: usage,
    totalBytes: usage.reduce((sum, { bytes }) => sum + bytes, 0),
    usageBytes: estimate?.usageBytes,
    quotaBytes: estimate?.quotaBytes,
    isPersisted: estimate?.isPersisted,
    cacheBytes: store.cacheBytes,
    cacheBytesMax: node.cacheBytesMax(),
    checkpointHeight: store.checkpointHeight ?? (0 as Height), // None yet: all is in the journal.
    kind: node.home.storeKind,
  };
}

/** For bug reports: no keys, no addresses of peers, nothing that names a person. */
async function diagnosticsOf(context: NodeContext): Promise<Json> {
  const { node } = context;
  const status = statusOf(context);
  const storage = await storageOf(context);
  return {
    version: status.version,
    home: status.home,
    network: node.ledger.genesis.document.name,
    mode: status.mode,
    stage: status.stage,
    source: status.source,
    trust: status.trust,
    promotion: status.promotion,
    height: status.head.height,
    chainHeight: status.chainHeight,
    historyFrom: status.historyFrom,
    comparedVoices: status.light?.comparedVoices ?? null,
    hasAlarm: status.light?.alarm !== undefined,
    targetHeight: status.targetHeight,
    peers: node.peers().map(({ transport, direction, latencyMs, score }) => ({
      transport,
      direction,
      latencyMs: latencyMs === undefined ? null : Math.round(latencyMs),
      score: Math.round(score),
    })),
    storage: {
      kind: storage.kind,
      totalBytes: storage.totalBytes,
      quotaBytes: storage.quotaBytes ?? null,
      isPersisted: storage.isPersisted ?? null,
      checkpointHeight: storage.checkpointHeight,
    },
    events: node.diagnostics.lines().map(({ atMs, level, event, facts }) => ({
      atMs,
      level,
      event,
      facts: redacted(facts),
    })),
  };
}

/** Facts that could name somebody: whom we speak to, and from where. */
const PRIVATE_FACTS: ReadonlySet<string> = new Set([
  'peerId',
  'address',
  'addresses',
  'multiaddr',
  'relay',
  'remoteAddress',
  'from',
]);

function redacted(facts: { readonly [name: string]: Json }): { readonly [name: string]: Json } {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [
      name,
      PRIVATE_FACTS.has(name) ? 'redacted' : value,
    ]),
  );
}
