import { parseHex, systemClock } from '../../base/index.ts';
import { browserTransports } from '../browser.ts';
import type { Network, NetworkEvent } from '../index.ts';
import { createNetwork, createPeerKey } from '../index.ts';
import type { Arrival, TabCommand, TabOptions, TabState } from './tab-messages.ts';

const startedMs = Date.now();
const events: NetworkEvent[] = [];
const arrivals = new Map<number, Arrival[]>();
const traces: string[] = [];
let relays: readonly string[] = [];
let webrtcAfterMs: number | undefined;

const unhandled: string[] = [];
self.addEventListener('unhandledrejection', (event) => unhandled.push(String(event.reason)));

async function start(options: TabOptions, rtcPort: MessagePort): Promise<Network> {
  const seed = parseHex(options.seed);
  if (!seed.ok) throw new Error('seed is not hexadecimal');
  const network = await createNetwork(
    {
      role: 'tab',
      chainId: options.chainId,
      protocolVersion: 1,
      privateKey: await createPeerKey(seed.value),
      relays: options.relays,
      transports: await browserTransports({ rtcPort }),
      clock: systemClock,
      tracer: {
        trace: (level, event, facts) =>
          traces.push(`${Date.now() - startedMs} ${level} ${event} ${JSON.stringify(facts)}`),
      },
      limits: { pingIntervalMs: 2_000, exchangeIntervalMs: 2_000 },
      allowLoopback: true,
      onRelaysChanged: (known) => {
        relays = known;
      },
    },
    {
      onGossip: async (_topic, message, from) => {
        const view = new DataView(message.buffer);
        const run = view.getUint32(0);
        const arrival = {
          from,
          index: view.getUint32(4),
          delayMs: Date.now() - view.getFloat64(8),
        };
        arrivals.set(run, [...(arrivals.get(run) ?? []), arrival]);
        return 'accept';
      },
      onRequest: async (_kind, request) =>
        new Uint8Array(new DataView(request.buffer).getUint32(0)),
      onEvent: (event) => events.push(event),
    },
  );
  const watch = setInterval(() => {
    if (!network.peers().some((peer) => peer.transport === 'webrtc')) return;
    webrtcAfterMs = Date.now() - startedMs;
    clearInterval(watch);
  }, 10);
  return network;
}

async function publish(network: Network, command: Extract<TabCommand, { kind: 'publish' }>) {
  for (let index = 0; index < command.count; index++) {
    const message = new Uint8Array(1_024);
    const view = new DataView(message.buffer);
    view.setUint32(0, command.run);
    view.setUint32(4, index);
    view.setFloat64(8, Date.now());
    await network.publish(command.topic, message);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function perform(network: Network, command: TabCommand): Promise<unknown> {
  switch (command.kind) {
    case 'state': {
      const { peerId } = network;
      const state: TabState & { traces: string[]; unhandled: string[] } = {
        peerId,
        addresses: network.addresses(),
        peers: network.peers(),
        relays,
        events,
        webrtcAfterMs,
        traces,
        unhandled,
      };
      return state;
    }
    case 'publish':
      return await publish(network, command);
    case 'arrivals':
      return arrivals.get(command.run) ?? [];
    case 'request': {
      const request = new Uint8Array(4);
      new DataView(request.buffer).setUint32(0, command.responseBytes);
      const beganMs = performance.now();
      const response = await network.request(command.peerId, 'blocks', request);
      return { bytes: response.length, tookMs: performance.now() - beganMs };
    }
    case 'stop':
      return await network.stop();
  }
}

let network: Promise<Network> | undefined;
self.onmessage = (event: MessageEvent) => {
  const { id, options, rtcPort, command } = event.data;
  if (options !== undefined) network = start(options, rtcPort);
  const answering = (async () => {
    if (network === undefined) throw new Error('not started');
    const running = await network;
    return command === undefined ? running.peerId : await perform(running, command);
  })();
  answering.then(
    (value) => self.postMessage({ id, value }),
    (error: unknown) => self.postMessage({ id, error: String(error) }),
  );
};
