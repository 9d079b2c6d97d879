import type { MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface';
import { reasonOf } from './errors.ts';
import type { TransportSet } from './types.ts';

type Factory = TransportSet[number];

/** Bytes that wait for company at most; a proposal is far longer, and goes at once. */
const GATHERED_BYTES_MAX = 256 * 1024;

type Sent = { readonly sentBytes: number; readonly canSendMore: boolean };

/** What of a connection's stream class is used here; protected members of it. */
type RawConnection = MultiaddrConnection & {
  sendData(data: Chunks): Sent;
  sendClose(options?: unknown): Promise<void>;
};

/** A list of chunks, as the library hands it over. */
type Chunks = Iterable<Uint8Array> & { readonly byteLength: number };

/**
 * Makes a WebSocket transport write once a turn of the event loop instead of once a chunk.
 *
 * The library sends each chunk as a WebSocket message: two for a frame of Noise (its length, then
 * itself), and two more for the window update with which yamux answers every frame. Each costs a
 * system call here and an event there: of 13,000 to 16,000 writes of a validator under load 11,000
 * were below 64 bytes (bench/README.md, throughput). The messages carry a stream of bytes, so
 * where one ends means nothing to the reader.
 *
 * @param defer Runs a job at the end of this turn.
 */
export function coalescing(factory: Factory, defer: (job: () => void) => void): Factory {
  return (components) => {
    const transport: Transport = factory(components);
    const dial = transport.dial.bind(transport);
    transport.dial = (address, options) =>
      dial(address, { ...options, upgrader: gathered(options.upgrader, defer) });
    const createListener = transport.createListener.bind(transport);
    transport.createListener = (options) =>
      createListener({ ...options, upgrader: gathered(options.upgrader, defer) });
    return transport;
  };
}

function gathered(upgrader: Upgrader, defer: (job: () => void) => void): Upgrader {
  return new Proxy(upgrader, {
    get(target, name) {
      // Members of the upgrader: methods, called with a connection first where it is upgraded.
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (name !== 'upgradeInbound' && name !== 'upgradeOutbound') return member.bind(target);
      return (connection: MultiaddrConnection, ...rest: unknown[]) => {
        gather(connection as RawConnection, defer);
        return member.call(target, connection, ...rest);
      };
    },
  });
}

function gather(connection: RawConnection, defer: (job: () => void) => void): void {
  const sendData = connection.sendData.bind(connection);
  const sendClose = connection.sendClose.bind(connection);
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  let isFull = false;
  const flush = (): Sent => {
    // Nothing is asked of the socket, so nobody would promise the `drain` that a no stands for.
    if (bytes === 0) return { sentBytes: 0, canSendMore: true };
    const whole = new Uint8Array(bytes);
    let at = 0;
    for (const chunk of waiting) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    waiting = [];
    bytes = 0;
    const sent = sendData(Object.assign([whole], { byteLength: whole.length }));
    isFull = !sent.canSendMore;
    return sent;
  };
  const flushLater = (): void => {
    if (connection.status !== 'open' && connection.status !== 'closing') return;
    try {
      flush();
    } catch (error) {
      connection.abort(error instanceof Error ? error : new Error(reasonOf(error)));
    }
  };
  connection.sendData = (data) => {
    if (bytes === 0) defer(flushLater);
    // Copies are made at once: the library reuses what it hands over.
    for (const chunk of data) waiting.push(chunk.slice());
    bytes += data.byteLength;
    // While the socket was full, its own word each time: it promises a `drain` with its no.
    const canSendMore = isFull || bytes >= GATHERED_BYTES_MAX ? flush().canSendMore : true;
    return { sentBytes: data.byteLength, canSendMore };
  };
  connection.sendClose = (options) => {
    flushLater();
    return sendClose(options);
  };
}
