import { defined, unreachable } from '../base/index.ts';
import type {
  ConsensusEffect,
  ConsensusEvent,
  VerifiedCertificate,
  VerifiedProposal,
  VerifiedVote,
} from '../consensus/index.ts';
import { walEntryHeight } from '../consensus/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Block, Height, Round } from '../ledger/index.ts';
import { isValidBlock, makeBlock } from './blocks.ts';
import { sendFaces, sendTwins } from './byzantine.ts';
import { admits } from './door.ts';
import { deliverLight, isLightDelivery } from './light.ts';
import { mintProposal, mintVote } from './minting.ts';
import { afterCommit, onProposed, onReturned, onRoundBegun, onVoted } from './plot.ts';
import { Violation } from './violation.ts';
import type { Delivery, SimulatedNode, World } from './world.ts';
import {
  answer,
  broadcast,
  isChaos,
  maybeHush,
  nodeAt,
  offerWork,
  scheduleStatus,
  send,
} from './world.ts';

/** A proposal's time may differ from a validator's clock by this much. */
const TIMELY_WITHIN_MS = 1500;

/* ------------------------------------------------------------ deliveries */

/** Lets one delivery happen to its node. */
export function deliver(world: World, delivery: Delivery): void {
  if (isLightDelivery(delivery)) {
    deliverLight(world, delivery);
    return;
  }
  const node = nodeAt(world, delivery.to);
  if (delivery.kind === 'restart') {
    restart(world, node);
    return;
  }
  if (delivery.kind === 'status') scheduleStatus(world, node);
  if (!node.isUp) return;
  switch (delivery.kind) {
    case 'kill':
      die(world, node);
      return;
    case 'message':
      if (!admits({ ...world.door, engine: node.engine }, delivery.event)) {
        world.stats.refused++;
        return;
      }
      advance(world, node, delivery.event);
      return;
    case 'answer':
      if (delivery.life === node.life) advance(world, node, delivery.event);
      return;
    case 'request':
      onRequest(world, node, delivery);
      return;
    case 'status':
      onStatus(world, node);
      return;
    default:
      unreachable(delivery);
  }
}

// The driver of `node`, with death possible before each effect.
function advance(world: World, node: SimulatedNode, event: ConsensusEvent): void {
  const { state, effects } = node.engine.step(node.state, event);
  node.state = state;
  world.stats.roundMax = Math.max(world.stats.roundMax, state.round);
  for (const effect of effects) {
    if (mayDie(world, node)) {
      die(world, node, effect);
      return;
    }
    perform(world, node, effect);
  }
  if (event.kind === 'height-advanced') offerWork(world, node);
}

function mayDie(world: World, node: SimulatedNode): boolean {
  return (
    isChaos(world) && node.role === 'honest' && world.prng.chance(world.scenario.crashPerMille)
  );
}

// Of a write under way some first entries may have reached the disk; nothing later was done.
function die(world: World, node: SimulatedNode, effect?: ConsensusEffect): void {
  if (effect?.kind === 'append-wal') {
    const kept = world.prng.below(effect.entries.length + 1);
    node.wal = [...node.wal, ...effect.entries.slice(0, kept)];
  }
  if (!world.mutation.isLogSynced) {
    node.wal = node.wal.slice(0, node.wal.length - node.writtenLast);
    node.writtenLast = 0;
  }
  node.isUp = false;
  node.life++;
  world.stats.crashes++;
  world.queue.push(world.nowMs + world.prng.between(1, 1500), { kind: 'restart', to: node.index });
}

function restart(world: World, node: SimulatedNode): void {
  if (node.isUp) return;
  node.isUp = true;
  node.life++;
  const height = (node.chain.length + 1) as Height; // The chain is short.
  const { membership } = world;
  const { ownPublicKey } = node;
  node.wal = node.wal.filter((entry) => walEntryHeight(entry) >= height);
  maybeWipe(world, node, height);
  const { signFrom } = node;
  node.state = node.engine.start({ height, membership, ownPublicKey, signFrom });
  advance(world, node, { kind: 'recovered', entries: node.wal });
  if (node.isUp) offerWork(world, node);
  if (node.isUp && node.role === 'honest') onReturned(world, node);
}

// A log may be lost whole; that something was signed at this height is known from elsewhere.
function maybeWipe(world: World, node: SimulatedNode, height: Height): void {
  const { scenario, prng, mutation } = world;
  const mayBe = isChaos(world) && scenario.wiped.includes(node.index) && node.wal.length > 0;
  if (!mayBe || !prng.chance(500)) return;
  node.wal = [];
  world.stats.wipes++;
  if (mutation.isLogMissed) node.signFrom = (height + 1) as Height; // The chain is short.
}

/* --------------------------------------------------------------- effects */

function perform(world: World, node: SimulatedNode, effect: ConsensusEffect): void {
  const { prng, oracle } = world;
  switch (effect.kind) {
    case 'append-wal':
      node.wal = [...node.wal, ...effect.entries];
      node.writtenLast = effect.entries.length;
      return;
    case 'sign-vote':
      answer(world, node, prng.below(5), { kind: 'vote-signed', vote: mintVote(effect.vote) });
      return;
    case 'sign-proposal': {
      const proposal = mintProposal(effect.proposal, effect.blockHash, node.index);
      answer(world, node, prng.below(5), { kind: 'proposal-signed', proposal });
      return;
    }
    case 'broadcast-vote':
      performVote(world, node, effect.vote);
      return;
    case 'broadcast-proposal':
      performProposal(world, node, effect.proposal);
      return;
    case 'build-block':
      build(world, node, effect);
      return;
    case 'validate-block':
      validate(world, node, effect);
      return;
    case 'schedule-timeout': {
      const { kind, height, round } = effect.timeout;
      if (kind === 'propose' && node.role === 'honest') onRoundBegun(world, height, round);
      const { ratePerMille } = clockOf(world, node);
      const delayMs = Math.floor((effect.delayMs * ratePerMille) / 1000);
      answer(world, node, delayMs, { kind: 'timeout-elapsed', timeout: effect.timeout });
      return;
    }
    case 'request-messages':
      request(world, node, effect);
      return;
    case 'commit-block':
      commit(world, node, effect);
      return;
    case 'report-evidence':
      world.stats.evidence++;
      if (node.role === 'honest') oracle.accused(effect.evidence);
      return;
    case 'report-peer':
      return;
    case 'halt':
      if (node.role !== 'honest') return;
      throw new Violation('halted', `node ${node.index} at height ${effect.height}`);
    default:
      unreachable(effect);
  }
}

function performVote(world: World, node: SimulatedNode, vote: VerifiedVote): void {
  if (node.role === 'silent') return;
  if (node.role === 'equivocator') {
    sendFaces(world, node, vote);
    return;
  }
  world.oracle.voteLeft(vote.vote);
  if (node.role === 'honest') onVoted(world, vote);
  broadcast(world, node.index, { kind: 'vote-received', vote });
}

function performProposal(world: World, node: SimulatedNode, proposal: VerifiedProposal): void {
  if (node.role === 'silent') return;
  if (node.role === 'equivocator') {
    sendTwins(world, node, proposal);
    return;
  }
  noteProposal(world, node.index, proposal);
  broadcast(world, node.index, { kind: 'proposal-received', proposal });
  if (node.role === 'honest') onProposed(world, proposal);
}

function noteProposal(world: World, leader: number, { proposal, blockHash }: VerifiedProposal) {
  const { height, round, validRound } = proposal;
  world.oracle.proposalLeft({ leader, height, round, validRound, blockHash });
}

function clockOf(world: World, node: SimulatedNode) {
  return defined(world.scenario.clocks[node.index], 'every node has a clock');
}

/** Hash of the last block of a node. */
export function headHash({ genesis }: World, { chain }: SimulatedNode): Hash {
  return (chain.at(-1) ?? genesis).blockHash;
}

/** The time of a block that a node makes now: after its parent, as everywhere. */
export function blockTimeMs({ genesis }: World, { chain }: SimulatedNode, atMs: number): number {
  const parent = (chain.at(-1) ?? genesis).block.header;
  return Math.max(atMs, parent.timestampMs + 1);
}

function build(
  world: World,
  node: SimulatedNode,
  { height, round }: { readonly height: Height; readonly round: Round },
): void {
  const proposer = defined(node.ownPublicKey, 'only members lead');
  const atMs = blockTimeMs(world, node, world.nowMs + clockOf(world, node).offsetMs);
  const payload = world.prng.next();
  const built = makeBlock({
    height,
    parentHash: headHash(world, node),
    proposer,
    atMs,
    isValid: true,
    payload,
    membershipHash: world.membershipHash,
  });
  world.oracle.made(node.index, built.blockHash);
  const event: ConsensusEvent = { kind: 'block-built', height, round, ...built };
  answer(world, node, world.prng.below(20), event);
}

function validate(
  world: World,
  node: SimulatedNode,
  effect: { readonly height: Height; readonly block: Block; readonly blockHash: Hash },
): void {
  const { height, block, blockHash } = effect;
  const isValid = isValidBlock(block, headHash(world, node));
  const hereMs = world.nowMs + clockOf(world, node).offsetMs;
  const isTimely = Math.abs(block.header.timestampMs - hereMs) <= TIMELY_WITHIN_MS;
  const event: ConsensusEvent = { kind: 'block-validated', height, blockHash, isValid, isTimely };
  answer(world, node, world.prng.below(20), event);
}

function commit(
  world: World,
  node: SimulatedNode,
  effect: Extract<ConsensusEffect, { kind: 'commit-block' }>,
): void {
  const { block, blockHash, certificate } = effect;
  const committed = { block, blockHash, certificate };
  // A node that died between writing and sending its precommit sends it in the certificate.
  for (const { validatorIndex } of certificate.signatures) {
    if (validatorIndex !== node.index) continue;
    const { height, round } = certificate;
    world.oracle.voteLeft({ kind: 'precommit', height, round, blockHash, validatorIndex });
  }
  if (node.role === 'honest') world.oracle.committed(node.index, committed, headHash(world, node));
  node.chain = [...node.chain, committed];
  maybeHush(world, node);
  afterCommit(world, node, block.header.height, certificate.round);
  const next = (node.chain.length + 1) as Height; // The chain is short.
  const { membership } = world;
  answer(world, node, world.prng.below(10), {
    kind: 'height-advanced',
    height: next,
    membership,
  });
}

/* -------------------------------------------------------------- catch-up */

function request(
  world: World,
  node: SimulatedNode,
  { height, round }: { readonly height: Height; readonly round: Round },
): void {
  const from = node.index;
  for (let count = 0; count < 2; count++) {
    const to = world.prng.below(world.nodes.length);
    if (to !== from) send(world, from, to, { kind: 'request', to, from, height, round });
  }
}

function onRequest(
  world: World,
  node: SimulatedNode,
  { from, height, round }: Extract<Delivery, { kind: 'request' }>,
): void {
  if (isMute(world, node)) return;
  sendDecision(world, node, from, height);
  const asked = { height, round: round as Round }; // It was a round of the asking machine.
  const { proposals, votes } = node.engine.messagesFor(node.state, asked);
  for (const proposal of proposals) {
    send(world, node.index, from, {
      kind: 'message',
      to: from,
      event: { kind: 'proposal-received', proposal },
    });
  }
  for (const vote of votes) {
    if (node.role === 'honest') world.oracle.voteLeft(vote.vote);
    send(world, node.index, from, {
      kind: 'message',
      to: from,
      event: { kind: 'vote-received', vote },
    });
  }
  // Somebody waits at our height, so there is work.
  if (node.state.height === height) advance(world, node, { kind: 'work-available', height });
}

// Who has a plot answers no questions.
function isMute({ scenario }: World, { role }: SimulatedNode): boolean {
  return role === 'silent' || (role === 'equivocator' && scenario.plot !== 'none');
}

function onStatus(world: World, node: SimulatedNode): void {
  const peer = nodeAt(world, world.prng.below(world.nodes.length));
  if (!peer.isUp || isMute(world, peer)) return;
  sendDecision(world, peer, node.index, node.state.height);
}

function sendDecision(world: World, node: SimulatedNode, to: number, height: Height): void {
  const committed = node.chain[height - 1];
  if (committed === undefined) return;
  const { block, blockHash } = committed;
  const certificate = committed.certificate as VerifiedCertificate; // Of votes minted here.
  const event: ConsensusEvent = { kind: 'decision-received', block, blockHash, certificate };
  send(world, node.index, to, { kind: 'message', to, event });
}
