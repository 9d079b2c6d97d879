import { circuitRelayTransport } from '@libp2p/circuit-relay-v2';
import { webSockets } from '@libp2p/websockets';
import { coalescing } from './coalescing.ts';
import type { TransportSet } from './types.ts';

/** Transports of a process: WebSockets, and circuits through relays. No WebRTC code is loaded. */
export function nodeTransports(): TransportSet {
  return [
    coalescing(webSockets(), (job) => setImmediate(job)),
    circuitRelayTransport({ reservationConcurrency: 4 }),
  ];
}
