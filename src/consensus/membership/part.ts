import type { Result } from '../../base/index.ts';
import type { Membership } from '../../ledger/index.ts';
import type { EngineError } from '../errors.ts';

/** What a committed block says about who comes next; only committed data may be used. */
export type MembershipOutcome = {
  readonly current: Membership;
  /** The set that the ledger computed: stake, board, permission list; absent when none is kept. */
  readonly elected: Membership | undefined;
};

/** The first axis: who takes part. */
export type MembershipPart = {
  readonly name: string;
  /** `closed`: the members of a height are known before it begins, so votes can be counted. */
  readonly openness: 'closed' | 'open';
  /** Refuses a set with which no height could be decided. */
  validate(membership: Membership): Result<undefined, EngineError>;
  /** The members of the height after the block. */
  next(outcome: MembershipOutcome): Membership;
};
