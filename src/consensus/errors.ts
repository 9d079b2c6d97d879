/** Why a combination of the three axes is refused; codes are public and permanent. */
export type EngineError =
  | {
      readonly code: 'part-unknown';
      readonly axis: 'membership' | 'leader' | 'agreement';
      readonly name: string;
      readonly known: readonly string[];
    }
  | {
      readonly code: 'combination-impossible';
      readonly membership: string;
      readonly leader: string;
      readonly agreement: string;
      readonly reason: CombinationReason;
    }
  | { readonly code: 'membership-empty' }
  | { readonly code: 'membership-power-zero'; readonly index: number }
  | { readonly code: 'membership-key-twice'; readonly first: number; readonly second: number }
  | { readonly code: 'timing-impossible'; readonly option: string };

/** Which two parts of a combination do not fit. */
export type CombinationReason =
  /** Votes are counted against a known set; an open membership has none. */
  | 'votes-need-closed-membership'
  /** The proposer of a round must follow from committed data alone. */
  | 'rounds-need-known-leader'
  /** A rotation goes around a known set. */
  | 'rotation-needs-closed-membership';

/** One English sentence for developers and operators. */
export function describeEngineError(error: EngineError): string {
  switch (error.code) {
    case 'part-unknown':
      return `Unknown ${error.axis} '${error.name}'; known: ${error.known.join(', ')}.`;
    case 'combination-impossible':
      return (
        `${error.membership} × ${error.leader} × ${error.agreement} cannot work: ` +
        `${REASONS[error.reason]}.`
      );
    case 'membership-empty':
      return 'A network needs at least one validator.';
    case 'membership-power-zero':
      return `Validator ${error.index} has no power.`;
    case 'membership-key-twice':
      return `Validators ${error.first} and ${error.second} have the same key.`;
    case 'timing-impossible':
      return `The option ${error.option} must be greater than zero.`;
    default: {
      const missing: never = error;
      return missing;
    }
  }
}

const REASONS: { readonly [Reason in CombinationReason]: string } = {
  'votes-need-closed-membership': 'votes are counted against a known set of members',
  'rounds-need-known-leader': 'the proposer of each round must follow from committed data',
  'rotation-needs-closed-membership': 'turns go around a known set of members',
};

/** Why a peer is blamed by consensus; the table of penalties is in `node`. */
export type ConsensusFault =
  /** A proposal whose parts contradict each other: block of another height, or a round that
   *  claims to be valid since a later one. */
  | 'proposal-malformed'
  /** A vote by a member that does not exist. */
  | 'vote-unknown-validator'
  /** A certificate without the power it needs, or for another block. */
  | 'certificate-malformed';
