import type { Json } from '../../base/index.ts';
import { defined, encodeUtf8, formatHex, timestampMs } from '../../base/index.ts';
import type { Hash } from '../../crypto/index.ts';
import { hashSuite, keyPairOfSecret, sha256, ZERO_HASH } from '../../crypto/index.ts';
import type {
  CommitCertificate,
  Gas,
  Header,
  Height,
  Membership,
  Round,
} from '../../ledger/index.ts';
import {
  blockHashOf,
  membershipHashOf,
  PROTOCOL_VERSION,
  VALIDATORS_MAX,
  voteSigningBytes,
} from '../../ledger/index.ts';
import type { LightAnchor, LightBlock, TrustedBlock } from '../../light/index.ts';
import { nativeSigner } from '../native-signer.ts';
import type { Era, TendermintBlock, TendermintValidator } from './tendermint.ts';
import {
  addressOf,
  isAddress,
  isSigned,
  member,
  readBlock,
  readValidators,
  Unreadable,
  validatorsHash,
} from './tendermint.ts';

/** A block of Tendermint with both of its sets of validators. */
export type Foreign = {
  readonly block: TendermintBlock;
  readonly validators: readonly TendermintValidator[];
  readonly nextValidators: readonly TendermintValidator[];
};

/**
 * Says in our types what blocks of Tendermint say. Each hash is computed anew from what it covers,
 * and each signature verified: what holds there is signed here with a key of ours that stands for
 * the validator's, what does not hold becomes a hash or signature that does not hold either. Their
 * headers name their own validators, ours are named by the parent: where no parent that does so is
 * at hand, one is made that names them.
 */
export type Adapter = {
  readonly era: Era;
  readonly anchor: LightAnchor;
  /** Reads a block and its sets, and makes those known: their hashes stand for them. */
  read(json: Json): Foreign;
  /** As `read`, of a set alone. */
  learn(validators: readonly TendermintValidator[]): void;
  /** @param parent What the block follows, if it is at hand. */
  lightBlock(foreign: Foreign, parent: Foreign | undefined): LightBlock;
  trusted(foreign: Foreign, parent: Foreign | undefined): TrustedBlock;
};

/** Room for a parent before the first instant, since their times may begin with 1970. */
export const EARLIER_MS = 1_000_000;

/**
 * @param isBelieved Takes a case at its word: the sets shown are those of its headers, its block
 *   ids are right, its signatures hold. For the one case whose own data contradict each other.
 */
export function createAdapter(era: Era, chainId: string, isBelieved = false): Adapter {
  const suite = hashSuite('sha2-256');
  const named = (...words: readonly string[]): Hash =>
    // Any hash of its own; ours are of 32 bytes too.
    sha256(encodeUtf8(JSON.stringify(words))) as Hash;
  const anchor = { suite, chainId: named('chain', chainId) };
  const signers = new Map<string, ReturnType<typeof nativeSigner>>();
  const signerOf = ({ publicKey }: TendermintValidator) => {
    const name = formatHex(publicKey);
    let signer = signers.get(name);
    if (signer === undefined) {
      const pair = keyPairOfSecret('ed25519', named('key', name));
      signer = nativeSigner(defined(pair, 'every secret is one of Ed25519'));
      signers.set(name, signer);
    }
    return signer;
  };
  const membershipOf = (validators: readonly TendermintValidator[]): Membership => {
    if (validators.length > VALIDATORS_MAX) throw new Unreadable('too many validators');
    const members = validators.map((each) => ({
      publicKey: signerOf(each).publicKey,
      power: each.power,
      name: '',
    }));
    // Ours have a member: one whose key nobody has can decide as little as no member.
    const nobody = { publicKey: named('nobody'), power: 1n, name: '' };
    return { validators: members.length === 0 ? [nobody] : members };
  };
  /** Our hash of a membership, by their hash of the same. */
  const hashes = new Map<string, Hash>();
  const headers = new Map<string, Header>();
  const bindOf = (theirs: string) => hashes.get(theirs) ?? named('unknown validators', theirs);

  const headerOf = ({ block }: Foreign, parent: Header): Header => ({
    version: PROTOCOL_VERSION,
    chainId: named('chain', block.chainId),
    height: block.height as Height, // A whole number.
    parentHash: blockHashOf(suite, parent),
    timestampMs: timestampMs(block.timeMs + EARLIER_MS),
    proposer: new Uint8Array(32),
    transactionsRoot: ZERO_HASH,
    receiptsRoot: ZERO_HASH,
    // Binds all that theirs bind.
    stateRoot: named('block', block.hash),
    nextMembershipHash: bindOf(block.nextValidatorsHash),
    gasUsed: 0 as Gas, // Nothing of the kind.
    consensus: new Uint8Array(0),
  });
  const parentOf = (foreign: Foreign, parent: Foreign | undefined): Header => {
    const { block } = foreign;
    const isIt =
      parent?.block.height === block.height - 1 &&
      parent.block.nextValidatorsHash === block.validatorsHash &&
      (block.parentHash === undefined || parent.block.hash === block.parentHash);
    const known = isIt ? headers.get(parent.block.hash) : undefined;
    if (known !== undefined) return known;
    if (block.height === 0) throw new Unreadable('height 0');
    return {
      ...headerOf(foreign, { ...EMPTY, height: 0 as Height }),
      height: (block.height - 1) as Height, // At least 0.
      parentHash: named('parent of', block.hash),
      timestampMs: timestampMs(block.timeMs + EARLIER_MS - 1),
      stateRoot: named('parent', block.parentHash ?? ''),
      nextMembershipHash: bindOf(block.validatorsHash),
    };
  };
  const headersOf = (foreign: Foreign, parent: Foreign | undefined) => {
    const before = parentOf(foreign, parent);
    const header = headers.get(foreign.block.hash) ?? headerOf(foreign, before);
    return { parent: before, header };
  };
  const certificateOf = ({ block, validators }: Foreign, header: Header): CommitCertificate => {
    const { commit } = block;
    const isIts = commit.blockHash === block.hash;
    const place = {
      height: commit.height as Height, // A whole number.
      round: commit.round as Round, // A whole number.
      blockHash: isIts ? blockHashOf(suite, header) : named('other block', commit.blockHash),
    };
    const signatures = commit.votes.flatMap((vote) => {
      if (vote.flag === 'absent') return [];
      const isVoter = (each: TendermintValidator) =>
        isAddress(each.address, vote.address) && isAddress(addressOf(each), vote.address);
      const at = validators.findIndex(isVoter);
      const validator = validators[at];
      // A place that no membership has.
      if (validator === undefined) {
        return [{ validatorIndex: VALIDATORS_MAX, signature: new Uint8Array(64) }];
      }
      const isTrue = isBelieved || isSigned(block, vote, validator.publicKey);
      if (vote.flag === 'nil' && isTrue) return [];
      const ours = { kind: 'precommit', ...place, validatorIndex: at } as const;
      const signature = isTrue
        ? signerOf(validator).sign(voteSigningBytes(suite, anchor.chainId, ours))
        : new Uint8Array(64);
      return [{ validatorIndex: at, signature }];
    });
    // Addresses name their signers, so that their order means nothing there.
    const inOrder = signatures.toSorted((one, two) => one.validatorIndex - two.validatorIndex);
    return { ...place, signatures: inOrder };
  };
  const learn = (validators: readonly TendermintValidator[]) => {
    const membership = membershipOf(validators);
    hashes.set(validatorsHash(era, validators), membershipHashOf(suite, membership));
  };
  return {
    era,
    anchor,
    learn,
    read(json) {
      const validators = readValidators(member(json, 'validator_set'));
      const nextValidators = readValidators(member(json, 'next_validator_set'));
      learn(validators);
      learn(nextValidators);
      const block = readBlock(era, member(json, 'signed_header'));
      if (!isBelieved) return { block, validators, nextValidators };
      const believed = {
        ...block,
        hash: block.commit.blockHash,
        validatorsHash: validatorsHash(era, validators),
        nextValidatorsHash: validatorsHash(era, nextValidators),
      };
      return { block: believed, validators, nextValidators };
    },
    lightBlock(foreign, parent) {
      const { parent: before, header } = headersOf(foreign, parent);
      return {
        parent: before,
        header,
        certificate: certificateOf(foreign, header),
        membership: membershipOf(foreign.validators),
        nextMembership: membershipOf(foreign.nextValidators),
      };
    },
    trusted(foreign, parent) {
      const { header } = headersOf(foreign, parent);
      headers.set(foreign.block.hash, header);
      return {
        header,
        hash: blockHashOf(suite, header),
        membership: membershipOf(foreign.validators),
        nextMembership: membershipOf(foreign.nextValidators),
      };
    },
  };
}

const EMPTY: Header = {
  version: PROTOCOL_VERSION,
  chainId: ZERO_HASH,
  height: 0 as Height, // By definition.
  parentHash: ZERO_HASH,
  timestampMs: timestampMs(0),
  proposer: new Uint8Array(32),
  transactionsRoot: ZERO_HASH,
  receiptsRoot: ZERO_HASH,
  stateRoot: ZERO_HASH,
  nextMembershipHash: ZERO_HASH,
  gasUsed: 0 as Gas, // Nothing of the kind.
  consensus: new Uint8Array(0),
};
