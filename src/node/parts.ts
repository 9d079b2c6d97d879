import type { Bytes } from '../base/index.ts';
import { defined } from '../base/index.ts';
import type { ConsensusEngine } from '../consensus/index.ts';
import type { Height, Ledger } from '../ledger/index.ts';
import type { Topic } from '../network/index.ts';
import { BlockPace } from './block-pace.ts';
import type { CommittedEvent } from './chain.ts';
import { Chain } from './chain.ts';
import { Checkpoints } from './checkpoints.ts';
import type { Diagnostics } from './diagnostics.ts';
import type { Emitter } from './emitter.ts';
import { FaucetService } from './faucet.ts';
import { FaucetQuotas } from './faucet-quotas.ts';
import { Following } from './following.ts';
import { BLOCK_TIME_SHARE, PACED_TRANSACTIONS_MIN } from './limits.ts';
import { MempoolDriver } from './mempool-driver.ts';
import { PageMender } from './page-mender.ts';
import type { Fault } from './penalties.ts';
import type { Running } from './running.ts';
import type { NodeEvents, NodeStatus } from './status.ts';
import type { LedgerStore } from './store/index.ts';
import { openLedgerStore } from './store/index.ts';
import { SyncDriver } from './sync-driver.ts';
import { TransactionTracker } from './tracker.ts';
import { TransactionOutbox } from './transaction-outbox.ts';
import type { NodeHome, NodeOptions } from './types.ts';

/** What the parts of a node need of the whole. */
export type NodeCore = {
  readonly home: NodeHome;
  readonly options: NodeOptions;
  readonly ledger: Ledger;
  readonly engine: ConsensusEngine;
  readonly diagnostics: Diagnostics;
  readonly events: Emitter<NodeEvents>;
  /** Fires when the node stops, whatever it is at. */
  readonly stopping: AbortSignal;
  /** What exists while the node is connected. */
  running(): Running | undefined;
  publish(topic: Topic, message: Bytes): void;
  report(peerId: string, fault: Fault): void;
  /** Something happened that a node must not go on after. */
  fail(error: unknown): void;
  onBytes(count: number): void;
  onCommitted(event: CommittedEvent): void;
  /** Our place among the peers may have changed. */
  onProgress(): void;
  onCompared(): void;
  onMempoolChanged(): void;
  /** The newest proven header, or what questions are answered from, is another one. */
  onLightChanged(): void;
  /** Blocks are asked for, and decided, from now on. */
  onChainReleased(): void;
  /** What was executed is given up, and asked of peers again. */
  readAgain(): void;
  /** The state after a block that was not executed here is ours. */
  onAdopted(height: Height): void;
  status(): NodeStatus;
};

/** The parts that exist while a store is open; `reset` makes them anew. */
export type Parts = {
  readonly store: LedgerStore;
  /** Asks peers for what is damaged in it. */
  readonly mender: PageMender;
  /** Blocks that somebody named by hand. */
  readonly checkpoints: Checkpoints;
  readonly chain: Chain;
  readonly mempool: MempoolDriver;
  readonly sync: SyncDriver;
  /** Proven headers, snapshots, and what questions are answered from. */
  readonly following: Following;
  readonly tracker: TransactionTracker;
  /** Where own transactions leave for the others. */
  readonly outbox: TransactionOutbox;
  /** How large blocks may be for this machine to keep up. */
  readonly pace: BlockPace;
  readonly faucet: FaucetService | undefined;
  /** What may be asked of other relays' faucets through this one. */
  readonly forwarding: FaucetQuotas;
};

/** Opens the store and makes what stands on it. Rejects as the ledger store does. */
export async function openParts(core: NodeCore, cacheBytesMax: number): Promise<Parts> {
  const { home, options, ledger, diagnostics } = core;
  const { clock } = home;
  const checkpoints = await Checkpoints.load(core);
  const mender = new PageMender(core);
  const store = await openLedgerStore({
    store: home.store,
    ledger,
    tracer: diagnostics,
    options: { cacheBytesMax, ...snapshotOptions(core) },
    mend: (page) => mender.ask(page),
    ...(home.onCrashPoint === undefined ? {} : { onCrashPoint: home.onCrashPoint }),
  }).finally(() => mender.opened());
  await checkpoints.open(store);
  const tracker = new TransactionTracker(clock);
  const publish = (message: Bytes) => core.publish('transactions', message);
  const { proposeTimeoutMs } = ledger.genesis.document.consensus;
  const pace = new BlockPace({
    targetMs: proposeTimeoutMs * BLOCK_TIME_SHARE,
    countMin: PACED_TRANSACTIONS_MIN,
  });
  const outbox = new TransactionOutbox({ clock, publish });
  const chain: Chain = new Chain({
    ledger,
    store,
    verifier: home.verifier,
    clock,
    tracer: diagnostics,
    checkpoints,
    candidates: (height) => mempool.select({ height, ...selectionLimits(ledger, pace) }),
    onInvalid: (id, { code }) => mempool.invalidate(id, code),
    onCommitted: (event) => {
      const { height, timestampMs } = event.executed.prepared.block.header;
      core.running()?.guard.committed(height, timestampMs);
      core.onCommitted(event);
    },
    onImported: (height) => core.running()?.guard.imported(height),
  });
  let following: Following | undefined;
  const mempool: MempoolDriver = createMempoolDriver(core, {
    ...{ chain, tracker, outbox },
    following: () => following,
  });
  const sync = new SyncDriver({
    chain,
    clock,
    tracer: diagnostics,
    network: () => core.running()?.network,
    reportPeer: (peerId, fault) => core.report(peerId, fault),
    onProgress: () => core.onProgress(),
    onBytes: (count) => core.onBytes(count),
    onFatal: (error) => core.fail(error),
  });
  following = await Following.open(core, { store, checkpoints, chain, sync, mempool, tracker });
  await checkpoints.settle({ following, sync });
  const { faucet: signer } = options;
  const faucet =
    signer === undefined ? undefined : new FaucetService({ chain, mempool, signer, clock });
  const forwarding = new FaucetQuotas(clock);
  const made = { store, mender, checkpoints, chain, mempool, sync, following, tracker };
  return { ...made, outbox, pace, faucet, forwarding };
}

function snapshotOptions({ options }: NodeCore) {
  const { snapshotEveryBlocks } = options;
  return snapshotEveryBlocks === undefined ? {} : { snapshotEveryBlocks };
}

/** Waits for what was begun, then closes. */
export async function closeParts(parts: Parts): Promise<void> {
  parts.mender.stop();
  await parts.checkpoints.stop();
  await parts.following.stop();
  await parts.sync.stop();
  await parts.chain.idle();
  await parts.store.close();
}

function createMempoolDriver(
  core: NodeCore,
  parts: Pick<Parts, 'chain' | 'tracker' | 'outbox'> & {
    /** Made after the pool. */
    readonly following: () => Following | undefined;
  },
): MempoolDriver {
  const { chain, tracker, outbox } = parts;
  const following = () => defined(parts.following(), 'nothing is admitted before all is made');
  return new MempoolDriver({
    chain: {
      prepareTransaction: (bytes) => chain.prepareTransaction(bytes),
      validateForm: (prepared) => chain.validateForm(prepared),
      verifyTransaction: (prepared) => chain.verifyTransaction(prepared),
      admit: (prepared) => following().admit(prepared),
      nextHeight: () => parts.following()?.nextHeight() ?? chain.next().height,
      isIncluded: (id) => following().isIncluded(id),
    },
    clock: core.home.clock,
    tracer: core.diagnostics,
    gossip: (bytes) => outbox.add(bytes),
    onSeen: (prepared) =>
      tracker.seen(prepared.id, prepared.transaction.body, following().fates.judgedAt(prepared)),
    onDropped: (id, code) => tracker.dropped(id, code),
    onChanged: () => core.onMempoolChanged(),
  });
}

function selectionLimits(ledger: Ledger, pace: BlockPace) {
  const { blockTransactionsMax, blockBytesMax } = ledger.genesis.document.consensus;
  // Gas is bounded by execution itself, which knows the parameters of the height.
  return {
    transactionsMax: Math.min(blockTransactionsMax, pace.countMax()),
    bytesMax: blockBytesMax,
    gasMax: Number.MAX_SAFE_INTEGER,
  };
}

/** Whether no other member is needed, and so nobody can be behind of anybody. */
export function decidesAlone(core: Pick<NodeCore, 'options' | 'ledger'>): boolean {
  const { signer } = core.options;
  return signer !== undefined && core.ledger.genesis.membership.validators.length === 1;
}

/** Height of the newest committed block. */
export function headHeight(parts: Parts): Height {
  return parts.chain.head().header.height;
}
