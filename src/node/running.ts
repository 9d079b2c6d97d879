import { errorToData, formatHex } from '../base/index.ts';
import type { ConsensusCodecs } from '../consensus/index.ts';
import { consensusCodecsOf } from '../consensus/index.ts';
import type { Block } from '../ledger/index.ts';
import type { Network } from '../network/index.ts';
import { ConsensusDriver } from './consensus-driver.ts';
import { SIGNING_HOLD_MS_MAX } from './limits.ts';
import type { NodeCore, Parts } from './parts.ts';
import { decidesAlone, headHeight } from './parts.ts';
import { PeerBook } from './peer-book.ts';
import { Protocols } from './protocols.ts';
import type { Reactions } from './reactions.ts';
import { Reminder } from './reminder.ts';
import { SigningGuard } from './signing-guard.ts';
import { WakeWatch } from './wake-watch.ts';
import { WalStore } from './wal-store.ts';

/** The parts that exist while the node is not paused. */
export type Running = {
  readonly consensus: ConsensusDriver;
  /** Lets the consensus machine begin; more than once changes nothing. */
  readonly startConsensus: () => Promise<void>;
  readonly network: Network;
  readonly peers: PeerBook;
  readonly reminder: Reminder;
  readonly guard: SigningGuard;
  /** Ends the wait for peers before signing. */
  readonly cancelHold: () => void;
  /** Notices that this program slept. */
  readonly watch: WakeWatch;
};

/**
 * Opens the network and lets everything run. Rejects with what the network's opening says, with
 * `wal-corrupt`, or with a store's codes.
 *
 * @param adopt Called as soon as messages may come.
 */
export async function connect(
  core: NodeCore,
  parts: Parts,
  reactions: Reactions,
  adopt: (running: Running) => void,
): Promise<void> {
  const { home, ledger, diagnostics } = core;
  const { clock } = home;
  const codecs = consensusCodecsOf(ledger.codecs.block);
  const guard = await SigningGuard.load({
    store: home.store,
    marker: core.options.signer === undefined ? undefined : home.validatorMarker,
    marks: core.options.signer === undefined ? undefined : home.signingMarks,
    onCrashPoint: home.onCrashPoint,
    headHeight: headHeight(parts),
    startedAtMs: clock.now(),
    nextHeight: () => parts.chain.next().height,
    lookAwake: () => core.running()?.watch.look(),
  });
  if (guard.isDataLost) diagnostics.trace('warn', 'validator-data-lost');
  if (guard.isLogShort) diagnostics.trace('warn', 'validator-log-short');
  const protocols = new Protocols({ core, parts, codecs });
  const network = await home.openNetwork(protocols.handlers(), formatHex(ledger.chainId));
  const peers = createPeerBook(core, parts, { network, codecs });
  const consensus = createConsensus(core, parts, reactions, { codecs, guard, peers });
  const reminder = new Reminder({
    clock,
    ownPending: (limit) => parts.mempool.ownPending(limit),
    gossip: (bytes) => parts.outbox.add(bytes),
  });
  let cancelHold = clock.after(SIGNING_HOLD_MS_MAX, () => guard.holdElapsed());
  if (decidesAlone(core)) guard.release();
  const watch = new WakeWatch(clock, (forMs) => {
    diagnostics.trace('info', 'node-slept', { forMs });
    // What was known of others is old: nothing is signed before they told it anew.
    guard.hold();
    cancelHold();
    cancelHold = clock.after(SIGNING_HOLD_MS_MAX, () => guard.holdElapsed());
    if (decidesAlone(core)) guard.release();
    peers.forget();
    network.wake?.();
    peers.wake();
  });
  let starting: Promise<void> | undefined;
  const startConsensus = () => {
    starting ??= consensus.start();
    return starting;
  };
  const running: Running = {
    ...{ consensus, startConsensus, network, peers, reminder, guard, watch },
    cancelHold: () => cancelHold(),
  };
  adopt(running);
  // Who only watches has nothing to watch before its chain is where the others are.
  if (core.options.signer !== undefined) await startConsensus();
  // It may have failed meanwhile.
  if (core.running() !== running) return;
  parts.sync.start();
  parts.following.start();
  parts.checkpoints.start();
  peers.start();
  watch.start();
  reminder.start();
  reactions.offerWork(parts);
  diagnostics.trace('info', 'network-opened', { peerId: network.peerId });
}

/** Speaks to nobody any more, and waits for what was begun. */
export async function disconnect(core: NodeCore, parts: Parts, running: Running): Promise<void> {
  running.watch.stop();
  running.cancelHold();
  running.reminder.stop();
  parts.outbox.pause();
  running.peers.stop();
  parts.sync.pause();
  parts.following.pause();
  parts.checkpoints.pause();
  await running.consensus.stop();
  await running.network.stop().catch((error: unknown) => {
    core.diagnostics.trace('warn', 'network-stop-failed', { code: errorToData(error).code });
  });
}

function createPeerBook(
  core: NodeCore,
  parts: Parts,
  made: { readonly network: Network; readonly codecs: ConsensusCodecs },
): PeerBook {
  return new PeerBook({
    network: made.network,
    clock: core.home.clock,
    tracer: core.diagnostics,
    ledger: core.ledger,
    catchUp: made.codecs,
    consensus: () => core.running()?.consensus,
    reportPeer: (peerId, fault) => core.report(peerId, fault),
    onStatus: (peerId, status, voice) => parts.following.peerStatus(peerId, status, voice),
    onGone: (peerId) => parts.following.peerGone(peerId),
    onForgotten: () => parts.following.light.forgetStatuses(),
    headHeight: () => headHeight(parts),
    onCompared: () => core.onCompared(),
  });
}

function createConsensus(
  core: NodeCore,
  parts: Parts,
  reactions: Reactions,
  made: {
    readonly codecs: ConsensusCodecs;
    readonly guard: SigningGuard;
    readonly peers: PeerBook;
  },
): ConsensusDriver {
  const { home, ledger, options, diagnostics } = core;
  const { chain } = parts;
  const { codecs, guard, peers } = made;
  const beginMeasure = () => {
    const begunMs = home.clock.now();
    return (block: Block | undefined) =>
      parts.pace.measured(block?.transactions.length ?? 0, home.clock.now() - begunMs);
  };
  return new ConsensusDriver({
    engine: core.engine,
    chain: {
      suite: ledger.suite,
      chainId: ledger.chainId,
      blockCodec: ledger.codecs.block,
      next: () => chain.next(),
      bindsTransactions: (block) => chain.bindsTransactions(block),
      build: async (height, proposer) => {
        const end = beginMeasure();
        const block = await chain.build(height, proposer);
        end(block);
        return block;
      },
      validate: async (block, hash) => {
        // Our own is executed already: nothing is learnt from it.
        const end = chain.executedOf(block.header) === undefined ? beginMeasure() : undefined;
        const verdict = await chain.validate(block, hash);
        end?.(block);
        return verdict;
      },
      commit: (block, hash, certificate) => chain.commit(block, hash, certificate),
    },
    wal: new WalStore(home.store, ledger.suite, codecs.walEntry, home.onCrashPoint),
    verifier: home.verifier,
    clock: home.clock,
    tracer: diagnostics,
    signer: options.signer,
    guard,
    proposalCodec: codecs.proposal,
    broadcast: (topic, message) => core.publish(topic, message),
    requestMessages: (request) => peers.requestMessages(request),
    onAhead: (peerId) => peers.hint(peerId),
    reportPeer: (peerId, fault) => core.report(peerId, fault),
    reportEvidence: (evidence) => reactions.evidenceFound(evidence),
    onProposalValid: (block) => reactions.proposalValid(parts, block),
    onViewChanged: () => core.events.emit('consensus', undefined),
    onFatal: (error) => core.fail(error),
  });
}
