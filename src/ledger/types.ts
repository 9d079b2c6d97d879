import type { Brand, Bytes, TimestampMs } from '../base/index.ts';
import { timestampMs } from '../base/index.ts';
import type { Codec, Infer } from '../codec/index.ts';
import {
  bool,
  bytes,
  enumeration,
  familiarBytes,
  fixedBytes,
  option,
  refined,
  struct,
  text,
  u8,
  u16,
  u32,
  u64,
  uint53,
  union,
  vector,
} from '../codec/index.ts';
import type { Hash } from '../crypto/index.ts';
import { hashCodec } from '../crypto/index.ts';
import type { Address } from './address.ts';
import { addressCodec } from './address.ts';
import {
  ACTIONS_PER_TRANSACTION_MAX,
  AUTHENTICATOR_DATA_BYTES_MAX,
  BLOCK_TRANSACTIONS_MAX,
  CLIENT_DATA_BYTES_MAX,
  CREDENTIAL_ID_BYTES_MAX,
  KEYS_PER_ACCOUNT_MAX,
  LABEL_BYTES_MAX,
  LOGS_PER_RECEIPT_MAX,
  MEMO_BYTES_MAX,
  ORIGIN_BYTES_MAX,
  ORIGINS_PER_KEY_MAX,
  VALIDATORS_MAX,
} from './limits.ts';

/** Place in the chain; the genesis block has height 0. */
export type Height = Brand<number, 'Height'>;
/** Attempt at a height; the first is 0. */
export type Round = Brand<number, 'Round'>;
/** Smallest units of an asset, 0 to 2^64 - 1. */
export type Amount = Brand<bigint, 'Amount'>;
/** How many transactions an account has had executed. */
export type Sequence = Brand<number, 'Sequence'>;
/** Units of deterministic work. */
export type Gas = Brand<number, 'Gas'>;

// The codecs' own ranges are exactly what these brands stand for.
export const heightCodec = refined<number, Height>('Height', uint53, { parse: (n) => n as Height });
export const roundCodec = refined<number, Round>('Round', u32, { parse: (n) => n as Round });
export const amountCodec = refined<bigint, Amount>('Amount', u64, { parse: (n) => n as Amount });
export const sequenceCodec = refined<number, Sequence>('Sequence', uint53, {
  parse: (n) => n as Sequence,
});
export const gasCodec = refined<number, Gas>('Gas', uint53, { parse: (n) => n as Gas });
export const timestampCodec = refined<number, TimestampMs>('TimestampMs', uint53, {
  parse: (n) => timestampMs(n),
});

/** Identifies an asset; 32 zero bytes are the native one. */
export type AssetId = Brand<Bytes, 'AssetId'>;
export const assetIdCodec = refined<Bytes, AssetId>('AssetId', fixedBytes(32), {
  parse: (value) => value as AssetId, // Any 32 bytes may name an asset.
});

/* ---------------------------------------------------------------- keys */

/** A compressed SEC1 point (02 or 03 first) of P-256; whether it is on the curve is not said. */
export const p256PublicKeyCodec = refined<Bytes, Bytes>('P256PublicKey', fixedBytes(33), {
  parse: (value) => (value[0] === 2 || value[0] === 3 ? value : undefined),
});
export const ed25519PublicKeyCodec = fixedBytes(32);

/**
 * A public key and what binds it. For WebAuthn: SHA-256 of the relying party id, the origins it
 * may sign on, and whether the person must be verified (PIN or biometrics), not just present.
 */
export const keyCodec = union('Key', {
  'webauthn-p256': struct('WebauthnKey', {
    publicKey: p256PublicKeyCodec,
    rpIdHash: fixedBytes(32),
    origins: vector(text({ max: ORIGIN_BYTES_MAX }), { min: 1, max: ORIGINS_PER_KEY_MAX }),
    mustVerifyUser: bool,
  }),
  p256: struct('P256Key', { publicKey: p256PublicKeyCodec }),
  ed25519: struct('Ed25519Key', { publicKey: ed25519PublicKeyCodec }),
});
export type Key = Infer<typeof keyCodec>;
export type KeyScheme = Key['kind'];

export const keyRoleCodec = enumeration('KeyRole', ['signer', 'recovery', 'session']);
export type KeyRole = Infer<typeof keyRoleCodec>;

/** A key in a policy. `expiresAt`: the last height at which it still counts. */
export const keyRecordCodec = struct('KeyRecord', {
  key: keyCodec,
  role: keyRoleCodec,
  weight: u8,
  expiresAt: option(heightCodec),
});
export type KeyRecord = Infer<typeof keyRecordCodec>;

/** How much weight of keys a class of action needs. */
export const thresholdsCodec = struct('Thresholds', { everyday: u16, guarded: u16, vault: u16 });
export type Thresholds = Infer<typeof thresholdsCodec>;
export type ActionClass = keyof Thresholds;

/** Who may act for an account. The address of an account is the hash of its first policy. */
export const keyPolicyCodec = struct('KeyPolicy', {
  keys: vector(keyRecordCodec, { min: 1, max: KEYS_PER_ACCOUNT_MAX }),
  thresholds: thresholdsCodec,
});
export type KeyPolicy = Infer<typeof keyPolicyCodec>;

export const transportCodec = enumeration('Transport', [
  'usb',
  'nfc',
  'ble',
  'smart-card',
  'hybrid',
  'internal',
]);
export type Transport = Infer<typeof transportCodec>;

/** What a fresh browser needs to ask for a key again; public, and no part of the address. */
export const keyHintCodec = struct('KeyHint', {
  credentialId: bytes({ max: CREDENTIAL_ID_BYTES_MAX }),
  transports: vector(transportCodec, { max: 6 }),
  label: text({ max: LABEL_BYTES_MAX }),
  /** Backup eligibility and state (BE, BS) as last seen; absent before the first assertion. */
  isBackupEligible: option(bool),
  isBackedUp: option(bool),
});
export type KeyHint = Infer<typeof keyHintCodec>;

/* -------------------------------------------------------- transactions */

/**
 * One deed of one module: `kind` is `module.action`, the other members are that action's fields.
 * The wire form is module number u8 ‖ action number u8 ‖ fields; see `action.ts`.
 */
export type Action = { readonly kind: string; readonly [field: string]: unknown };

const p256Signature = fixedBytes(64);

/** A signature by one key, complete enough to be checked without state. */
export const keySignatureCodec = union('KeySignature', {
  'webauthn-p256': struct('WebauthnSignature', {
    publicKey: p256PublicKeyCodec,
    authenticatorData: bytes({ min: 37, max: AUTHENTICATOR_DATA_BYTES_MAX }),
    clientDataJson: bytes({ min: 2, max: CLIENT_DATA_BYTES_MAX }),
    /** Raw r‖s, low S. */
    signature: p256Signature,
  }),
  p256: struct('P256Signature', { publicKey: p256PublicKeyCodec, signature: p256Signature }),
  ed25519: struct('Ed25519Signature', {
    publicKey: ed25519PublicKeyCodec,
    signature: fixedBytes(64),
  }),
});
export type KeySignature = Infer<typeof keySignatureCodec>;

/** Why an account agrees. `initialPolicy` reveals the policy of an account without a record. */
export const authorizationCodec = struct('Authorization', {
  initialPolicy: option(keyPolicyCodec),
  signatures: vector(keySignatureCodec, { min: 1, max: KEYS_PER_ACCOUNT_MAX }),
});
export type Authorization = Infer<typeof authorizationCodec>;

/** Codecs of the types that contain actions. */
export type TransactionCodecs = {
  readonly body: Codec<TransactionBody>;
  readonly transaction: Codec<Transaction>;
  readonly block: Codec<Block>;
};

/** The network that a transaction is for: nearly always the same one. */
const chainIdCodec = refined<Bytes, Hash>('Hash', familiarBytes(32), {
  parse: (value) => value as Hash, // Any 32 bytes may be a digest.
});

/**
 * Codecs of the types that contain actions, made from a registry of modules.
 *
 * @param mark Wraps the codecs of bodies and transactions; whoever decodes can so learn which
 *   bytes they came from. The wrapped codec must read and write alike.
 */
export function transactionCodecs(
  actionCodec: Codec<Action>,
  mark: <Value>(codec: Codec<Value>) => Codec<Value> = (codec) => codec,
): TransactionCodecs {
  const body: Codec<TransactionBody> = mark(
    struct('TransactionBody', {
      version: u16,
      chainId: chainIdCodec,
      sender: addressCodec,
      sequence: sequenceCodec,
      /** First and last height at which the transaction may be executed. */
      validFrom: heightCodec,
      validUntil: heightCodec,
      /** Most that may be charged, in native units. */
      feeMax: amountCodec,
      gasLimit: gasCodec,
      /** Pays the fee instead of the sender, and signs too. */
      sponsor: option(addressCodec),
      actions: vector(actionCodec, { min: 1, max: ACTIONS_PER_TRANSACTION_MAX }),
      memo: text({ max: MEMO_BYTES_MAX }),
    }),
  );
  const transaction: Codec<Transaction> = mark(
    struct('Transaction', {
      body,
      sender: authorizationCodec,
      sponsor: option(authorizationCodec),
    }),
  );
  const block = struct('Block', {
    header: headerCodec,
    transactions: vector(transaction, { max: BLOCK_TRANSACTIONS_MAX }),
  });
  return { body, transaction, block };
}

/** What is signed: everything but the signatures. Its hash is the transaction's id. */
export type TransactionBody = {
  readonly version: number;
  readonly chainId: Hash;
  readonly sender: Address;
  readonly sequence: Sequence;
  readonly validFrom: Height;
  readonly validUntil: Height;
  readonly feeMax: Amount;
  readonly gasLimit: Gas;
  readonly sponsor: Address | undefined;
  readonly actions: readonly Action[];
  readonly memo: string;
};

/** A body and the authorisations of its sender and, if named, its sponsor. */
export type Transaction = {
  readonly body: TransactionBody;
  readonly sender: Authorization;
  readonly sponsor: Authorization | undefined;
};

/* ------------------------------------------------------------ receipts */

/** Something that happened, for indexes and people: `kind` is `module.event`. */
export const logCodec = struct('Log', {
  kind: text({ max: 48 }),
  /** Accounts concerned, for history. */
  accounts: vector(addressCodec, { max: 8 }),
  /** Canonical bytes of the event's own fields; the module knows its schema. */
  data: bytes({ max: 1024 }),
});
export type Log = Infer<typeof logCodec>;

/** The result of executing one transaction. A failure was charged, and changed nothing else. */
export const receiptCodec = struct('Receipt', {
  transactionId: hashCodec,
  outcome: union('Outcome', {
    succeeded: struct('Succeeded', {}),
    failed: struct('Failed', { code: text({ max: 64 }), actionIndex: u8 }),
  }),
  gasUsed: gasCodec,
  feeCharged: amountCodec,
  payer: addressCodec,
  logs: vector(logCodec, { max: LOGS_PER_RECEIPT_MAX }),
});
export type Receipt = Infer<typeof receiptCodec>;

/* -------------------------------------------------------------- blocks */

/** A member who votes. */
export const validatorCodec = struct('Validator', {
  publicKey: ed25519PublicKeyCodec,
  power: u64,
  name: text({ max: LABEL_BYTES_MAX }),
});
export type Validator = Infer<typeof validatorCodec>;

/** Who votes at a height; order is part of it, and signatures name members by place. */
export const membershipCodec = struct('Membership', {
  validators: vector(validatorCodec, { min: 1, max: VALIDATORS_MAX }),
});
export type Membership = Infer<typeof membershipCodec>;

export const headerCodec = struct('Header', {
  version: u16,
  chainId: hashCodec,
  height: heightCodec,
  parentHash: hashCodec,
  timestampMs: timestampCodec,
  /** Public key of the proposer; 32 zero bytes in the genesis block. */
  proposer: fixedBytes(32),
  transactionsRoot: hashCodec,
  receiptsRoot: hashCodec,
  stateRoot: hashCodec,
  /** Hash of the membership that decides the next height. */
  nextMembershipHash: hashCodec,
  gasUsed: gasCodec,
  /** Free for the engine: proof of slot, difficulty and the like. */
  consensus: bytes({ max: 512 }),
});
export type Header = Infer<typeof headerCodec>;

export type Block = { readonly header: Header; readonly transactions: readonly Transaction[] };

export const voteKindCodec = enumeration('VoteKind', ['prevote', 'precommit']);
export type VoteKind = Infer<typeof voteKindCodec>;

/** A ballot; an absent `blockHash` is a vote for nil. */
export const voteCodec = struct('Vote', {
  kind: voteKindCodec,
  height: heightCodec,
  round: roundCodec,
  blockHash: option(hashCodec),
  /** Place of the voter in the membership of that height. */
  validatorIndex: u16,
});
export type Vote = Infer<typeof voteCodec>;

export const signedVoteCodec = struct('SignedVote', { vote: voteCodec, signature: fixedBytes(64) });
export type SignedVote = Infer<typeof signedVoteCodec>;

/** Precommits of more than 2/3 of the power for one block: proof that it is final. */
export const commitCertificateCodec = struct('CommitCertificate', {
  height: heightCodec,
  round: roundCodec,
  blockHash: hashCodec,
  signatures: vector(
    struct('CommitSignature', { validatorIndex: u16, signature: fixedBytes(64) }),
    { max: VALIDATORS_MAX },
  ),
});
export type CommitCertificate = Infer<typeof commitCertificateCodec>;

/** Two different signed votes of one member for one height, round and kind. */
export const evidenceCodec = struct('Evidence', {
  first: signedVoteCodec,
  second: signedVoteCodec,
});
export type Evidence = Infer<typeof evidenceCodec>;

/* ------------------------------------------------------------- genesis */

/** Names one part on each of the three axes, and their timing; see docs/protocol.md. */
export const consensusOptionsCodec = struct('ConsensusOptions', {
  membership: text({ max: 24 }),
  leader: text({ max: 24 }),
  agreement: text({ max: 24 }),
  proposeTimeoutMs: u32,
  prevoteTimeoutMs: u32,
  precommitTimeoutMs: u32,
  /** Added to each timeout per round. */
  timeoutDeltaMs: u32,
  /** An empty block is proposed when nothing happened for this long. */
  heartbeatMs: u32,
  blockBytesMax: u32,
  blockTransactionsMax: u32,
});
export type ConsensusOptions = Infer<typeof consensusOptionsCodec>;

/** A block, why it is final, and what it did: the unit of storage and sync. */
export type CommittedBlock = {
  readonly block: Block;
  /** Absent for the genesis block only. */
  readonly certificate: CommitCertificate | undefined;
  readonly receipts: readonly Receipt[];
};
