/**
 * Places of Algorithm 1 in "The latest gossip on BFT consensus" (arXiv 1807.04938v3), by the number
 * of the line. Each is cited where it is done, and a test lists those that no run reached.
 */
export const PAPER_LABELS = [
  'L10', // A height begins with round 0.
  'L11', // A round begins.
  'L16', // The leader proposes its valid value again.
  'L18', // The leader asks for a fresh value.
  'L19', // The proposal is broadcast.
  'L21', // The propose timeout is scheduled.
  'L24', // A fresh proposal is prevoted.
  'L26', // A fresh proposal is refused: invalid, untimely, or locked on another.
  'L30', // A justified proposal is prevoted.
  'L32', // A justified proposal is refused.
  'L34', // The prevote timeout is scheduled.
  'L36', // A quorum of prevotes for a known valid block was seen.
  'L38', // It is locked and precommitted.
  'L42', // It becomes the valid value.
  'L44', // A quorum prevoted nil: precommit nil.
  'L47', // The precommit timeout is scheduled.
  'L49', // A quorum of precommits: decided.
  'L53', // The next height starts without lock and votes.
  'L55', // More than 1/3 is in a later round: skip to it.
  'L57', // The propose timeout: prevote nil.
  'L61', // The prevote timeout: precommit nil.
  'L65', // The precommit timeout: next round.
] as const;

/** One of {@link PAPER_LABELS}. */
export type PaperLabel = (typeof PAPER_LABELS)[number];
