import type { Brand, Bytes } from '../base/index.ts';

/** A digest of 32 bytes. */
export type Hash = Brand<Bytes, 'Hash'>;

/** Names of the hash suites that a genesis may choose. */
export type HashSuiteName = 'blake3-256' | 'sha2-256';

/** What a hash is about; prefixed to the input so that no digest serves two purposes. */
export type HashTag =
  | 'genesis'
  | 'address'
  | 'transaction'
  | 'sign-transaction'
  | 'signed-transaction'
  | 'transaction-leaf'
  | 'receipt-leaf'
  | 'merkle-branch'
  | 'block'
  | 'membership'
  | 'sign-vote'
  | 'sign-proposal'
  | 'state-path'
  | 'state-leaf'
  | 'state-value'
  | 'state-branch'
  | 'state-empty'
  | 'asset'
  | 'key'
  | 'journal';

/** Memory that hashes are read from and written to: the same bytes, also as words. */
export type HashBuffer = {
  readonly bytes: Bytes;
  readonly words: Int32Array;
};

/**
 * Digests many inputs under one tag, some of them together where the engine can. An input is
 * copied when it is added; its digest is written by the next `flush` at the latest. Whoever adds
 * flushes before anybody else adds, or finds what is left flushed by them.
 */
export type HashBatch = {
  /** Bytes [from, to) of the source; the digest goes to byte `at` of the target, a multiple of 4. */
  readonly add: (
    source: Uint8Array,
    from: number,
    to: number,
    target: HashBuffer,
    at: number,
  ) => void;
  /** As `add`, of a source that is read by words where `from` is a multiple of 4, plus `skew`. */
  readonly addWords: (
    source: HashBuffer,
    from: number,
    to: number,
    target: HashBuffer,
    at: number,
  ) => void;
  readonly flush: () => void;
};

/**
 * The hash function of a network. `hash` digests length(tag) ‖ tag ‖ parts; parts are joined as
 * they are, so a caller with several variable parts encodes them first.
 */
export interface HashSuite {
  readonly name: HashSuiteName;
  hash(tag: HashTag, ...parts: readonly Uint8Array[]): Hash;
  /**
   * Writes `hash(tag, bytes [from, to) of source)` to `at` of `target`, without an object made on
   * the way: a state tree does this ten thousands of times a block.
   */
  hashInto(
    tag: HashTag,
    source: Uint8Array,
    from: number,
    to: number,
    target: Uint8Array,
    at: number,
  ): void;
  /**
   * The batch of a tag; one for all callers, who agree on `skew`, the remainder by 4 of where
   * their inputs begin.
   */
  batch(tag: HashTag, skew?: number): HashBatch;
}

/** The two equations that decide whether a signature holds; WebAuthn keys use `p256`. */
export type SignatureAlgorithm = 'p256' | 'ed25519';

/**
 * One signature to check, complete in itself: no state is needed.
 *
 * p256: ECDSA over SHA-256 of `message`, key 33 bytes compressed, signature raw r‖s with low S.
 * ed25519: the strict rule of docs/protocol.md, key 32 bytes, signature 64 bytes.
 */
export type SignatureClaim = {
  readonly algorithm: SignatureAlgorithm;
  readonly publicKey: Bytes;
  readonly message: Bytes;
  readonly signature: Bytes;
};

/** A value whose every signature was checked. Only this room mints it. */
export type Verified<Value> = Brand<Value, 'Verified'>;
