import type { Connection } from '@libp2p/interface';

/** What of a WebSocket connection lies behind libp2p's interface; absent in other transports. */
type Innards = {
  readonly maConn?: {
    readonly websocket?: { terminate?(): void; close(): void };
  };
};

/**
 * Ends a connection now, without asking the other end.
 *
 * `abort` of @libp2p/websockets 10 closes its socket with code 1006, which the WebSocket API
 * refuses (only 1000 and 3000 to 4999 may be given), so that the socket stays open: the other end
 * noticed nothing for ten seconds. Hence the socket itself is closed as well.
 */
export function hangUp(connection: Connection, reason: string): void {
  const socket = (connection as unknown as Innards).maConn?.websocket;
  connection.abort(new Error(reason));
  if (socket?.terminate !== undefined) socket.terminate();
  else socket?.close();
}
