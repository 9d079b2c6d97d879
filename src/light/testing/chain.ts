import { timestampMs } from '../../base/index.ts';
import type { Hash, HashSuite, KeyPair } from '../../crypto/index.ts';
import { hashSuite, keyPairOfSecret, signMessage, ZERO_HASH } from '../../crypto/index.ts';
import type {
  CommitCertificate,
  Gas,
  Header,
  Height,
  Membership,
  Round,
  Validator,
} from '../../ledger/index.ts';
import { blockHashOf, membershipHashOf, voteSigningBytes } from '../../ledger/index.ts';
import type { LightAnchor, LightBlock, TrustedBlock } from '../types.ts';

/** Time between two blocks. */
export const BLOCK_MS = 1000;
const GENESIS_MS = 1_700_000_000_000;

const pairs = new Map<number, KeyPair>();

/** The key pair with this number. */
export function keyOf(number: number): KeyPair {
  let pair = pairs.get(number);
  if (pair === undefined) {
    const secret = new Uint8Array(32).fill(7);
    new DataView(secret.buffer).setUint32(0, number);
    pair = keyPairOfSecret('ed25519', secret);
    if (pair === undefined) throw new Error('every secret of 32 bytes is one of Ed25519');
    pairs.set(number, pair);
  }
  return pair;
}

/** Keys by their numbers, each with power 1 unless told otherwise. */
export function membershipOf(keys: readonly number[], power: (key: number) => bigint = () => 1n) {
  const validators = keys.map(
    (key): Validator => ({ publicKey: keyOf(key).publicKey, power: power(key), name: `v${key}` }),
  );
  return { validators } satisfies Membership;
}

/** A certificate in which some keys sign in their places of a membership; false keys may too. */
export function certify(
  { suite, chainId }: LightAnchor,
  at: { readonly height: number; readonly hash: Hash; readonly round?: number },
  members: readonly number[],
  signers: readonly number[],
): CommitCertificate {
  const height = at.height as Height; // Of a header.
  const round = (at.round ?? 0) as Round; // Small.
  const signatures = members.flatMap((key, validatorIndex) => {
    if (!signers.includes(key)) return [];
    const vote = { kind: 'precommit', height, round, blockHash: at.hash, validatorIndex } as const;
    const message = voteSigningBytes(suite, chainId, vote);
    return [{ validatorIndex, signature: signMessage(keyOf(key), message) }];
  });
  return { height, round, blockHash: at.hash, signatures };
}

export type TestChain = {
  readonly anchor: LightAnchor;
  readonly length: number;
  readonly genesis: TrustedBlock;
  /** Time of the last block. */
  readonly endMs: number;
  hashAt(height: number): Hash;
  headerAt(height: number): Header;
  /** Signed when first asked for. */
  blockAt(height: number): LightBlock;
  trustedAt(height: number): TrustedBlock;
  membersAt(height: number): readonly number[];
};

export type TestChainOptions = {
  readonly length: number;
  /** Numbers of the keys that decide a height. */
  readonly membersAt?: (height: number) => readonly number[];
  readonly powerOf?: (key: number) => bigint;
  /** Which of them sign; all unless told otherwise. */
  readonly signersAt?: (height: number, members: readonly number[]) => readonly number[];
  /** From this height on it is another chain than one with another mark. */
  readonly fork?: { readonly from: number; readonly mark: number };
  readonly suite?: HashSuite;
};

/** A chain of real headers, bound to real memberships and signed with real keys. */
export function createTestChain(options: TestChainOptions): TestChain {
  const { length, membersAt = () => [1, 2, 3, 4], powerOf, fork } = options;
  const { signersAt = (_height, members) => members } = options;
  const anchor = { suite: options.suite ?? hashSuite('blake3-256'), chainId: ZERO_HASH };
  const { suite } = anchor;
  const memberships = new Map<string, { membership: Membership; hash: Hash }>();
  const bindAt = (height: number) => {
    const name = membersAt(height).join();
    let bound = memberships.get(name);
    if (bound === undefined) {
      const membership = membershipOf(membersAt(height), powerOf);
      bound = { membership, hash: membershipHashOf(suite, membership) };
      memberships.set(name, bound);
    }
    return bound;
  };
  const headers: Header[] = [];
  const hashes: Hash[] = [];
  for (let height = 0; height <= length; height++) {
    const mark = fork !== undefined && height >= fork.from ? fork.mark : 0;
    const header: Header = {
      version: 1,
      chainId: anchor.chainId,
      height: height as Height, // Counted.
      parentHash: hashes[height - 1] ?? ZERO_HASH,
      timestampMs: timestampMs(GENESIS_MS + height * BLOCK_MS),
      proposer: new Uint8Array(32),
      transactionsRoot: ZERO_HASH,
      receiptsRoot: ZERO_HASH,
      stateRoot: ZERO_HASH,
      nextMembershipHash: bindAt(height + 1).hash,
      gasUsed: 0 as Gas, // Nothing happened.
      consensus: Uint8Array.of(mark),
    };
    headers.push(header);
    hashes.push(blockHashOf(suite, header));
  }
  const headerAt = (height: number) => at(headers, height);
  const hashAt = (height: number) => at(hashes, height);
  const signed = new Map<number, LightBlock>();
  return {
    anchor,
    length,
    endMs: GENESIS_MS + length * BLOCK_MS,
    hashAt,
    headerAt,
    membersAt,
    genesis: {
      header: headerAt(0),
      hash: hashAt(0),
      membership: bindAt(1).membership,
      nextMembership: bindAt(1).membership,
    },
    blockAt(height) {
      let block = signed.get(height);
      if (block !== undefined) return block;
      const members = membersAt(height);
      const { membership, hash } = bindAt(height);
      const next = bindAt(height + 1);
      const place = { height, hash: hashAt(height) };
      block = {
        parent: headerAt(height - 1),
        header: headerAt(height),
        certificate: certify(anchor, place, members, signersAt(height, members)),
        membership,
        nextMembership: next.hash === hash ? undefined : next.membership,
      };
      signed.set(height, block);
      return block;
    },
    trustedAt(height) {
      const { membership } = bindAt(height);
      const nextMembership = bindAt(height + 1).membership;
      return { header: headerAt(height), hash: hashAt(height), membership, nextMembership };
    },
  };
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new Error(`no height ${index}`);
  return item;
}
