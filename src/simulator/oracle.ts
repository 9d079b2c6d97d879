import type { Bytes } from '../base/index.ts';
import { equalBytes, formatHex } from '../base/index.ts';
import type { ConsensusEngine } from '../consensus/index.ts';
import type { Hash } from '../crypto/index.ts';
import type {
  Block,
  CommitCertificate,
  Evidence,
  Height,
  Membership,
  Round,
  Vote,
} from '../ledger/index.ts';
import { certifies, checkCertificatePower } from '../ledger/index.ts';
import type { HashedBlock } from './blocks.ts';
import { isValidBlock } from './blocks.ts';
import { mintCertificate } from './minting.ts';
import type { Role } from './scenario.ts';
import { Violation } from './violation.ts';

/** A block as a node committed it. */
export type Committed = HashedBlock & { readonly certificate: CommitCertificate };

/** Sees everything that leaves a node, and judges it. */
export type Oracle = {
  /** A vote left its voter, by whatever way. */
  voteLeft(vote: Vote): void;
  /** A proposal left its leader. */
  proposalLeft(facts: ProposalFacts): void;
  /** A node made a block. */
  made(node: number, blockHash: Hash): void;
  committed(node: number, block: Committed, parentHash: Hash): void;
  accused(evidence: Evidence): void;
  /** A light client trusts a block. */
  lightTrusted(height: number, hash: Hash): void;
  /** The votes for a block that left their voters in one round, if there are any. */
  votesFor(height: Height, blockHash: Hash): CommitCertificate | undefined;
};

export type ProposalFacts = {
  readonly leader: number;
  readonly height: number;
  readonly round: number;
  readonly validRound: number | undefined;
  readonly blockHash: Hash;
};

/** Rounds in which a lost block may have got its votes. */
const ROUNDS_LOOKED_AT = 8;

const shortHash = (hash: Hash | undefined) =>
  hash === undefined ? 'nil' : formatHex(hash.subarray(0, 8));

/** The judge of one run. */
export function createOracle(
  engine: Pick<ConsensusEngine, 'leaderOf'>,
  membership: Membership,
  roles: readonly Role[],
): Oracle {
  /** What each vote slot held when it first left; every choice of dishonest voters. */
  const votes = new Map<string, string[]>();
  const proposals = new Map<string, string>();
  const decided = new Map<number, Hash>();
  /** What light clients trust, maybe before a node commits it. */
  const believed = new Map<number, Hash>();
  const makers = new Map<string, number>();
  const isHonest = (index: number) => roles[index] === 'honest';
  const slotOf = ({ height, round, kind, validatorIndex }: Omit<Vote, 'blockHash'>) =>
    `${height}/${round}/${kind}/${validatorIndex}`;
  // An honest member made each block in its name; a traitor had a turn to propose its own.
  const isOfItsMaker = ({ header }: Block, blockHash: Hash, decidedIn: Round) => {
    const isNamed = (key: Bytes) => equalBytes(key, header.proposer);
    const maker = membership.validators.findIndex(({ publicKey }) => isNamed(publicKey));
    if (isHonest(maker)) return makers.get(formatHex(blockHash)) === maker;
    for (let round = 0; round <= decidedIn; round++) {
      const turn = { height: header.height, round: round as Round }; // At most a round.
      if (engine.leaderOf(membership, turn) === maker) return true;
    }
    return false;
  };
  const compare = (height: number) => {
    const [trusted, committed] = [believed.get(height), decided.get(height)];
    if (trusted === undefined || committed === undefined) return;
    if (equalBytes(trusted, committed)) return;
    const both = `${shortHash(trusted)}, committed ${shortHash(committed)}`;
    throw new Violation('light-client-disagrees', `height ${height}: ${both}`);
  };
  return {
    voteLeft(vote) {
      const slot = slotOf(vote);
      const choice = shortHash(vote.blockHash);
      const choices = votes.get(slot);
      if (choices === undefined) votes.set(slot, [choice]);
      else if (!choices.includes(choice)) {
        if (isHonest(vote.validatorIndex)) {
          throw new Violation('honest-equivocation', `${slot}: ${choices[0]} then ${choice}`);
        }
        choices.push(choice);
      }
    },
    proposalLeft({ leader, height, round, validRound, blockHash }) {
      if (!isHonest(leader)) return;
      const slot = `${height}/${round}`;
      const choice = `${shortHash(blockHash)} valid since ${validRound}`;
      const earlier = proposals.get(slot);
      if (earlier !== undefined && earlier !== choice) {
        throw new Violation('honest-equivocation', `proposal ${slot}: ${earlier} then ${choice}`);
      }
      proposals.set(slot, choice);
    },
    made(node, blockHash) {
      makers.set(formatHex(blockHash), node);
    },
    committed(node, { block, blockHash, certificate }, parentHash) {
      const { height } = block.header;
      const name = `node ${node} at height ${height}`;
      const other = decided.get(height);
      if (other !== undefined && !equalBytes(other, blockHash)) {
        throw new Violation(
          'agreement',
          `${name}: ${shortHash(blockHash)}, others ${shortHash(other)}`,
        );
      }
      decided.set(height, blockHash);
      compare(height);
      if (!isValidBlock(block, parentHash)) throw new Violation('validity', name);
      if (!isOfItsMaker(block, blockHash, certificate.round)) {
        throw new Violation('validity', `${name}: of another maker`);
      }
      const power = checkCertificatePower(membership, certificate);
      if (!power.ok) throw new Violation('certificate', `${name}: ${power.error.code}`);
      if (!certifies(certificate, { hash: blockHash, height })) {
        throw new Violation('certificate', `${name}: of another block`);
      }
      for (const { validatorIndex } of certificate.signatures) {
        const { round } = certificate;
        const slot = slotOf({ kind: 'precommit', height, round, validatorIndex });
        if (votes.get(slot)?.includes(shortHash(blockHash)) !== true) {
          throw new Violation('certificate', `${name}: ${slot} never left for this block`);
        }
      }
    },
    lightTrusted(height, hash) {
      const other = believed.get(height);
      believed.set(height, hash);
      if (other !== undefined && !equalBytes(other, hash)) {
        const both = `${shortHash(other)} then ${shortHash(hash)}`;
        throw new Violation('light-client-disagrees', `height ${height}: ${both}`);
      }
      compare(height);
    },
    votesFor(height, blockHash) {
      const choice = shortHash(blockHash);
      for (let round = ROUNDS_LOOKED_AT - 1; round >= 0; round--) {
        const places = membership.validators.flatMap((_, validatorIndex) => {
          const kind = 'precommit' as const;
          const slot = slotOf({ kind, height, round: round as Round, validatorIndex }); // Small.
          return votes.get(slot)?.includes(choice) === true ? [validatorIndex] : [];
        });
        const place = { height, round: round as Round, blockHash }; // Small.
        if (places.length > 0) return mintCertificate(place, places, (member) => member);
      }
      return undefined;
    },
    accused({ first, second }) {
      const { vote } = first;
      const isSlotSame = slotOf(vote) === slotOf(second.vote);
      if (isHonest(vote.validatorIndex) || !isSlotSame) {
        throw new Violation('honest-accused', slotOf(vote));
      }
    },
  };
}
