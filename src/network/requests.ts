import type { Connection, Stream } from '@libp2p/interface';
import type { Bytes, Clock, Tracer } from '../base/index.ts';
import { remoteHost } from './addresses.ts';
import { networkError, reasonOf } from './errors.ts';
import type { NetworkLimits } from './limits.ts';
import { TokenBucket } from './rate.ts';
import { RequestClient } from './request-client.ts';
import type { AskerState, Load } from './request-server.ts';
import { RequestServer } from './request-server.ts';

/** Who asks. */
export type Asker = {
  readonly peerId: string;
  readonly remoteAddress: string | undefined;
  /** Fires when the answer is not awaited any more. */
  readonly signal?: AbortSignal;
};

type Dependencies = {
  readonly limits: NetworkLimits;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly protocol: string;
  /** Open connections to a peer, in any order. */
  readonly connectionsTo: (peerId: string) => readonly Connection[];
  readonly answer: (kind: number, body: Bytes, from: Asker) => Promise<Bytes> | undefined;
  readonly blame: (peerId: string, points: number, reason: string) => void;
};

type Asked = {
  client: RequestClient | undefined;
  opening: Promise<RequestClient> | undefined;
  /** Whether the client's stream runs through a relay, and would rather run elsewhere. */
  isLimited: boolean;
  inFlight: number;
  readonly waiting: (() => void)[];
};

const OPEN_TIMEOUT_MS = 5_000;

/**
 * Questions to and from all peers: one long-lived stream for each peer and direction, because
 * over WebRTC every stream is a data channel that the page must make.
 */
export class RequestDesk {
  readonly #with: Dependencies;
  readonly #asked = new Map<string, Asked>();
  readonly #askers = new Map<string, AskerState>();
  readonly #servers = new Map<string, Set<RequestServer>>();
  readonly #all: Load = { held: 0, inFlight: 0 };

  constructor(dependencies: Dependencies) {
    this.#with = dependencies;
  }

  /** Takes a stream that a peer opened to ask. */
  accept(stream: Stream, connection: Connection): void {
    const { limits, clock, tracer, answer, blame } = this.#with;
    const peerId = connection.remotePeer.toString();
    const from = { peerId, remoteAddress: remoteHost(connection.remoteAddr) };
    const servers = this.#servers.get(peerId) ?? new Set<RequestServer>();
    this.#servers.set(peerId, servers);
    const server: RequestServer = new RequestServer(stream, {
      limits,
      clock,
      asker: this.#askerOf(peerId),
      all: this.#all,
      blame: (points, reason) => blame(peerId, points, reason),
      answer: (kind, body, signal) => answer(kind, body, { ...from, signal }),
      onFailure: (kind, error) =>
        tracer.trace('warn', 'request-failed', { kind, peerId, reason: reasonOf(error) }),
      onEnd: () => {
        // Deferred: a stream may end while its server is still being made.
        queueMicrotask(() => servers.delete(server));
      },
    });
    servers.add(server);
  }

  /** Asks one peer; rejects as `Network.request` does. */
  async ask(
    peerId: string,
    kind: number,
    body: Bytes,
    options: { readonly signal?: AbortSignal; readonly timeoutMs?: number } = {},
  ): Promise<Bytes> {
    const { limits, clock } = this.#with;
    if (body.length > limits.requestBytesMax) {
      throw networkError('request-refused', { reason: 'too-large', length: body.length });
    }
    const timeoutMs = options.timeoutMs ?? limits.requestTimeoutMs;
    const controller = new AbortController();
    const cancelTimeout = clock.after(timeoutMs, () =>
      controller.abort(networkError('request-timeout', { timeoutMs })),
    );
    const onAbort = () => controller.abort(networkError('aborted'));
    options.signal?.addEventListener('abort', onAbort);
    if (options.signal?.aborted) onAbort();
    const asked = this.#askedOf(peerId);
    try {
      await this.#place(asked, controller.signal);
      try {
        const client = await unlessAborted(this.#clientFor(peerId), controller.signal);
        return await client.ask(kind, body, controller.signal);
      } finally {
        asked.inFlight -= 1;
        asked.waiting.shift()?.();
      }
    } finally {
      cancelTimeout();
      options.signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Round trip in milliseconds. */
  async ping(peerId: string): Promise<number> {
    const client = await this.#clientFor(peerId);
    return await client.ping(this.#with.limits.pingTimeoutMs);
  }

  /** Forgets a peer that is gone. */
  forgetPeer(peerId: string): void {
    this.#asked.get(peerId)?.client?.close();
    this.#asked.delete(peerId);
    this.#askers.delete(peerId);
    for (const server of this.#servers.get(peerId) ?? []) server.close();
    this.#servers.delete(peerId);
  }

  stop(): void {
    for (const peerId of [...this.#asked.keys(), ...this.#servers.keys()]) this.forgetPeer(peerId);
  }

  async #place(asked: Asked, signal: AbortSignal): Promise<void> {
    const { requestsPerPeerMax, requestsWaitingMax } = this.#with.limits;
    signal.throwIfAborted();
    if (asked.inFlight < requestsPerPeerMax) {
      asked.inFlight += 1;
      return;
    }
    if (asked.waiting.length >= requestsWaitingMax) {
      throw networkError('request-refused', { reason: 'too-many-waiting' });
    }
    await new Promise<void>((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener('abort', leave);
        asked.inFlight += 1;
        resolve();
      };
      const leave = () => {
        asked.waiting.splice(asked.waiting.indexOf(enter), 1);
        reject(signal.reason);
      };
      asked.waiting.push(enter);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  #clientFor(peerId: string): Promise<RequestClient> {
    const connection = bestOf(this.#with.connectionsTo(peerId));
    if (connection === undefined) return Promise.reject(networkError('peer-gone', { peerId }));
    const asked = this.#askedOf(peerId);
    const isBetter = asked.isLimited && connection.limits === undefined;
    if (asked.client?.isOpen && !isBetter) return Promise.resolve(asked.client);
    if (asked.opening !== undefined) return asked.opening;
    const opening = this.#open(peerId, asked, connection).finally(() => {
      asked.opening = undefined;
    });
    asked.opening = opening;
    return opening;
  }

  async #open(peerId: string, asked: Asked, connection: Connection): Promise<RequestClient> {
    const { limits, clock, protocol, blame } = this.#with;
    let stream: Stream;
    try {
      stream = await connection.newStream(protocol, {
        signal: AbortSignal.timeout(OPEN_TIMEOUT_MS),
        runOnLimitedConnection: true,
      });
    } catch (error) {
      throw networkError('peer-gone', { peerId }, error);
    }
    if (this.#asked.get(peerId) !== asked) {
      stream.abort(new Error('peer forgotten'));
      throw networkError('peer-gone', { peerId });
    }
    const previous = asked.client;
    const client: RequestClient = new RequestClient(stream, {
      limits,
      clock,
      blame: (points, reason) => blame(peerId, points, reason),
      onEnd: () => {
        if (asked.client === client) asked.client = undefined;
      },
    });
    asked.client = client;
    asked.isLimited = connection.limits !== undefined;
    previous?.retire();
    return client;
  }

  #askedOf(peerId: string): Asked {
    let asked = this.#asked.get(peerId);
    if (asked === undefined) {
      asked = {
        client: undefined,
        opening: undefined,
        isLimited: false,
        inFlight: 0,
        waiting: [],
      };
      // Only for peers at hand: asking strangers must not grow the table.
      if (this.#with.connectionsTo(peerId).length > 0) this.#asked.set(peerId, asked);
    }
    return asked;
  }

  #askerOf(peerId: string): AskerState {
    let asker = this.#askers.get(peerId);
    if (asker === undefined) {
      const { requestsPerSecond, requestsBurst } = this.#with.limits;
      const limit = { perSecond: requestsPerSecond, burst: requestsBurst };
      asker = { rate: new TokenBucket(limit, this.#with.clock.now()), held: 0, inFlight: 0 };
      this.#askers.set(peerId, asker);
    }
    return asker;
  }
}

/** The connection to prefer: a direct one, the oldest of them, before a relayed one. */
export function bestOf(connections: readonly Connection[]): Connection | undefined {
  const open = connections.filter((connection) => connection.status === 'open');
  return open.find((connection) => connection.limits === undefined) ?? open[0];
}

function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
