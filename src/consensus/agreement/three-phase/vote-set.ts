import { defined, equalBytes } from '../../../base/index.ts';
import type { Hash } from '../../../crypto/index.ts';
import type { Membership } from '../../../ledger/index.ts';
import type { VerifiedVote } from '../../types.ts';

/** Power behind one block, or behind nil. */
export type Tally = { readonly blockHash: Hash | undefined; readonly power: bigint };

/**
 * The votes of one round and kind. `first` holds each member's first vote by its place. A member
 * that voted twice is also kept in `others`, for blocks that more than 1/3 voted for: an honest
 * majority that counted its other vote must be able to convince us.
 */
export type VoteSet = {
  readonly first: readonly (VerifiedVote | undefined)[];
  readonly others: readonly VerifiedVote[];
  /** Members whose two faces were reported. */
  readonly equivocators: readonly number[];
  /** Power of all members that voted anything. */
  readonly power: bigint;
  readonly tallies: readonly Tally[];
};

/** What became of a vote. */
export type VoteAddition =
  | { readonly kind: 'added'; readonly set: VoteSet }
  | { readonly kind: 'known' }
  /** `set` changed when the vote was kept or the member is newly caught. */
  | {
      readonly kind: 'conflicting';
      readonly set: VoteSet;
      readonly earlier: VerifiedVote;
      readonly isNew: boolean;
      readonly isKept: boolean;
    };

export const EMPTY_VOTE_SET: VoteSet = {
  first: [],
  others: [],
  equivocators: [],
  power: 0n,
  tallies: [],
};

/** Whether two votes name the same block, or both name none. */
export function isSameChoice(left: Hash | undefined, right: Hash | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return equalBytes(left, right);
}

/** Power of the votes for a block, or for nil. */
export function powerFor(set: VoteSet, blockHash: Hash | undefined): bigint {
  return set.tallies.find((tally) => isSameChoice(tally.blockHash, blockHash))?.power ?? 0n;
}

/** The block whose power satisfies a condition, if one's does; never nil. */
export function blockWith(set: VoteSet, isEnough: (power: bigint) => boolean): Hash | undefined {
  for (const { blockHash, power } of set.tallies) {
    if (blockHash !== undefined && isEnough(power)) return blockHash;
  }
  return undefined;
}

/**
 * Counts a vote.
 *
 * @param isWanted Whether that much power for a block lets another vote of a caught member in.
 */
export function addVote(
  set: VoteSet,
  vote: VerifiedVote,
  membership: Membership,
  isWanted: (power: bigint) => boolean,
): VoteAddition {
  const { validatorIndex: index, blockHash } = vote.vote;
  const power = defined(membership.validators[index], 'the voter is a member').power;
  const earlier = set.first[index];
  if (earlier === undefined) {
    const first = Array.from(membership.validators, (_, at) => set.first[at]);
    first[index] = vote;
    const tallies = addPower(set.tallies, blockHash, power);
    return { kind: 'added', set: { ...set, first, power: set.power + power, tallies } };
  }
  if (isSameChoice(earlier.vote.blockHash, blockHash)) return { kind: 'known' };
  const isNew = !set.equivocators.includes(index);
  const isHeld = set.others.some(
    (other) => other.vote.validatorIndex === index && isSameChoice(other.vote.blockHash, blockHash),
  );
  const isKept = !isHeld && isWanted(powerFor(set, blockHash));
  if (!isNew && !isKept) return { kind: 'known' };
  const next: VoteSet = {
    ...set,
    equivocators: isNew ? [...set.equivocators, index] : set.equivocators,
    others: isKept ? [...set.others, vote] : set.others,
    tallies: isKept ? addPower(set.tallies, blockHash, power) : set.tallies,
  };
  return { kind: 'conflicting', set: next, earlier, isNew, isKept };
}

/** The set as if a member had never voted. */
export function withoutVoter(set: VoteSet, index: number, membership: Membership): VoteSet {
  let result: VoteSet = { ...EMPTY_VOTE_SET };
  for (const vote of votesOf(set)) {
    if (vote.vote.validatorIndex === index) continue;
    const addition = addVote(result, vote, membership, () => true);
    if (addition.kind !== 'known') result = addition.set;
  }
  return result;
}

/** Every vote kept: first ones by place, then the others in order of arrival. */
export function votesOf(set: VoteSet): readonly VerifiedVote[] {
  return [...set.first.filter((vote) => vote !== undefined), ...set.others];
}

function addPower(
  tallies: readonly Tally[],
  blockHash: Hash | undefined,
  power: bigint,
): readonly Tally[] {
  const at = tallies.findIndex((tally) => isSameChoice(tally.blockHash, blockHash));
  if (at < 0) return [...tallies, { blockHash, power }];
  return tallies.map((tally, place) =>
    place === at ? { blockHash: tally.blockHash, power: tally.power + power } : tally,
  );
}
