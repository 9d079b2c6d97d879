import { circuitRelayTransport } from '@libp2p/circuit-relay-v2';
import { webSockets } from '@libp2p/websockets';
import { coalescing } from './coalescing.ts';
import { installRtcShim } from './rtc-shim.ts';
import type { TransportSet } from './types.ts';

export { installRtcShim } from './rtc-shim.ts';

export type BrowserTransportOptions = {
  /**
   * The worker's end of a channel whose other end the page gave to `serveRtc`. Without it the
   * tab has no WebRTC and speaks through relays alone.
   */
  readonly rtcPort: MessagePort | undefined;
  /** STUN and TURN servers; none of them is contacted unless named here. */
  readonly iceServers?: readonly RTCIceServer[];
};

/** Transports of a tab: WebSockets to relays, circuits through them, and WebRTC between tabs. */
export async function browserTransports(options: BrowserTransportOptions): Promise<TransportSet> {
  const transports: TransportSet = [
    coalescing(webSockets(), queueMicrotask),
    circuitRelayTransport({ reservationConcurrency: 4 }),
  ];
  if (options.rtcPort === undefined) return transports;
  installRtcShim(options.rtcPort);
  // After the shim: the module reads `globalThis.RTCPeerConnection` once, while it is loaded.
  const { webRTC } = await import('@libp2p/webrtc');
  const rtcConfiguration: RTCConfiguration = { iceServers: [...(options.iceServers ?? [])] };
  return [...transports, webRTC({ rtcConfiguration })];
}
