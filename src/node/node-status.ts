import type { ErrorData, TimestampMs } from '../base/index.ts';
import { equalBytes } from '../base/index.ts';
import type { Height, Ledger } from '../ledger/index.ts';
import type { Parts } from './parts.ts';
import { decidesAlone } from './parts.ts';
import type { Running } from './running.ts';
import type { NodeStage, NodeStatus } from './status.ts';
import type { NodeHome, NodeOptions, StorageEvent } from './types.ts';

/** What a status is made of. */
export type StatusFacts = {
  readonly home: NodeHome;
  readonly options: NodeOptions;
  readonly ledger: Ledger;
  readonly parts: Parts | undefined;
  readonly running: Running | undefined;
  readonly isPaused: boolean;
  readonly failure: ErrorData | undefined;
  readonly blocksPerSecond: number;
  readonly headTransactionCount: number;
  readonly startHeight: Height;
  readonly bytesReceived: number;
  readonly startedAtMs: TimestampMs;
};

const GENESIS_HEIGHT = 0 as Height; // By definition.

/** How a node is. */
export function statusOf(facts: StatusFacts): NodeStatus {
  const { home, options, parts, running, blocksPerSecond: rate } = facts;
  const head = parts?.chain.head();
  const height = head?.header.height ?? GENESIS_HEIGHT; // Before the store is open.
  const proven = parts?.following.light.progress().targetHeight ?? 0;
  const told = parts?.sync.progress().target ?? 0;
  const target = Math.max(told, proven, height) as Height; // One of these.
  const isBehind = target > height && rate > 0;
  const comparedPeers = running?.peers.comparedCount() ?? 0;
  return {
    stage: stageOf(facts),
    mode: parts?.following.mode() ?? options.mode ?? 'full',
    keepBlocks: parts?.following.keepBlocks(),
    historyFrom: parts?.store.historyCompleteFrom() ?? GENESIS_HEIGHT,
    source: parts === undefined || parts.following.isChainLeading() ? 'chain' : 'light',
    light: parts?.following.lightStatus(),
    snapshot: parts?.following.snapshot.status(),
    promotion: parts?.following.promotion() ?? 'none',
    head,
    headTransactionCount: facts.headTransactionCount,
    startHeight: facts.startHeight,
    targetHeight: target,
    blocksPerSecond: Math.round(rate),
    bytesReceived: facts.bytesReceived,
    etaMs: isBehind ? Math.round(((target - height) / rate) * 1000) : undefined,
    peers: running?.network.peers().length ?? 0,
    hasCompared: comparedPeers > 0,
    comparedPeers,
    confirmingPeers: head === undefined ? 0 : (running?.peers.confirmingCount(head) ?? 0),
    isMember: isMember(facts),
    isValidator: options.signer !== undefined,
    pendingTransactions: parts?.mempool.size().count ?? 0,
    startedAtMs: facts.startedAtMs,
    error: facts.failure,
    storage: newest(home.storageEvent?.(), parts?.mender.event()),
  };
}

function newest(one: StorageEvent | undefined, other: StorageEvent | undefined) {
  return (one?.atMs ?? 0) > (other?.atMs ?? 0) ? one : (other ?? one);
}

/** Where a node is in its life. */
export function stageOf(
  facts: Pick<StatusFacts, 'options' | 'ledger' | 'parts' | 'running' | 'isPaused' | 'failure'>,
): NodeStage {
  const { parts, running, isPaused, failure } = facts;
  if (failure !== undefined) return 'failed';
  if (parts === undefined) return 'starting';
  if (isPaused) return 'paused';
  if (running === undefined) return 'connecting';
  const proven = parts.following.stage();
  if (proven !== undefined) return proven;
  const { stage } = parts.sync.progress();
  if (stage !== 'waiting') return stage;
  return decidesAlone(facts) ? 'following' : 'connecting';
}

function isMember({ options, ledger }: StatusFacts): boolean {
  const { signer } = options;
  if (signer === undefined) return false;
  const { validators } = ledger.genesis.membership;
  return validators.some(({ publicKey }) => equalBytes(publicKey, signer.publicKey));
}
