import { circuitRelayServer } from '@libp2p/circuit-relay-v2';
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys';
import type { GossipSub, Message } from '@libp2p/gossipsub';
import { gossipsub } from '@libp2p/gossipsub';
import { identify, identifyPush } from '@libp2p/identify';
import type { ConnectionGater, Libp2p } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { ping } from '@libp2p/ping';
import { yamux } from '@libp2p/yamux';
import { createLibp2p } from 'libp2p';
import { GOSSIP_NONCE_BYTES, type NetworkLimits } from './limits.ts';
import { type NetworkNames, TOPICS } from './names.ts';
import type { NetworkOptions } from './types.ts';

/** The services every node runs; relays run one more. */
export type NodeServices = { readonly pubsub: GossipSub };

/** What tabs listen on: reservations at two relays, and WebRTC signalled through them. */
const TAB_LISTEN = ['/p2p-circuit', '/p2p-circuit'];

const HEARTBEAT_MS = 500;
const MB = 1024 * 1024;

type Parts = {
  readonly options: NetworkOptions;
  readonly limits: NetworkLimits;
  readonly names: NetworkNames;
  readonly gater: ConnectionGater;
  readonly messageId: (message: Message) => Uint8Array;
};

/** Assembles libp2p; it is not started. */
export function createLibp2pNode(parts: Parts): Promise<Libp2p<NodeServices>> {
  const { options, limits, gater } = parts;
  const services = {
    identify: identify(),
    identifyPush: identifyPush(),
    ping: ping(),
    pubsub: gossip(parts),
  };
  const relay = () =>
    circuitRelayServer({
      reservations: {
        maxReservations: limits.reservationsMax,
        defaultDataLimit: BigInt(limits.relayedBytesMax),
        defaultDurationLimit: limits.relayedDurationMs,
      },
      maxInboundHopStreams: 4 * limits.reservationsMax,
      maxOutboundHopStreams: 4 * limits.reservationsMax,
      maxOutboundStopStreams: 4 * limits.reservationsMax,
    });
  const common = {
    start: false,
    privateKey: privateKeyFromProtobuf(options.privateKey),
    nodeInfo: { name: 'tabellion', userAgent: options.agent ?? 'tabellion' },
    addresses: {
      listen: [...(options.listen ?? (options.role === 'tab' ? listenOfTab(options) : []))],
      announce: [...(options.announce ?? [])],
    },
    transports: options.transports,
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: gater,
    // Latency is measured on the request streams: a ping stream of libp2p's own would be a new
    // data channel, made on the page, every few seconds for every peer.
    connectionMonitor: { enabled: false },
    connectionManager: {
      maxConnections: limits.connectionsMax,
      inboundConnectionThreshold: limits.inboundPerSecondMax,
      maxIncomingPendingConnections: limits.inboundPerSecondMax,
      dialTimeout: limits.dialTimeoutMs,
      addressDialTimeout: limits.dialTimeoutMs,
      reconnectRetries: 0, // The supervisor does it.
    },
  };
  return options.role === 'relay'
    ? createLibp2p({ ...common, services: { ...services, relay: relay() } })
    : createLibp2p({ ...common, services });
}

// The WebRTC transport is the third of a browser's set, and absent where there is no page.
function listenOfTab(options: NetworkOptions): readonly string[] {
  return options.transports.length > 2 ? [...TAB_LISTEN, '/webrtc'] : TAB_LISTEN;
}

function gossip({ limits, names, messageId }: Parts): ReturnType<typeof gossipsub> {
  const topics = TOPICS.map(names.topic);
  const longest = Math.max(...TOPICS.map((topic) => limits.topics[topic].messageBytesMax));
  return gossipsub({
    globalSignaturePolicy: 'StrictNoSign',
    msgIdFn: messageId,
    allowedTopics: topics,
    fallbackToFloodsub: false,
    floodPublish: true,
    batchPublish: true,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    emitSelf: false,
    doPX: false,
    // A peer that just arrived is grafted at the next heartbeat: half a second, not a whole one.
    heartbeatInterval: HEARTBEAT_MS,
    mcacheLength: 12,
    mcacheGossip: 6,
    seenTTL: 30_000,
    pruneBackoff: 10_000,
    // Room for one longest message with its envelope; a longer frame ends the stream.
    maxInboundDataLength: longest + GOSSIP_NONCE_BYTES + 64 * 1024,
    maxOutboundBufferSize: 4 * longest + 16 * MB,
    maxTopicBytesPerPeer: 64 * 1024,
    decodeRpcLimits: {
      maxSubscriptions: 64,
      maxMessages: 1_000,
      maxIhaveMessageIDs: 5_000,
      maxIwantMessageIDs: 5_000,
      maxControlMessages: 64,
      maxIdontwantMessageIDs: 512,
      maxPeerInfos: 16,
    },
    scoreParams: {
      // Whole networks run on one address of a developer's machine; hosts are limited elsewhere.
      IPColocationFactorWeight: 0,
      behaviourPenaltyWeight: -1,
      behaviourPenaltyThreshold: 6,
      behaviourPenaltyDecay: 0.8,
    },
  });
}

/** What of gossipsub's router is needed to mend it; public members of its class. */
type Router = {
  readonly streamsOutbound: Map<string, unknown>;
  onPeerConnected(peerId: unknown, connection: unknown): void;
};

/**
 * Gives gossipsub another connection of a peer when the one that carried its stream closed: it
 * asks for one only when a peer is new.
 */
export function mendGossip(
  libp2p: Libp2p<NodeServices>,
  connection: ReturnType<Libp2p['getConnections']>[number],
): boolean {
  // The exported interface hides these two members of the class behind it.
  const router = libp2p.services.pubsub as unknown as Router;
  if (router.streamsOutbound.has(connection.remotePeer.toString())) return false;
  router.onPeerConnected(connection.remotePeer, connection);
  return true;
}
