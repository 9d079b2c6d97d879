import type { Height, Membership, Round } from '../../ledger/index.ts';

/** A turn: an attempt at a height. */
export type Turn = { readonly height: Height; readonly round: Round };

/** The second axis: whose turn it is. */
export type LeaderPart = {
  readonly name: string;
  /**
   * `known`: follows from committed data, so everybody names the same leader beforehand.
   * `claimed`: a leader proves its right in the header's consensus field (work, VRF).
   * `elected`: the members vote for one for a term.
   */
  readonly revelation: 'known' | 'claimed' | 'elected';
  /** Whether turns go around a closed membership. */
  readonly needsClosedMembership: boolean;
  /** Place of the leader in the membership; a part that is not `known` names none. */
  leaderOf(membership: Membership, turn: Turn): number | undefined;
};
