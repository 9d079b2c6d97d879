import type { Infer } from '../codec/index.ts';
import {
  bool,
  bytes,
  enumeration,
  option,
  struct,
  u16,
  u32,
  u64,
  uint53,
  vector,
} from '../codec/index.ts';
import { hashCodec } from '../crypto/index.ts';
import { heightCodec, roundCodec, timestampCodec } from '../ledger/index.ts';
import { NODE_MODES, UNSIGNED_RANGES_MAX } from '../node/index.ts';
import { jsonCodec } from './json.ts';
import {
  ALARMS_MAX,
  CHECKPOINT_CHARACTERS_MAX,
  EVENTS_MAX,
  LIGHT_BLOCK_BYTES_MAX,
  PEERS_MAX,
} from './limits.ts';
import { errorViewCodec, multiaddr, publicKeyCodec, trustCodec, words } from './views.ts';

const peerId = words(128);

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
  /** Absent while only the header is known. */
  transactionCount: option(u32),
});
export type HeadView = Infer<typeof headViewCodec>;

/**
 * How far a node brings its own chain. `light`: it executes nothing, and proves what it is asked;
 * `full`: the newest state and blocks; `archive`: every block since genesis.
 */
export const nodeModeCodec = enumeration('NodeMode', NODE_MODES);
export type NodeMode = Infer<typeof nodeModeCodec>;

/** Two blocks of one height, each certified: more than 1/3 of the power broke the rules. */
export const lightAlarmCodec = struct('LightAlarm', {
  height: heightCodec,
  first: hashCodec,
  second: hashCodec,
});
export type LightAlarm = Infer<typeof lightAlarmCodec>;

/** Both blocks of an alarm whole, for whoever wants to check it: encoded light blocks. */
export const evidenceViewCodec = struct('EvidenceView', {
  alarms: vector(
    struct('AlarmEvidence', {
      height: heightCodec,
      /** Absent when this node took it over from a snapshot, without its certificate. */
      first: option(bytes({ max: LIGHT_BLOCK_BYTES_MAX })),
      second: bytes({ max: LIGHT_BLOCK_BYTES_MAX }),
    }),
    { max: ALARMS_MAX },
  ),
});

/** The newest header that certificates prove, whatever this node executed. */
export const lightStatusCodec = struct('LightStatus', {
  head: struct('LightHead', {
    height: heightCodec,
    hash: hashCodec,
    timestampMs: timestampCodec,
  }),
  /** `waiting` for peers, `proving` its way to their heads, `following` them. */
  stage: enumeration('LightStage', ['waiting', 'proving', 'following']),
  targetHeight: heightCodec,
  /** Hosts that told it, peers of one host counted once. */
  comparedVoices: u32,
  /** `proven` once at least two other voices told the same and no alarm stands. */
  trust: trustCodec,
  /** Whether the trusted block is too old to build on: a newer one must come by another way. */
  isExpired: bool,
  /** Bytes of light blocks and proofs received in this run. */
  bytesReceived: uint53,
  alarm: option(lightAlarmCodec),
});
export type LightStatus = Infer<typeof lightStatusCodec>;

/** `HEIGHT:HASH`, the height in decimal, the hash in lower-case hexadecimal. */
const checkpointText = words(CHECKPOINT_CHARACTERS_MAX);

/** Blocks that people name to each other by hand, and what this node was told. */
export const checkpointViewCodec = struct('CheckpointView', {
  /** The newest final block that this node knows, to be given to others. */
  newest: struct('OfferedCheckpoint', { text: checkpointText, timestampMs: timestampCodec }),
  /** How far `newest` may be believed. */
  trust: trustCodec,
  given: option(
    struct('GivenCheckpoint', {
      text: checkpointText,
      height: heightCodec,
      givenAtMs: timestampCodec,
      /** Whether the chain that this node executed holds it. */
      isLinked: bool,
    }),
  ),
  /** What the settings name, until it is found; `refusal` says why it never will be. */
  wanted: option(struct('WantedCheckpoint', { text: checkpointText, refusal: option(words(64)) })),
  /** Whether signatures of transactions at or below the checkpoint are left unchecked. */
  isReplayTrusting: bool,
  /** Blocks executed so, both ends included, lowest first; they are never more than proven. */
  unsigned: vector(struct('UnsignedBlocks', { from: heightCodec, to: heightCodec }), {
    max: UNSIGNED_RANGES_MAX,
  }),
  /**
   * The chain did not lead to the checkpoint once. All of it that had not led to one before was let
   * go of, and read again with all signatures; `unsigned` may still name what did.
   */
  hasFailed: bool,
});
export type CheckpointView = Infer<typeof checkpointViewCodec>;

/** A state on its way from peers, in chunks that are checked one by one. */
export const snapshotStatusCodec = struct('SnapshotStatus', {
  height: heightCodec,
  chunksDone: u32,
  chunksTotal: u32,
  bytesDone: uint53,
  bytesTotal: uint53,
  bytesPerSecond: uint53,
  /** Whether some of it was here from before. */
  isResumed: bool,
  /** Peers that serve it. */
  peers: u32,
});
export type SnapshotStatus = Infer<typeof snapshotStatusCodec>;

/** Stored data was lost, found spoilt, mended, has no room left, or is held by another tab. */
export const storageEventCodec = struct('StorageEvent', {
  kind: enumeration('StorageEventKind', [
    'wiped',
    'partly-wiped',
    'repaired',
    'reopened',
    'quota',
    'held',
  ]),
  atMs: timestampCodec,
  /** What was found wrong: `page-storage-lost`, `page-corrupt`, `store-full`, `tab-asleep`, … */
  code: option(words(64)),
});
export type StorageEvent = Infer<typeof storageEventCodec>;

export const nodeStatusCodec = struct('NodeStatus', {
  home: enumeration('NodeHome', ['tab', 'relay', 'simulator']),
  mode: nodeModeCodec,
  stage: nodeStageCodec,
  /** What answers are about now: the executed head, or the proven one while that is far ahead. */
  head: headViewCodec,
  /** Whether these answers come from what this node executed or from what is proven to it. */
  source: enumeration('LedgerSource', ['chain', 'light']),
  /** Newest block that this node executed itself. */
  chainHeight: heightCodec,
  /** Where this run began; progress = (chainHeight - start) / (target - start). */
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
  /** Present once the node follows headers beside its chain. */
  light: option(lightStatusCodec),
  /** Present while a snapshot is fetched. */
  snapshot: option(snapshotStatusCodec),
  /** Whether a light node is becoming a full one, or waits until a person allows it. */
  promotion: enumeration('Promotion', ['none', 'waiting-consent', 'running']),
  /** Blocks that are kept; absent: all of them. */
  keepBlocks: option(u32),
  /** From this height on the node knows of every transaction that concerned an account. */
  historyFrom: heightCodec,
  /** What became of what this browser had stored before, when something did. */
  storage: option(storageEventCodec),
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
