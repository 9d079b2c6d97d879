export type { NetworkErrorCode } from './errors.ts';
export type { NetworkLimits, TopicLimit } from './limits.ts';
export {
  DEFAULT_LIMITS,
  PENALTY_FLOOD,
  PENALTY_MALFORMED,
  PENALTY_OVERSIZE,
  PENALTY_REJECTED,
  SCORE_MAX,
} from './limits.ts';
export { createNetwork } from './network.ts';
export { createPeerKey, peerIdOfKey } from './peer-key.ts';
export { TokenBucket } from './rate.ts';
export type {
  GossipVerdict,
  Network,
  NetworkEvent,
  NetworkHandlers,
  NetworkOptions,
  NetworkRole,
  PeerTransport,
  PeerView,
  PenaltyPoints,
  RequestKind,
  Topic,
  TransportSet,
} from './types.ts';
