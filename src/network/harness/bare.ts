import { identify } from '@libp2p/identify';
import { noise } from '@libp2p/noise';
import { yamux } from '@libp2p/yamux';
import { createLibp2p } from 'libp2p';
import { networkNames } from '../names.ts';
import { nodeTransports } from '../node.ts';
import { CHAIN } from './nodes.ts';

/** Libp2p without our manners: it opens what it likes, and answers no request. */
export async function startBareNode() {
  const node = await createLibp2p({
    transports: nodeTransports(),
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    services: { identify: identify() },
  });
  await node.handle(networkNames(CHAIN, 1).requests, () => undefined);
  return node;
}
