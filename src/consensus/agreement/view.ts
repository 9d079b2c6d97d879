import type { Bytes } from '../../base/index.ts';
import type { Height, Round } from '../../ledger/index.ts';

/** `none` means that no vote was seen. */
export type VoteView = 'none' | 'nil' | 'block';

export type ValidatorView = {
  readonly index: number;
  readonly name: string;
  readonly publicKey: Bytes;
  readonly power: bigint;
  readonly isProposer: boolean;
  readonly isSelf: boolean;
  readonly prevote: VoteView;
  readonly precommit: VoteView;
};

/** What a person may see of a running agreement; small, and free of blocks. */
export type ConsensusView = {
  readonly height: Height;
  readonly round: Round;
  readonly step: string;
  readonly lockedRound: Round | undefined;
  readonly validRound: Round | undefined;
  readonly hasProposal: boolean;
  /** Power that prevoted and precommitted anything in this round, of `totalPower`. */
  readonly prevotePower: bigint;
  readonly precommitPower: bigint;
  readonly totalPower: bigint;
  readonly validators: readonly ValidatorView[];
};
