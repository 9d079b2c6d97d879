export type {
  Agreement,
  AgreementDependencies,
  AgreementPart,
  CatchUpAnswer,
  CatchUpRequest,
} from './agreement/part.ts';
export type { PaperLabel } from './agreement/three-phase/labels.ts';
export { PAPER_LABELS } from './agreement/three-phase/labels.ts';
export type {
  AgreementRules,
  Instruments,
  PrevoteQuestion,
} from './agreement/three-phase/rules.ts';
export { PAPER_RULES } from './agreement/three-phase/rules.ts';
export type { ConsensusView, ValidatorView, VoteView } from './agreement/view.ts';
export type { ConsensusEngine } from './engine.ts';
export { combineEngine } from './engine.ts';
export type { CombinationReason, ConsensusFault, EngineError } from './errors.ts';
export { describeEngineError } from './errors.ts';
export type { LeaderPart, Turn } from './leader/part.ts';
export type { MembershipOutcome, MembershipPart } from './membership/part.ts';
export type { CatchUpMessages, ConsensusCodecs } from './messages.ts';
export { consensusCodecsOf } from './messages.ts';
export type { Proposal, SignedProposal } from './proposal.ts';
export { isHeaderProper, proposalClaim, proposalSigningBytes, voteClaim } from './proposal.ts';
export type {
  ConsensusEffect,
  ConsensusEvent,
  ConsensusStart,
  ConsensusState,
  ConsensusTimeout,
  ConsensusTransition,
  TimeoutKind,
  VerifiedCertificate,
  VerifiedProposal,
  VerifiedVote,
} from './types.ts';
export type { VerifiedWalEntry, WalEntry, WalEntryOf } from './wal.ts';
export { verifiedWalEntry, walEntryHeight } from './wal.ts';
