import { equalBytes, formatHex } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Address, Block, Evidence, Height, Sequence } from '../ledger/index.ts';
import type { CommittedEvent } from './chain.ts';
import { EvidenceStore } from './evidence-store.ts';
import type { NodeCore, Parts } from './parts.ts';
import { Protocols } from './protocols.ts';

/** What the node does when something happened to its chain: the parts do not know each other. */
export class Reactions {
  readonly #core: NodeCore;
  readonly #evidence: EvidenceStore;
  #cancelHeartbeat: () => void = () => undefined;
  /** The highest block that was not told of when it was committed. */
  #untold = 0 as Height;

  constructor(core: NodeCore) {
    this.#core = core;
    this.#evidence = new EvidenceStore(core.home.store, core.home.onCrashPoint);
  }

  /** A block is durable. */
  committed(parts: Parts, event: CommittedEvent): void {
    const { mempool, sync, tracker } = parts;
    const { prepared, transactions } = event.executed;
    const { height } = prepared.block.header;
    if (event.certificate.round > 0) parts.pace.roundFailed(transactions.length);
    // Of interest to what waits alone; on a node that syncs nothing does.
    const isAwaited = tracker.isFollowing() || mempool.size().count > 0;
    const sequences = isAwaited ? sequencesAfter(event) : [];
    const ids = transactions.map(({ id }) => id);
    // What has not led to its checkpoint is no verdict on anything.
    if (parts.checkpoints.isChainHidden()) this.#untold = height;
    else this.#tell(parts, event, ids, sequences);
    const running = this.#core.running();
    running?.consensus.advance();
    mempool.blockCommitted(height, ids, sequences);
    sync.headAdvanced(height);
    this.#announce(event);
    this.offerWork(parts);
  }

  /** Steps of the transactions in a block, and of those that come too late by it. */
  #tell(
    { tracker, store }: Parts,
    { executed }: CommittedEvent,
    ids: readonly Hash[],
    sequences: Sequences,
  ): void {
    const { prepared, execution } = executed;
    const { height, timestampMs } = prepared.block.header;
    const failures = new Map<number, { readonly code: string; readonly actionIndex: number }>();
    for (let index = 0; index < ids.length; index++) {
      const outcome = execution.receipts[index]?.outcome;
      if (outcome?.kind === 'failed') failures.set(index, outcome);
    }
    tracker.committedBlock({ height, timestampMs }, ids, failures);
    // Of what a state that was taken over skipped, nobody told.
    const anchored = store.anchor()?.header.height ?? (0 as Height);
    tracker.advanced(height, sequences, anchored > this.#untold ? anchored : this.#untold);
  }

  /** The proposer tells everybody that its block is final. */
  #announce({ executed, certificate }: CommittedEvent): void {
    const { header } = executed.prepared.block;
    const own = this.#core.options.signer?.publicKey;
    if (own === undefined || !equalBytes(own, header.proposer)) return;
    this.#core.publish('blocks', Protocols.encodeAnnouncement({ header, certificate }));
  }

  /** A proposal of the height being decided was executed here, and its results agree. */
  proposalValid(parts: Parts, { header }: Block): void {
    const executed = parts.chain.executedOf(header);
    const { height, timestampMs } = header;
    for (const [index, { id, transaction }] of (executed?.transactions ?? []).entries()) {
      parts.tracker.included(id, { height, index, timestampMs }, transaction.body);
    }
  }

  /** Validators propose when something waits, and after a long silence. */
  offerWork(parts: Parts): void {
    this.cancelHeartbeat();
    const { options, ledger, home } = this.#core;
    const running = this.#core.running();
    if (running === undefined || options.signer === undefined) return;
    if (parts.mempool.hasWork()) {
      running.consensus.offerWork();
      return;
    }
    const { heartbeatMs } = ledger.genesis.document.consensus;
    const dueMs = parts.chain.head().header.timestampMs + heartbeatMs;
    const delayMs = Math.max(0, dueMs - home.clock.now());
    this.#cancelHeartbeat = home.clock.after(delayMs, () => running.consensus.offerWork());
  }

  cancelHeartbeat(): void {
    this.#cancelHeartbeat();
    this.#cancelHeartbeat = () => undefined;
  }

  /** Something came into the mempool or left it. */
  mempoolChanged(parts: Parts): void {
    this.#core.events.emit('mempool', undefined);
    const running = this.#core.running();
    if (running === undefined || this.#core.options.signer === undefined) return;
    if (running.consensus.wantsWork() && parts.mempool.hasWork()) running.consensus.offerWork();
  }

  /** The head made a leap: whatever stands on it is told. */
  adopted(parts: Parts, height: Height): void {
    parts.checkpoints.adopted(height);
    parts.mempool.heightAdvanced(height);
    this.#core.running()?.consensus.advance();
    parts.sync.headAdvanced(height);
    this.#core.events.emit('light', undefined);
    this.#core.events.emit('status', undefined);
  }

  /** A member voted twice: told once it is stored. */
  evidenceFound(evidence: Evidence): void {
    const { diagnostics, events } = this.#core;
    const { height, validatorIndex } = evidence.first.vote;
    diagnostics.trace('warn', 'equivocation', { height, validatorIndex });
    this.#evidence.append(evidence).then(
      () => events.emit('evidence', evidence),
      (error: unknown) => this.#core.fail(error),
    );
  }

  evidence(): Promise<Evidence[]> {
    return this.#evidence.list();
  }
}

type Sequences = ReturnType<typeof sequencesAfter>;

/** The next sequence of each sender in a block. */
function sequencesAfter({ executed }: CommittedEvent) {
  const sequences = new Map<string, { readonly address: Address; readonly sequence: Sequence }>();
  for (const { transaction } of executed.transactions) {
    const { sender: address, sequence } = transaction.body;
    // One above a used sequence is a sequence.
    sequences.set(formatHex(address), { address, sequence: (sequence + 1) as Sequence });
  }
  return [...sequences.values()];
}
