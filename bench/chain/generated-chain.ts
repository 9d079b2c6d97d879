import type { Bytes } from '../../src/base/index.ts';
import { assert, defined, equalBytes, timestampMs } from '../../src/base/index.ts';
import { encode } from '../../src/codec/index.ts';
import type { Hash } from '../../src/crypto/index.ts';
import type {
  CommitCertificate,
  GenesisDocument,
  Header,
  Height,
  Ledger,
  Membership,
} from '../../src/ledger/index.ts';
import { createDevnetGenesis, createLedger, headerCodec } from '../../src/ledger/index.ts';
import { StateTree } from '../../src/state/index.ts';
import { certify } from './executed-chain.ts';
import type { Signer } from './signer.ts';
import { createSigner } from './signer.ts';

export type GeneratedChainOptions = {
  readonly blocks: number;
  /** Members who decide each height, all of power 1. */
  readonly members: number;
  /** Heights from which on one member, the longest there, is replaced by a new one; rising. */
  readonly changes: readonly number[];
  /** Time of the newest block; one a second before. */
  readonly headMs: number;
  /** Root of the state that every header but the first binds. */
  readonly stateRoot: Hash;
};

const BLOCK_MS = 1000;
const HASH_BYTES = 32;
/** Where a header's bytes hold these: version u16 ‖ chain id ‖ height ‖ parent's hash ‖ time. */
const HEIGHT_AT = 2 + HASH_BYTES;
const PARENT_AT = HEIGHT_AT + 8;
const TIME_AT = PARENT_AT + HASH_BYTES;

/**
 * A long chain of empty blocks that is cheap to make: every header is hashed, since each binds its
 * parent, but only the hashes are kept. Headers are made again, and certificates signed by the keys
 * of those who decide, when they are asked for.
 */
export class GeneratedChain {
  readonly ledger: Ledger;
  readonly genesis: GenesisDocument;
  readonly height: Height;
  readonly #options: GeneratedChainOptions;
  readonly #genesisMs: number;
  readonly #genesisHeader: Header;
  readonly #hashes: Uint8Array;
  readonly #certificates = new Map<number, CommitCertificate>();
  /** Everybody who ever decides, in the order of coming. */
  readonly #signers: readonly Signer[];
  readonly #memberships: readonly { readonly membership: Membership; readonly hash: Hash }[];

  constructor(options: GeneratedChainOptions) {
    const { blocks, members, changes, headMs } = options;
    this.#options = options;
    this.#genesisMs = headMs - blocks * BLOCK_MS;
    this.#signers = Array.from({ length: members + changes.length }, (_, at) =>
      createSigner(`generated validator ${at}`),
    );
    const validators = this.#signers.map(({ publicKey }, at) => {
      const name = `validator ${at + 1}`;
      return { publicKey, name, power: 1n };
    });
    this.genesis = createDevnetGenesis({
      name: 'generated',
      timestampMs: timestampMs(this.#genesisMs),
      validators: validators.slice(0, members),
      // No engine has this part; a node of a network whose members are fixed refuses every other.
      ...(changes.length === 0 ? {} : { consensus: { membership: 'changing' } }),
    });
    const created = createLedger(this.genesis);
    assert(created.ok, 'the genesis is good');
    this.ledger = created.value;
    const state = StateTree.empty(this.ledger.suite);
    state.apply(0 as Height, this.ledger.genesis.changes);
    this.#genesisHeader = this.ledger.genesisHeader(state.root());
    this.#memberships = [...changes.keys(), changes.length].map((gone) => {
      const membership = { validators: validators.slice(gone, gone + members) };
      return { membership, hash: this.ledger.membershipHash(membership) };
    });
    this.height = blocks as Height; // A whole number.
    this.#hashes = new Uint8Array((blocks + 1) * HASH_BYTES);
    this.#fill();
  }

  /** Hashes all headers, each from the bytes of the one before with a few of them changed. */
  #fill(): void {
    const { suite } = this.ledger;
    this.#hashes.set(this.ledger.blockHash(this.header(0)), 0);
    let bytes: Bytes | undefined;
    let from = -1;
    for (let height = 1; height <= this.height; height++) {
      // Who proposes, and whom the header names for the next height, change with the membership.
      const era = this.#eraOf(height) + this.#eraOf(height + 1);
      if (bytes === undefined || era !== from) {
        bytes = encode(headerCodec, this.header(height));
        from = era;
      }
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      view.setBigUint64(HEIGHT_AT, BigInt(height), true);
      view.setBigUint64(TIME_AT, BigInt(this.#timeOf(height)), true);
      bytes.set(this.hash(height - 1), PARENT_AT);
      this.#hashes.set(suite.hash('block', bytes), height * HASH_BYTES);
    }
    for (const height of [1, this.height >> 1, this.height]) {
      const expected = this.ledger.blockHash(this.header(height));
      assert(equalBytes(expected, this.hash(height)), 'patched as it would be encoded');
    }
  }

  #timeOf(height: number): number {
    return this.#genesisMs + height * BLOCK_MS;
  }

  /** How many memberships came before the one that decides a height. */
  #eraOf(height: number): number {
    const { changes } = this.#options;
    let low = 0;
    let high = changes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((changes[middle] ?? 0) <= height) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #deciders(height: number) {
    return defined(this.#memberships[this.#eraOf(height)], 'as many as changes, and one');
  }

  /** Heights from which on others decide, rising. */
  get changes(): readonly number[] {
    return this.#options.changes;
  }

  hash(height: number): Hash {
    // Each is the hash of a header.
    return this.#hashes.slice(height * HASH_BYTES, (height + 1) * HASH_BYTES) as Bytes as Hash;
  }

  membershipAt(height: number): Membership {
    return this.#deciders(height).membership;
  }

  /** No transaction is executed, so most members are those of the genesis block. */
  header(height: number): Header {
    if (height === 0) return this.#genesisHeader;
    return {
      ...this.#genesisHeader,
      stateRoot: this.#options.stateRoot,
      height: height as Height, // A whole number.
      parentHash: this.hash(height - 1),
      timestampMs: timestampMs(this.#timeOf(height)),
      proposer: this.#signerOf(height, 0).publicKey,
      nextMembershipHash: this.#deciders(height + 1).hash,
    };
  }

  #signerOf(height: number, place: number): Signer {
    return defined(this.#signers[this.#eraOf(height) + place], 'a signer for each member');
  }

  /** Signed by as many as are needed: more than two thirds. */
  certificate(height: Height): CommitCertificate {
    const known = this.#certificates.get(height);
    if (known !== undefined) return known;
    const count = Math.floor((2 * this.#options.members) / 3) + 1;
    const signers = Array.from({ length: count }, (_, place) => this.#signerOf(height, place));
    const certificate = certify(this.ledger, signers, { height, hash: this.hash(height) });
    this.#certificates.set(height, certificate);
    return certificate;
  }
}
