import { equalBytes } from '../base/index.ts';
import type { ConsensusEngine, ConsensusEvent, VerifiedProposal } from '../consensus/index.ts';
import type { CommitCertificate, Membership } from '../ledger/index.ts';
import { bindsBody } from './blocks.ts';
import { signerOf } from './minting.ts';

/** What is checked before a machine meets a message; a mutant leaves one of them out. */
export type DoorRules = {
  readonly checksVoteSigner: boolean;
  /** A proposal is signed by the leader of its round. */
  readonly checksLeader: boolean;
  /** A fresh block names that leader as its maker. */
  readonly checksMaker: boolean;
  /** A header signs for its body, and the body travels beside it. */
  readonly checksBody: boolean;
  readonly checksDecidedBody: boolean;
  readonly checksCertificateSigners: boolean;
};

export const DOOR_RULES: DoorRules = {
  checksVoteSigner: true,
  checksLeader: true,
  checksMaker: true,
  checksBody: true,
  checksDecidedBody: true,
  checksCertificateSigners: true,
};

type Door = {
  readonly rules: DoorRules;
  readonly engine: ConsensusEngine;
  readonly membership: Membership;
};

/** Whether a message of a peer comes in: the checks of `node`'s consensus driver, in its order. */
export function admits(door: Door, event: ConsensusEvent): boolean {
  switch (event.kind) {
    case 'vote-received': {
      const { vote, signature } = event.vote;
      return !door.rules.checksVoteSigner || signerOf(signature) === vote.validatorIndex;
    }
    case 'proposal-received':
      return admitsProposal(door, event.proposal);
    case 'decision-received':
      if (door.rules.checksDecidedBody && !bindsBody(event.block)) return false;
      return !door.rules.checksCertificateSigners || isGenuine(event.certificate);
    default:
      return true;
  }
}

function admitsProposal(door: Door, { proposal, signature }: VerifiedProposal): boolean {
  const { rules, engine, membership } = door;
  const { height, round, validRound, block } = proposal;
  const leader = engine.leaderOf(membership, { height, round });
  if (rules.checksLeader && signerOf(signature) !== leader) return false;
  if (rules.checksBody && !bindsBody(block)) return false;
  const { validators } = membership;
  const makers = validators.filter((_, index) => validRound !== undefined || index === leader);
  const isProper = makers.some(({ publicKey }) => equalBytes(publicKey, block.header.proposer));
  return isProper || !rules.checksMaker;
}

function isGenuine({ signatures }: CommitCertificate): boolean {
  return signatures.every((each) => signerOf(each.signature) === each.validatorIndex);
}
