import { createServer } from 'node:net';
import { TabellionError } from '../base/index.ts';

/** In a local network peers are reached this far above the RPC ports. */
export const PEER_PORT_OFFSET = 100;

/** The ports of a local network, in the order of its nodes. */
export type NetworkPorts = {
  readonly rpcPorts: readonly number[];
  readonly peerPorts: readonly number[];
};

/** Where a local network of so many nodes listens when its first port is this one. */
export function networkPorts(port: number, nodes: number): NetworkPorts {
  const rpcPorts = Array.from({ length: nodes }, (_, index) => port + index);
  return { rpcPorts, peerPorts: rpcPorts.map((each) => each + PEER_PORT_OFFSET) };
}

/** Rejects with `address-in-use` and the first port of this machine that somebody listens on. */
export async function assertPortsFree(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const isFree = await new Promise<boolean>((resolve) => {
      const probe = createServer();
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (!isFree) throw new TabellionError('address-in-use', { port });
  }
}
