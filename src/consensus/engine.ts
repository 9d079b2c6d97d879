import type { Result } from '../base/index.ts';
import { fail, ok } from '../base/index.ts';
import type { ConsensusOptions, Membership } from '../ledger/index.ts';
import type { Agreement, AgreementPart } from './agreement/part.ts';
import type { Instruments } from './agreement/three-phase/rules.ts';
import { threePhaseAgreement } from './agreement/three-phase/three-phase.ts';
import type { CombinationReason, EngineError } from './errors.ts';
import type { LeaderPart, Turn } from './leader/part.ts';
import { rotatingLeader } from './leader/rotating.ts';
import { fixedMembership } from './membership/fixed.ts';
import type { MembershipOutcome, MembershipPart } from './membership/part.ts';

/** One part on each axis, put together. */
export type ConsensusEngine = Agreement & {
  /** `membership × leader × agreement`, for people. */
  readonly name: string;
  readonly options: ConsensusOptions;
  readonly finality: AgreementPart['finality'];
  /** Place of the leader of a turn, as the door needs it to check a proposal's signature. */
  leaderOf(membership: Membership, turn: Turn): number | undefined;
  /** The members of the height after a block. */
  nextMembership(outcome: MembershipOutcome): Membership;
};

const MEMBERSHIPS: readonly MembershipPart[] = [fixedMembership];
const LEADERS: readonly LeaderPart[] = [rotatingLeader];

/**
 * Puts together the three parts that a genesis names, or says why they cannot work.
 *
 * @param membership The members of the first height.
 * @param instruments For tests only: other rules, and labels reached.
 */
export function combineEngine(
  options: ConsensusOptions,
  membership: Membership,
  instruments: Instruments = {},
): Result<ConsensusEngine, EngineError> {
  const agreements = [threePhaseAgreement(instruments)];
  const who = MEMBERSHIPS.find((part) => part.name === options.membership);
  if (who === undefined) return unknown('membership', options.membership, MEMBERSHIPS);
  const turns = LEADERS.find((part) => part.name === options.leader);
  if (turns === undefined) return unknown('leader', options.leader, LEADERS);
  const agreement = agreements.find((part) => part.name === options.agreement);
  if (agreement === undefined) return unknown('agreement', options.agreement, agreements);
  const reason = misfitOf(who, turns, agreement);
  if (reason !== undefined) {
    const names = { membership: who.name, leader: turns.name, agreement: agreement.name };
    return fail({ code: 'combination-impossible', ...names, reason });
  }
  const timing = (
    ['proposeTimeoutMs', 'prevoteTimeoutMs', 'precommitTimeoutMs', 'timeoutDeltaMs'] as const
  ).find((option) => options[option] === 0);
  if (timing !== undefined) return fail({ code: 'timing-impossible', option: timing });
  const members = who.validate(membership);
  if (!members.ok) return members;
  return ok({
    ...agreement.create({ options, leader: turns }),
    name: `${who.name} × ${turns.name} × ${agreement.name}`,
    options,
    finality: agreement.finality,
    leaderOf: (current, turn) => turns.leaderOf(current, turn),
    nextMembership: (outcome) => who.next(outcome),
  });
}

/** Why three parts do not fit together; undefined when they do. */
export function misfitOf(
  membership: Pick<MembershipPart, 'openness'>,
  leader: Pick<LeaderPart, 'revelation' | 'needsClosedMembership'>,
  agreement: Pick<AgreementPart, 'needsClosedMembership' | 'needsKnownLeader'>,
): CombinationReason | undefined {
  const isOpen = membership.openness === 'open';
  if (isOpen && agreement.needsClosedMembership) return 'votes-need-closed-membership';
  if (isOpen && leader.needsClosedMembership) return 'rotation-needs-closed-membership';
  if (agreement.needsKnownLeader && leader.revelation !== 'known') {
    return 'rounds-need-known-leader';
  }
  return undefined;
}

function unknown(
  axis: 'membership' | 'leader' | 'agreement',
  name: string,
  parts: readonly { readonly name: string }[],
): Result<never, EngineError> {
  return fail({ code: 'part-unknown', axis, name, known: parts.map((part) => part.name) });
}
