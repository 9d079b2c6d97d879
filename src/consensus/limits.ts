/**
 * Bounds on what others can make this room remember. Each line: the bound, what is evicted, and
 * the worst an attacker gains. All memory is dropped when the height advances.
 */

/**
 * Rounds beyond the current one in which one validator's votes are kept; its lowest is evicted.
 * Worst: a validator's own early votes are forgotten, and asked for again when they matter.
 */
export const FUTURE_ROUNDS_PER_VALIDATOR_MAX = 2;

/**
 * Rounds beyond the current one for which a proposal is kept; others are dropped. Worst: after a
 * jump of several rounds the proposal must be asked for, which the jump itself does.
 */
export const PROPOSAL_ROUNDS_AHEAD_MAX = 2;

/**
 * Proposals of one round: the first, and others only once more than 1/3 of the power voted for
 * them. Worst: a proposer that signs many blocks makes us hold the first and those that honest
 * members asked for.
 */
export const PROPOSALS_PER_ROUND_MAX = 4;

/**
 * Rounds before the current one whose votes are kept, besides those of the lock and of the valid
 * value; the oldest are evicted. Losing them is losing messages: never unsafe.
 */
export const PAST_ROUNDS_MAX = 64;

/**
 * Rounds before the current one whose proposals (blocks, the heavy part) are kept, besides those
 * of the lock, of the valid value and of a quorum of precommits.
 */
export const PAST_PROPOSAL_ROUNDS_MAX = 4;

/** Votes of one validator kept for the next height while this one is being decided. */
export const NEXT_HEIGHT_VOTES_PER_VALIDATOR_MAX = 4;

/** Proposals kept for the next height: of rounds below this number, one a round. */
export const NEXT_HEIGHT_PROPOSAL_ROUNDS_MAX = 2;

/** Votes in one answer to a peer that catches up within a height. */
export const CATCH_UP_VOTES_MAX = 4096;

/** Proposals in one answer to a peer that catches up within a height. */
export const CATCH_UP_PROPOSALS_MAX = 4;

/** Rules that may fire on one event; beyond it the rules chase each other, which is a bug. */
export const RULES_PER_EVENT_MAX = 256;
