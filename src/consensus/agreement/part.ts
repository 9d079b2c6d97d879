import type { Step } from '../../base/index.ts';
import type { ConsensusOptions, Height, Round } from '../../ledger/index.ts';
import type { LeaderPart } from '../leader/part.ts';
import type {
  ConsensusEffect,
  ConsensusEvent,
  ConsensusStart,
  ConsensusState,
  VerifiedProposal,
  VerifiedVote,
} from '../types.ts';
import type { ConsensusView } from './view.ts';

/** Where a peer is that asks for what it missed. */
export type CatchUpRequest = { readonly height: Height; readonly round: Round };

/** What such a peer should get; empty when it is at another height, which is for sync. */
export type CatchUpAnswer = {
  readonly proposals: readonly VerifiedProposal[];
  readonly votes: readonly VerifiedVote[];
};

/** What an agreement is made from. */
export type AgreementDependencies = {
  readonly options: ConsensusOptions;
  readonly leader: LeaderPart;
};

/** A running agreement: events in, effects out. */
export type Agreement = {
  /** The state before anything happened at a height. */
  start(start: ConsensusStart): ConsensusState;
  readonly step: Step<ConsensusState, ConsensusEvent, ConsensusEffect>;
  messagesFor(state: ConsensusState, request: CatchUpRequest): CatchUpAnswer;
  view(state: ConsensusState): ConsensusView;
};

/** The third axis: when a block is decided. */
export type AgreementPart = {
  readonly name: string;
  /** `instant`: a decided block never goes. `depth`: it becomes final under later blocks. */
  readonly finality: 'instant' | 'depth';
  /** Whether it counts votes of known members. */
  readonly needsClosedMembership: boolean;
  /** Whether everybody must know the leader of a round beforehand. */
  readonly needsKnownLeader: boolean;
  create(dependencies: AgreementDependencies): Agreement;
};
