import { equalBytes } from '../base/index.ts';
import type { ConsensusEvent, ConsensusState, VerifiedVote } from '../consensus/index.ts';
import type { Evidence } from '../ledger/index.ts';
import type { Mutation } from './mutation.ts';
import { after, hearing, without } from './mutation.ts';

/** One rule broken on purpose. A simulator that passes it would prove nothing. */
export type Mutant = { readonly name: string; readonly mutation: Mutation };

export const MUTANTS: readonly Mutant[] = [
  /* Quorums. */
  { name: 'quorum of 1/2', mutation: { rules: { hasQuorum: (power, all) => 2n * power > all } } },
  { name: 'quorum of 1/3', mutation: { rules: { hasQuorum: (power, all) => 3n * power > all } } },
  {
    name: 'quorum of exactly 2/3',
    mutation: { rules: { hasQuorum: (power, all) => 3n * power >= 2n * all } },
  },
  { name: 'member counted twice', mutation: { wrap: after(countAgain) } },
  { name: 'vote of a former round counted', mutation: { wrap: hearing(asOfThisRound) } },
  { name: 'vote of a former height counted', mutation: { wrap: hearing(asOfThisHeight) } },
  { name: 'decision without its power', mutation: { wrap: after(trustCertificate) } },
  /* Locks and valid values. */
  { name: 'precommit without lock', mutation: { rules: { locks: false } } },
  { name: 'lock lost with its round', mutation: { rules: { keepsLock: false } } },
  { name: 'lock forgotten at restart', mutation: { wrap: after(forgetLock) } },
  {
    name: 'fresh block against the lock',
    mutation: { rules: { acceptsFresh: ({ isValid }) => isValid } },
  },
  {
    name: 'justified by a round before the lock',
    mutation: { rules: { acceptsJustified: ({ isValid }) => isValid } },
  },
  { name: 'valid round not proved', mutation: { rules: { needsJustification: false } } },
  { name: 'valid value not kept', mutation: { rules: { keepsValidValue: false } } },
  {
    name: 'invalid blocks accepted',
    mutation: {
      rules: { acceptsFresh: () => true, acceptsJustified: () => true, needsValidity: false },
    },
  },
  /* What a crash must not undo. */
  { name: 'vote sent before it is durable', mutation: { rules: { writesFirst: false } } },
  { name: 'log not synced before a vote leaves', mutation: { isLogSynced: false } },
  { name: 'log ignored after a crash', mutation: { rules: { recovers: false } } },
  { name: 'signs on without its log', mutation: { isLogMissed: false } },
  { name: 'replay loses own votes', mutation: { wrap: hearing(replayWithout('vote-signed')) } },
  {
    name: 'replay loses proposals',
    mutation: { wrap: hearing(replayWithout('proposal-received')) },
  },
  {
    name: 'replay loses votes of others',
    mutation: { wrap: hearing(replayWithout('vote-received')) },
  },
  /* Progress. */
  { name: 'propose timeout ignored', mutation: { wrap: without(isTimeout('propose')) } },
  { name: 'prevote timeout ignored', mutation: { wrap: without(isTimeout('prevote')) } },
  { name: 'precommit timeout ignored', mutation: { wrap: without(isTimeout('precommit')) } },
  { name: 'timeout of any round obeyed', mutation: { wrap: hearing(timeoutOfAnyRound) } },
  { name: 'later rounds not followed', mutation: { rules: { skipsRounds: false } } },
  {
    name: 'one member makes a round begin',
    mutation: { rules: { hasHonest: (power) => power > 0n } },
  },
  { name: 'lost messages not asked for', mutation: { rules: { asksAgain: false } } },
  /* The door, and what is said about others. */
  { name: 'vote in the name of another', mutation: { door: { checksVoteSigner: false } } },
  { name: 'proposal of somebody not leading', mutation: { door: { checksLeader: false } } },
  { name: 'block of another maker', mutation: { door: { checksMaker: false } } },
  { name: 'body of a proposal not checked', mutation: { door: { checksBody: false } } },
  { name: 'body of a decision not checked', mutation: { door: { checksDecidedBody: false } } },
  {
    name: 'certificate with forged signatures',
    mutation: { door: { checksCertificateSigners: false } },
  },
  { name: 'evidence of two rounds', mutation: { wrap: after(accuse) } },
  /* What light clients believe. */
  { name: 'leap without trusted power', mutation: { light: { hasTrust: () => true } } },
  {
    name: 'light block without its quorum',
    mutation: { light: { hasQuorum: (power) => power > 0n } },
  },
  {
    name: 'light block with 1/2 of its power',
    mutation: { light: { hasQuorum: (power, all) => 2n * power > all } },
  },
  { name: 'membership not bound', mutation: { light: { bindsMembership: false } } },
  { name: 'trusted member counted twice', mutation: { light: { countsOnce: false } } },
  { name: 'child of another parent', mutation: { light: { bindsParent: false } } },
  { name: 'trusting period ignored', mutation: { light: { expires: false } } },
  { name: 'light signatures not verified', mutation: { light: { verifiesSignatures: false } } },
];

type Facts = Parameters<Parameters<typeof after>[0]>[0];

function setOf(state: ConsensusState, { vote }: VerifiedVote) {
  const round = state.rounds.find((each) => each.round === vote.round);
  return vote.kind === 'prevote' ? round?.prevotes : round?.precommits;
}

const isSameBlock = (left: Uint8Array | undefined, right: Uint8Array | undefined) =>
  left === undefined || right === undefined ? left === right : equalBytes(left, right);

// A vote that comes again adds its power again.
function countAgain({ before, event, state }: Facts) {
  if (event.kind !== 'vote-received' || event.vote.vote.height !== before.height) return {};
  const { validatorIndex, blockHash, round, kind } = event.vote.vote;
  const first = setOf(before, event.vote)?.first[validatorIndex];
  if (first === undefined || !isSameBlock(first.vote.blockHash, blockHash)) return {};
  const power = state.membership.validators[validatorIndex]?.power ?? 0n;
  const name = kind === 'prevote' ? 'prevotes' : 'precommits';
  const rounds = state.rounds.map((each) => {
    if (each.round !== round) return each;
    const tallies = each[name].tallies.map((tally) =>
      isSameBlock(tally.blockHash, blockHash) ? { ...tally, power: tally.power + power } : tally,
    );
    return { ...each, [name]: { ...each[name], power: each[name].power + power, tallies } };
  });
  return { state: { ...state, rounds } };
}

function withPlace(event: ConsensusEvent, place: { height?: number; round?: number }) {
  if (event.kind !== 'vote-received') return event;
  const vote = { ...event.vote, vote: { ...event.vote.vote, ...place } };
  return { ...event, vote: vote as VerifiedVote }; // Somebody's, for somewhere else.
}

function asOfThisRound(event: ConsensusEvent, { height, round }: ConsensusState) {
  if (event.kind !== 'vote-received') return event;
  const { vote } = event.vote;
  return vote.height === height && vote.round < round ? withPlace(event, { round }) : event;
}

function asOfThisHeight(event: ConsensusEvent, { height }: ConsensusState) {
  if (event.kind !== 'vote-received') return event;
  return event.vote.vote.height < height ? withPlace(event, { height }) : event;
}

function trustCertificate({ before, event, state }: Facts) {
  if (event.kind !== 'decision-received' || event.certificate.height !== before.height) return {};
  if (state.certificate !== undefined || state.decision !== undefined) return {};
  return { state: { ...state, certificate: event.certificate } };
}

function forgetLock({ event, state }: Facts) {
  return event.kind === 'recovered' ? { state: { ...state, locked: undefined } } : {};
}

function replayWithout(kind: string) {
  return (event: ConsensusEvent): ConsensusEvent => {
    if (event.kind !== 'recovered') return event;
    return { ...event, entries: event.entries.filter((entry) => entry.kind !== kind) };
  };
}

function isTimeout(kind: string): Parameters<typeof without>[0] {
  return (effect) => effect.kind === 'schedule-timeout' && effect.timeout.kind === kind;
}

function timeoutOfAnyRound(event: ConsensusEvent, { round }: ConsensusState): ConsensusEvent {
  if (event.kind !== 'timeout-elapsed') return event;
  return { ...event, timeout: { ...event.timeout, round } };
}

// Two votes of a member are called a crime whatever their rounds.
function accuse({ before, event }: Facts) {
  if (event.kind !== 'vote-received' || event.vote.vote.height !== before.height) return {};
  const second = event.vote;
  const { kind, validatorIndex, round, blockHash } = second.vote;
  for (const each of before.rounds) {
    const votes = kind === 'prevote' ? each.prevotes : each.precommits;
    const first = votes.first[validatorIndex];
    if (each.round === round || first === undefined) continue;
    if (isSameBlock(first.vote.blockHash, blockHash)) continue;
    const evidence: Evidence = { first, second };
    return { effects: [{ kind: 'report-evidence', evidence } as const] };
  }
  return {};
}
