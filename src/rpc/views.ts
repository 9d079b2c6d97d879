import type { Infer } from '../codec/index.ts';
import {
  bool,
  bytes,
  enumeration,
  fixedBytes,
  option,
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
  roundCodec,
  sequenceCodec,
  timestampCodec,
} from '../ledger/index.ts';
import { jsonCodec } from './json.ts';
import {
  ASSETS_PER_PAGE_MAX,
  EVENTS_MAX,
  MULTIADDR_BYTES_MAX,
  PEERS_MAX,
  PROOF_BYTES_MAX,
} from './limits.ts';

/**
 * How far an answer may be believed, weakest first.
 *
 * `cached`: known from before, and nobody says now that it is the newest. `reported`: one peer or
 * server says so. `proven`: a Merkle proof under a finality certificate was checked. `validated`:
 * this very node executed it, and stands where several peers do or decides itself.
 */
export const trustCodec = enumeration('Trust', ['cached', 'reported', 'proven', 'validated']);
export type Trust = Infer<typeof trustCodec>;

const words = (max: number) => text({ max });
const peerId = words(128);
const multiaddr = words(MULTIADDR_BYTES_MAX);
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
});
export type ChainInfo = Infer<typeof chainInfoCodec>;

/* ----------------------------------------------------------------- node */

export const nodeStageCodec = enumeration('NodeStage', [
  'starting',
  'connecting',
  'syncing',
  'following',
  'paused',
  'failed',
]);
export type NodeStage = Infer<typeof nodeStageCodec>;

export const headViewCodec = struct('HeadView', {
  height: heightCodec,
  hash: hashCodec,
  timestampMs: timestampCodec,
  transactionCount: u32,
});
export type HeadView = Infer<typeof headViewCodec>;

export const nodeStatusCodec = struct('NodeStatus', {
  home: enumeration('NodeHome', ['tab', 'relay', 'simulator']),
  mode: enumeration('NodeMode', ['light', 'full', 'archive']),
  stage: nodeStageCodec,
  head: headViewCodec,
  /** Where this run began; progress = (head - start) / (target - start). */
  startHeight: heightCodec,
  /** Best height that a believed peer told. */
  targetHeight: heightCodec,
  /** Blocks executed a second lately, rounded. */
  blocksPerSecond: u32,
  /** Bytes of blocks and state received in this run. */
  bytesReceived: uint53,
  etaMs: option(uint53),
  peers: u32,
  /** Trust of what this node answers about its head. */
  trust: trustCodec,
  isValidator: bool,
  pendingTransactions: u32,
  startedAtMs: timestampCodec,
  version: words(64),
  /** Why `stage` is `failed`, or what last went wrong while connecting. */
  error: option(errorViewCodec),
});
export type NodeStatus = Infer<typeof nodeStatusCodec>;

export const peerViewCodec = struct('PeerView', {
  peerId,
  addresses: vector(multiaddr, { max: 64 }),
  transport: enumeration('PeerTransport', ['websocket', 'webrtc', 'relayed']),
  direction: enumeration('PeerDirection', ['inbound', 'outbound']),
  latencyMs: option(u32),
  /** 0 (banned) to 1000 (never blamed). */
  score: u16,
  agent: words(256),
  connectedSinceMs: timestampCodec,
  /** Head that the peer told last. */
  height: option(heightCodec),
});
export type RpcPeerView = Infer<typeof peerViewCodec>;

export const peersViewCodec = struct('PeersView', {
  peerId,
  addresses: vector(multiaddr, { max: 64 }),
  peers: vector(peerViewCodec, { max: PEERS_MAX }),
});
export type PeersView = Infer<typeof peersViewCodec>;

export const storageViewCodec = struct('StorageView', {
  spaces: vector(struct('SpaceView', { space: words(32), count: uint53, bytes: uint53 }), {
    max: 32,
  }),
  totalBytes: uint53,
  /** What the browser says of the whole origin; absent on relays. */
  usageBytes: option(uint53),
  quotaBytes: option(uint53),
  isPersisted: option(bool),
  cacheBytes: uint53,
  cacheBytesMax: uint53,
  checkpointHeight: heightCodec,
  /** Name of the store: `indexeddb`, `leveldb`, `memory`. */
  kind: words(24),
});
export type StorageView = Infer<typeof storageViewCodec>;

const ballot = enumeration('Ballot', ['none', 'nil', 'block']);

export const consensusViewCodec = struct('ConsensusView', {
  height: heightCodec,
  round: roundCodec,
  /** `new-height`, `propose`, `prevote`, `precommit`; other engines name their own. */
  step: words(32),
  validators: vector(
    struct('ValidatorVoteView', {
      publicKey: publicKeyCodec,
      name: words(64),
      power: u64,
      isProposer: bool,
      prevote: ballot,
      precommit: ballot,
    }),
    { max: 256 },
  ),
  /** Place of this node's own key, when it is a member. */
  ownIndex: option(u16),
});
export type RpcConsensusView = Infer<typeof consensusViewCodec>;

export const eventViewCodec = struct('EventView', {
  atMs: timestampCodec,
  level: enumeration('Level', ['debug', 'info', 'warn', 'error']),
  event: words(96),
  facts: jsonCodec,
});
export type EventView = Infer<typeof eventViewCodec>;
export const eventsViewCodec = struct('EventsView', {
  events: vector(eventViewCodec, { max: EVENTS_MAX }),
});

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

export const assetViewCodec = struct('AssetView', {
  asset: assetIdCodec,
  symbol: words(16),
  name: words(64),
  decimals: u8,
  supply: amountCodec,
  /** Who may mint; absent for the native asset. */
  issuer: option(addressCodec),
});
export type AssetView = Infer<typeof assetViewCodec>;
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
