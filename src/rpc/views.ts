import type { Infer } from '../codec/index.ts';
import {
  bytes,
  enumeration,
  fixedBytes,
  option,
  struct,
  text,
  u8,
  u16,
  u32,
  uint53,
  union,
  vector,
} from '../codec/index.ts';
import { hashCodec } from '../crypto/index.ts';
import {
  addressCodec,
  amountCodec,
  assetIdCodec,
  commitCertificateCodec,
  gasCodec,
  headerCodec,
  heightCodec,
  keyHintCodec,
  keyPolicyCodec,
  keyRecordCodec,
  logCodec,
  membershipCodec,
  sequenceCodec,
  timestampCodec,
} from '../ledger/index.ts';
import { jsonCodec } from './json.ts';
import { ASSETS_PER_PAGE_MAX, MULTIADDR_BYTES_MAX, PROOF_BYTES_MAX } from './limits.ts';

/**
 * How far an answer may be believed, weakest first.
 *
 * `cached`: known from before, and nobody says now that it is the newest. `reported`: one peer or
 * server says so. `proven`: a Merkle proof under a finality certificate was checked. `validated`:
 * this very node executed the newest blocks, on genesis or on a state proven to it, and stands
 * where several peers do or decides itself.
 */
export const trustCodec = enumeration('Trust', ['cached', 'reported', 'proven', 'validated']);
export type Trust = Infer<typeof trustCodec>;

export const words = (max: number) => text({ max });
export const multiaddr = words(MULTIADDR_BYTES_MAX);
/** A validator's Ed25519 key; 32 zero bytes propose the genesis block. */
export const publicKeyCodec = fixedBytes(32);

/** A failure as it travels in answers. */
export const errorViewCodec = struct('ErrorView', {
  code: words(64),
  facts: jsonCodec,
  message: words(1024),
});
export type ErrorView = Infer<typeof errorViewCodec>;

/** What a wallet shows beside an amount; `amount` counts smallest units. */
export const assetBalanceCodec = struct('AssetBalance', {
  asset: assetIdCodec,
  amount: amountCodec,
  symbol: words(16),
  name: words(64),
  decimals: u8,
});
export type AssetBalance = Infer<typeof assetBalanceCodec>;

/* ---------------------------------------------------------------- chain */

export const chainInfoCodec = struct('ChainInfo', {
  name: words(64),
  chainId: hashCodec,
  protocolVersion: u16,
  hashSuite: words(24),
  native: struct('NativeAsset', { symbol: words(16), name: words(64), decimals: u8 }),
  /** Whether a header binds its own results (`state`) or its parent's (`event`). */
  execution: enumeration('Execution', ['state', 'event']),
  consensus: struct('ConsensusNames', {
    membership: words(24),
    leader: words(24),
    agreement: words(24),
  }),
  /** Present on networks that give test coins. */
  faucet: option(struct('FaucetInfo', { amount: amountCodec })),
  genesisTimestampMs: timestampCodec,
  genesisHash: hashCodec,
  /** Multiaddrs that a fresh node may dial. */
  relays: vector(multiaddr, { max: 64 }),
  /**
   * Multiaddrs that this node would dial: those, added ones, what peers told. Told to the
   * node's own people alone.
   */
  knownRelays: option(vector(multiaddr, { max: 64 })),
});
export type ChainInfo = Infer<typeof chainInfoCodec>;

/* --------------------------------------------------------- transactions */

/** Words for progress: Seen, Included, Final, or Failed / Expired. */
export const transactionStageCodec = enumeration('TransactionStage', [
  'unknown',
  'seen',
  'included',
  'final',
  'failed',
  'expired',
]);
export type TransactionStage = Infer<typeof transactionStageCodec>;

export const transactionStatusCodec = struct('TransactionStatus', {
  id: hashCodec,
  stage: transactionStageCodec,
  /** Where it stands in the chain, once included. */
  height: option(heightCodec),
  index: option(u32),
  /** When this node first met it; absent when it came inside a block. */
  seenAtMs: option(timestampCodec),
  /** Timestamp of its block. */
  includedAtMs: option(timestampCodec),
  /** When this node held the certificate. */
  finalAtMs: option(timestampCodec),
  /** Last height at which it may still be executed. */
  validUntil: option(heightCodec),
  /** Why it `failed` (receipt code), or was dropped before inclusion. */
  code: option(words(64)),
  /** Which of its actions failed. */
  actionIndex: option(u8),
  trust: trustCodec,
});
export type TransactionStatus = Infer<typeof transactionStatusCodec>;

export const outcomeCodec = union('ExecutionOutcome', {
  succeeded: struct('Succeeded', {}),
  failed: struct('Failed', { code: words(64), actionIndex: u8 }),
});

/** Something that happened, with the fields that its module's schema names. */
export const logViewCodec = struct('LogView', {
  kind: words(64),
  accounts: vector(addressCodec, { max: 8 }),
  fields: jsonCodec,
});
export type LogView = Infer<typeof logViewCodec>;

export const simulationCodec = struct('Simulation', {
  outcome: outcomeCodec,
  gasUsed: gasCodec,
  fee: amountCodec,
  payer: addressCodec,
  /** Every balance that changes, the fee included. */
  changes: vector(
    struct('BalanceChange', {
      address: addressCodec,
      asset: assetIdCodec,
      before: amountCodec,
      after: amountCodec,
      symbol: words(16),
      decimals: u8,
    }),
    { max: 256 },
  ),
  logs: vector(logCodec, { max: 64 }),
  /** What would keep it out of a block whoever signs; absent when nothing would. */
  problem: option(errorViewCodec),
  /** State after this height was used. */
  height: heightCodec,
  trust: trustCodec,
});
export type Simulation = Infer<typeof simulationCodec>;

/** Everything needed to check without this node that a block is final. */
const finalityFields = {
  header: headerCodec,
  hash: hashCodec,
  /** Absent for the genesis block only, which the network's name itself vouches for. */
  certificate: option(commitCertificateCodec),
  /** Who decided this height. */
  membership: membershipCodec,
} as const;

export const finalityCodec = struct('Finality', finalityFields);
export type Finality = Infer<typeof finalityCodec>;

export const transactionProofCodec = struct('TransactionProof', {
  ...finalityFields,
  id: hashCodec,
  /** Hash of the signed bytes; the leaf binds both. */
  signedHash: hashCodec,
  index: u32,
  count: u32,
  siblings: vector(hashCodec, { max: 32 }),
});
export type TransactionProof = Infer<typeof transactionProofCodec>;

/* ------------------------------------------------------------- accounts */

export const keyViewCodec = struct('KeyView', {
  keyId: hashCodec,
  record: keyRecordCodec,
  hint: option(keyHintCodec),
});
export type KeyView = Infer<typeof keyViewCodec>;

export const accountViewCodec = struct('AccountView', {
  address: addressCodec,
  sequence: sequenceCodec,
  /** Absent while the account has no record of its own (it only ever received, or nothing yet). */
  policy: option(keyPolicyCodec),
  keys: vector(keyViewCodec, { max: 16 }),
  balances: vector(assetBalanceCodec, { max: 256 }),
  height: heightCodec,
  trust: trustCodec,
});
export type AccountView = Infer<typeof accountViewCodec>;

/** Newest-first position in a history; entries strictly before it follow. */
export const cursorCodec = struct('Cursor', { height: heightCodec, index: u32 });
export type Cursor = Infer<typeof cursorCodec>;

export const accountProofCodec = struct('AccountProof', {
  ...finalityFields,
  address: addressCodec,
  /**
   * The state keys proven, present or absent: sequence, policy record, native balance, then the
   * balance of each further asset asked for, repetitions left out.
   */
  keys: vector(bytes({ max: 128 }), { max: 300 }),
  /** Canonical bytes of the state proof against `header.stateRoot`. */
  proof: bytes({ max: PROOF_BYTES_MAX }),
});
export type AccountProof = Infer<typeof accountProofCodec>;

const assetFields = {
  asset: assetIdCodec,
  symbol: words(16),
  name: words(64),
  decimals: u8,
  supply: amountCodec,
  /** Who may mint; absent for the native asset. */
  issuer: option(addressCodec),
} as const;

export const assetViewCodec = struct('AssetView', assetFields);
export type AssetView = Infer<typeof assetViewCodec>;
/** One asset, with what the answer rests on. */
export const assetAnswerCodec = struct('AssetAnswer', {
  ...assetFields,
  height: heightCodec,
  trust: trustCodec,
});
export type AssetAnswer = Infer<typeof assetAnswerCodec>;
export const assetListCodec = struct('AssetList', {
  assets: vector(assetViewCodec, { max: ASSETS_PER_PAGE_MAX }),
  next: option(assetIdCodec),
  height: heightCodec,
  trust: trustCodec,
});

/* -------------------------------------------------------------- mempool */

export const mempoolStatusCodec = struct('MempoolStatus', {
  count: u32,
  bytes: uint53,
  countMax: u32,
  bytesMax: uint53,
});
export type MempoolStatus = Infer<typeof mempoolStatusCodec>;

export const pendingViewCodec = struct('PendingView', {
  id: hashCodec,
  sender: addressCodec,
  sequence: sequenceCodec,
  feeMax: amountCodec,
  gasLimit: gasCodec,
  validUntil: heightCodec,
  sizeBytes: u32,
  seenAtMs: timestampCodec,
  /** Kinds of its actions, in order. */
  kinds: vector(words(64), { max: 16 }),
});
export type PendingView = Infer<typeof pendingViewCodec>;
