import type { Clock, JsonObject } from '../base/index.ts';
import { parseJsonText, systemClock } from '../base/index.ts';
import { RECONNECT_FIRST_MS, RECONNECT_LAST_MS, SOCKET_PING_MS } from './limits.ts';
import { Session } from './session.ts';
import type { Transport } from './transport.ts';

/** What is used of the platform's `WebSocket`. */
export type SocketLike = Pick<WebSocket, 'addEventListener' | 'close' | 'send'>;

export type WebSocketTransport = Transport & {
  /** Whether a socket is open now. */
  isConnected(): boolean;
};

/**
 * Asks a relay over one WebSocket that is opened again, with growing waits, whenever it breaks.
 * A silent socket is asked a cheap question now and then, since a dead peer may never say so.
 */
export function webSocketTransport(
  url: string,
  options: {
    readonly open?: (url: string) => SocketLike;
    readonly clock?: Clock;
    /** 0 to 1; spreads the reconnections of many clients. */
    readonly random?: () => number;
  } = {},
): WebSocketTransport {
  const { open = (to: string) => new WebSocket(to), clock = systemClock } = options;
  const random = options.random ?? Math.random;
  const session = new Session(clock);
  let socket: SocketLike | undefined;
  let waitMs = RECONNECT_FIRST_MS;
  let stopTimer: () => void = () => undefined;
  let isClosed = false;

  const watch = (current: SocketLike): void => {
    stopTimer();
    stopTimer = clock.after(SOCKET_PING_MS, () => {
      stopTimer = clock.after(SOCKET_PING_MS, () => end(current));
      const ping: JsonObject = { jsonrpc: '2.0', id: 'ping', method: 'mempool.status' };
      current.send(JSON.stringify(ping));
    });
  };
  const end = (current: SocketLike): void => {
    if (socket !== current) return;
    socket = undefined;
    stopTimer();
    session.lost('connection-failed');
    current.close();
    if (isClosed) return;
    stopTimer = clock.after(waitMs * (0.5 + random() / 2), connect);
    waitMs = Math.min(2 * waitMs, RECONNECT_LAST_MS);
  };
  const connect = (): void => {
    const current = open(url);
    socket = current;
    current.addEventListener('open', () => {
      if (socket !== current) return;
      waitMs = RECONNECT_FIRST_MS;
      watch(current);
      session.opened((message) => current.send(JSON.stringify(message)));
    });
    current.addEventListener('message', (event) => {
      if (socket !== current || typeof event.data !== 'string') return;
      watch(current);
      // A relay that talks nonsense is as good as silent.
      session.receive(parseJsonText(event.data));
    });
    current.addEventListener('close', () => end(current));
    current.addEventListener('error', () => end(current));
  };
  connect();
  return {
    trustMax: 'reported',
    isConnected: () => session.isOpen,
    call: (method, params, callOptions) => session.call(method, params, callOptions),
    subscribe: (topic, params, push, fail) => session.subscribe(topic, params, push, fail),
    close() {
      isClosed = true;
      stopTimer();
      session.close();
      socket?.close();
      socket = undefined;
    },
  };
}
