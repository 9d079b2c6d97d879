import { randomBytes } from 'node:crypto';
import { silentTracer, systemClock } from '../../src/base/index.ts';
import type { Network, NetworkHandlers } from '../../src/network/index.ts';
import { createNetwork, createPeerKey } from '../../src/network/index.ts';
import { nodeTransports } from '../../src/network/node.ts';

/** The network of a relay that tabs of this machine dial, on a free port. */
export async function openLoopbackRelay(
  options: { readonly chainId: string; readonly agent: string },
  handlers: NetworkHandlers,
): Promise<Network> {
  return await createNetwork(
    {
      ...options,
      role: 'relay',
      protocolVersion: 1,
      privateKey: await createPeerKey(new Uint8Array(randomBytes(32))),
      listen: ['/ip4/127.0.0.1/tcp/0/ws'],
      relays: [],
      transports: nodeTransports(),
      clock: systemClock,
      tracer: silentTracer,
      allowLoopback: true,
    },
    handlers,
  );
}
