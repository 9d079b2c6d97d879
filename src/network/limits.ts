import type { Topic } from './types.ts';

/** What one peer may send on one topic. */
export type TopicLimit = {
  readonly messageBytesMax: number;
  readonly messagesPerSecond: number;
  readonly messagesBurst: number;
  readonly bytesPerSecond: number;
  readonly bytesBurst: number;
  /** Bytes of messages whose verdict is awaited; beyond, messages are ignored. */
  readonly validatingBytesMax: number;
  /** Whether accepted content that comes again is judged again: it may have become old. */
  readonly isPerishable: boolean;
};

/**
 * Every bound of this room. What a hostile peer gains at worst is said beside each.
 */
export type NetworkLimits = {
  /** Open connections of this node; beyond, the oldest idle ones are closed. */
  readonly connectionsMax: number;
  /** Open connections from one IP address (one /64 for IPv6), loopback excepted. */
  readonly connectionsPerAddressMax: number;
  /** New inbound connections a second from one host. */
  readonly inboundPerSecondMax: number;
  /** Other tabs that a tab keeps connections to; a peer more costs memory, a peer less paths. */
  readonly peersTarget: number;
  /** Relays that a tab keeps connections to when it knows so many. */
  readonly relaysTarget: number;
  /** Relays and peers remembered as worth dialling; the least recently useful goes first. */
  readonly relaysKnownMax: number;
  readonly candidatesMax: number;
  /** Reservations a relay grants. */
  readonly reservationsMax: number;
  /** What one relayed connection may carry: signalling and first questions, not bulk. */
  readonly relayedBytesMax: number;
  readonly relayedDurationMs: number;

  readonly topics: { readonly [Name in Topic]: TopicLimit };
  /** Verdicts awaited at once, for one peer and in all; beyond, messages are ignored. */
  readonly validationsPerPeerMax: number;
  readonly validationsMax: number;
  /** Message digests remembered, so that nothing is validated twice. */
  readonly seenMax: number;

  readonly requestBytesMax: number;
  readonly responseBytesMax: number;
  /** Requests in flight to and from one peer. */
  readonly requestsPerPeerMax: number;
  /** Requests of all peers answered at once. */
  readonly requestsInAllMax: number;
  /** Requests waiting for a free place, per peer. */
  readonly requestsWaitingMax: number;
  /** Response bytes held for one peer that reads slowly, and for all of them. */
  readonly responseBytesPerPeerMax: number;
  readonly responseBytesHeldMax: number;
  readonly requestsPerSecond: number;
  readonly requestsBurst: number;
  readonly requestTimeoutMs: number;
  /** A stream that takes no byte for so long is given up. */
  readonly writeTimeoutMs: number;

  readonly dialTimeoutMs: number;
  readonly redialFirstMs: number;
  readonly redialMaxMs: number;
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
  readonly exchangeIntervalMs: number;

  /** Points that come back each second; full recovery takes 1000 divided by it. */
  readonly scoreRecoveryPerSecond: number;
  readonly banDurationMs: number;
  /** Bans and scores remembered; beyond, the oldest is forgotten. */
  readonly bansMax: number;
  readonly scoresMax: number;
};

const KB = 1024;
const MB = 1024 * KB;

/** Gossipsub 17 frames at most 4 MiB, its own fields included. */
const BLOCK_MESSAGE_BYTES_MAX = 4_000_000;

/** A proposal and a decided block weigh the same. */
const WHOLE_BLOCKS = {
  messageBytesMax: BLOCK_MESSAGE_BYTES_MAX,
  messagesPerSecond: 40,
  messagesBurst: 100,
  bytesPerSecond: 16 * MB,
  bytesBurst: 32 * MB,
  validatingBytesMax: 32 * MB,
  isPerishable: false,
} as const;

/** Bounds fit for a phone's tab and for a relay of 300 tabs on a small machine. */
export const DEFAULT_LIMITS: NetworkLimits = {
  connectionsMax: 300,
  connectionsPerAddressMax: 24,
  inboundPerSecondMax: 100,
  peersTarget: 6,
  relaysTarget: 3,
  relaysKnownMax: 32,
  candidatesMax: 256,
  reservationsMax: 256,
  relayedBytesMax: 8 * MB,
  relayedDurationMs: 10 * 60_000,

  topics: {
    transactions: {
      messageBytesMax: 64 * KB,
      // Many travel in one message under load; a lone one is a message.
      messagesPerSecond: 4_000,
      messagesBurst: 8_000,
      bytesPerSecond: 4 * MB,
      bytesBurst: 8 * MB,
      validatingBytesMax: 4 * MB,
      isPerishable: true,
    },
    proposals: WHOLE_BLOCKS,
    votes: {
      messageBytesMax: KB,
      messagesPerSecond: 500,
      messagesBurst: 2_000,
      bytesPerSecond: 512 * KB,
      bytesBurst: 2 * MB,
      validatingBytesMax: 2 * MB,
      isPerishable: false,
    },
    blocks: WHOLE_BLOCKS,
  },
  validationsPerPeerMax: 2_048,
  validationsMax: 8_192,
  seenMax: 65_536,

  requestBytesMax: 256 * KB,
  responseBytesMax: 8 * MB,
  requestsPerPeerMax: 16,
  requestsInAllMax: 256,
  requestsWaitingMax: 64,
  responseBytesPerPeerMax: 16 * MB,
  responseBytesHeldMax: 64 * MB,
  requestsPerSecond: 100,
  requestsBurst: 400,
  requestTimeoutMs: 10_000,
  writeTimeoutMs: 20_000,

  dialTimeoutMs: 4_000,
  redialFirstMs: 500,
  redialMaxMs: 8_000,
  pingIntervalMs: 15_000,
  pingTimeoutMs: 10_000,
  exchangeIntervalMs: 10_000,

  scoreRecoveryPerSecond: 1,
  banDurationMs: 10 * 60_000,
  bansMax: 4_096,
  scoresMax: 4_096,
};

/** A peer never blamed. */
export const SCORE_MAX = 1_000;
/** Points for a message that the validator rejected. */
export const PENALTY_REJECTED = 100;
/** Points for a message beyond a rate limit; a sustained flood ends in a ban. */
export const PENALTY_FLOOD = 2;
/** Points for a message or frame longer than allowed. */
export const PENALTY_OVERSIZE = 200;
/** Points for bytes that are no frame at all; the stream is closed as well. */
export const PENALTY_MALFORMED = 250;

/** Bytes before the payload of each gossiped message: a nonce, so that it can be sent again. */
export const GOSSIP_NONCE_BYTES = 8;
/** The same content is forwarded again at most once in this time. */
export const GOSSIP_REPEAT_MS = 500;
/** One response travels in pieces of at most this size, so that small ones overtake large ones. */
export const RESPONSE_PIECE_BYTES = 64 * KB;
/** Peers told in one exchange, and addresses of each. */
export const EXCHANGE_PEERS_MAX = 32;
export const EXCHANGE_ADDRESSES_MAX = 8;
export const EXCHANGE_ADDRESS_BYTES_MAX = 400;
