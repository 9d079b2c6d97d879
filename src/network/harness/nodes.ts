import type { Bytes } from '../../base/index.ts';
import { equalBytes, silentTracer, systemClock } from '../../base/index.ts';
import type {
  GossipVerdict,
  Network,
  NetworkEvent,
  NetworkLimits,
  NetworkOptions,
  RequestKind,
  Topic,
} from '../index.ts';
import { createNetwork, createPeerKey, DEFAULT_LIMITS } from '../index.ts';
import { nodeTransports } from '../node.ts';

/** A message as a node received it. */
export type Received = { readonly topic: Topic; readonly message: Bytes; readonly from: string };

/** A node under test with what it was told. */
export type TestNode = {
  readonly network: Network;
  readonly key: Bytes;
  readonly received: Received[];
  readonly events: NetworkEvent[];
  readonly relaysTold: string[][];
  /** What the node decides about gossip; tests replace it. */
  judge: (topic: Topic, message: Bytes) => GossipVerdict | Promise<GossipVerdict>;
  /** How the node answers; tests replace it. */
  reply: (
    kind: RequestKind,
    request: Bytes,
    from: string,
    signal: AbortSignal | undefined,
  ) => Bytes | Promise<Bytes>;
};

export type TestNodeOptions = Partial<NetworkOptions> & {
  readonly limits?: Partial<NetworkLimits>;
};

/** Quick limits: the default ones, with faster clocks where tests wait. */
export const QUICK: Partial<NetworkLimits> = {
  ...DEFAULT_LIMITS,
  redialFirstMs: 100,
  redialMaxMs: 500,
  exchangeIntervalMs: 500,
  pingIntervalMs: 1_000,
};

/** A chain id that tests share. */
export const CHAIN = '00aa11';

/** Starts a node on loopback; relays listen on a port of their own. */
export async function startNode(options: TestNodeOptions = {}): Promise<TestNode> {
  const role = options.role ?? 'relay';
  const key = new Uint8Array(options.privateKey ?? (await createPeerKey()));
  const node: { network?: Network } & Omit<TestNode, 'network'> = {
    key,
    received: [],
    events: [],
    relaysTold: [],
    judge: () => 'accept',
    reply: (_kind, request) => request,
  };
  const network = await createNetwork(
    {
      role,
      chainId: CHAIN,
      protocolVersion: 1,
      privateKey: key,
      ...(role === 'relay' ? { listen: ['/ip4/127.0.0.1/tcp/0/ws'] } : {}),
      relays: [],
      transports: nodeTransports(),
      clock: systemClock,
      tracer: silentTracer,
      allowLoopback: true,
      onRelaysChanged: (relays) => node.relaysTold.push([...relays]),
      ...options,
      limits: { ...QUICK, ...options.limits },
    },
    {
      onGossip: async (topic, message, from) => {
        node.received.push({ topic, message, from });
        return await node.judge(topic, message);
      },
      onRequest: async (kind, request, from) =>
        await node.reply(kind, request, from.peerId, from.signal),
      onEvent: (event) => node.events.push(event),
    },
  );
  // The same object, so that a test's `judge` is the one asked.
  return Object.assign(node, { network });
}

/** The first address of a node. */
export function addressOf(node: TestNode): string {
  const address = node.network.addresses()[0];
  if (address === undefined) throw new Error('the node has no address');
  return address;
}

/** Resolves when a condition holds; rejects with its name when it does not within the time. */
export function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Promise<void> {
  const endMs = Date.now() + timeoutMs;
  return new Promise((resolve, reject) => {
    const attempt = async () => {
      try {
        if (await condition()) resolve();
        else if (Date.now() > endMs) reject(new Error(`not within ${timeoutMs} ms: ${what}`));
        else setTimeout(attempt, 10);
      } catch (error) {
        reject(error);
      }
    };
    void attempt();
  });
}

/** Whether two nodes are connected, as both see it. */
export function areConnected(left: TestNode, right: TestNode): boolean {
  return isPeer(left, right) && isPeer(right, left);
}

function isPeer(left: TestNode, right: TestNode): boolean {
  return left.network.peers().some((peer) => peer.peerId === right.network.peerId);
}

/**
 * Resolves when gossip of one node reaches another, over others where need be: a node is taken
 * into its neighbours' meshes within a second. What was received until then is forgotten.
 */
export async function untilGossips(from: TestNode, to: TestNode): Promise<void> {
  const probe = new TextEncoder().encode(`probe of ${from.network.peerId}`);
  await until('gossip flows', async () => {
    await from.network.publish('transactions', probe);
    return to.received.some(({ message }) => equalBytes(message, probe));
  });
  from.received.length = 0;
  to.received.length = 0;
}
