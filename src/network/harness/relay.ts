import { parseHex, silentTracer, systemClock } from '../../base/index.ts';
import { createNetwork, createPeerKey } from '../index.ts';
import { nodeTransports } from '../node.ts';

// A relay process of the harness: `relay.ts <chain id> <seed> <port> [relay address…]`. Says
// its address when it is ready.
const [chainId = '', seedHex = '', port = '0', ...relays] = process.argv.slice(2);
const seed = parseHex(seedHex);
if (!seed.ok) throw new Error('seed is not hexadecimal');
const network = await createNetwork(
  {
    role: 'relay',
    chainId,
    protocolVersion: 1,
    privateKey: await createPeerKey(seed.value),
    listen: [`/ip4/127.0.0.1/tcp/${port}/ws`],
    relays,
    transports: nodeTransports(),
    clock: systemClock,
    tracer: silentTracer,
    allowLoopback: true,
  },
  {
    onGossip: async () => 'accept',
    onRequest: async (_kind, request) => new Uint8Array(new DataView(request.buffer).getUint32(0)),
    onEvent: () => undefined,
  },
);
process.on('SIGTERM', () => {
  network.stop().then(() => process.exit(0));
});
process.stdout.write(`${JSON.stringify({ kind: 'ready', address: network.addresses()[0] })}\n`);
