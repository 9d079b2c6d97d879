import { expose, proxy, releaseProxy, wrap } from 'comlink';
import type { Json } from '../base/index.ts';
import type { RpcServer } from './server.ts';

/**
 * The closed interface that crosses the port between a page and its node. Messages are JSON-RPC
 * values, so a failure travels as data with its code and nothing depends on cloned classes.
 */
export interface PortSurface {
  request(message: Json): Promise<Json | undefined>;
  /** Sets who takes events; the promise that `take` returns is the reader's back-pressure. */
  listen(take: (message: Json) => Promise<void> | void): void;
  close(): void;
}

/** Answers one page over a port, with the rights of the node's own page. Returns its end. */
export function servePort(server: RpcServer, port: MessagePort): () => void {
  let take: ((message: Json) => Promise<void> | void) | undefined;
  const connection = server.connect({
    transport: 'port',
    access: 'operator',
    send: async (message) => {
      await take?.(message);
    },
  });
  const close = (): void => {
    connection.close();
    port.close();
  };
  const surface: PortSurface = {
    request: (message) => connection.handleJson(message),
    listen(given) {
      take = given;
    },
    close,
  };
  // Chromium 122 and Node.js tell when the other side is gone; elsewhere `close` is called.
  port.addEventListener('close', () => connection.close());
  expose(surface, port);
  return close;
}

/** The page's half of {@link servePort}. */
export type PortClient = {
  request(message: Json): Promise<Json | undefined>;
  listen(take: (message: Json) => void): Promise<void>;
  close(): void;
};

/** Wraps the page's end of a port. */
export function connectPort(port: MessagePort): PortClient {
  const remote = wrap<PortSurface>(port);
  return {
    // `as`: comlink types a clone of JSON as JSON wrapped once more in a promise.
    request: (message) => remote.request(message) as Promise<Json | undefined>,
    async listen(take) {
      await remote.listen(proxy(take));
    },
    close() {
      remote.close().catch(() => undefined); // The node may be gone already.
      remote[releaseProxy]();
    },
  };
}
