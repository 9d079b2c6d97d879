import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { WebSocketServer } from 'ws';
import type { Clock, Json, Tracer } from '../base/index.ts';
import { errorToData, silentTracer, systemClock, TabellionError } from '../base/index.ts';
import type { RpcServer } from '../rpc/index.ts';
import { errorResponse, REQUEST_BYTES_MAX, SOCKET_QUEUE_BYTES_MAX } from '../rpc/index.ts';
import type { GuardOptions } from './http-guard.ts';
import {
  AddressShares,
  CallMeter,
  isForwarded,
  isHostAllowed,
  isLoopback,
  isOriginAllowed,
  RateLimiter,
  remoteAddressOf,
} from './http-guard.ts';
import { StaticFiles } from './http-static.ts';

/** Bounds against strangers; loopback has its own rate, since tools and benches live there. */
export type HttpLimits = {
  readonly callsPerSecond: number;
  readonly callsBurst: number;
  readonly loopbackCallsPerSecond: number;
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
  readonly loopbackConnectionsMax: number;
  readonly socketsPerAddressMax: number;
  readonly loopbackSocketsMax: number;
  /** How long the lines before a body, and a whole request, may take to come. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
};

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  callsPerSecond: 50,
  callsBurst: 500,
  loopbackCallsPerSecond: 100_000,
  connectionsMax: 2048,
  connectionsPerAddressMax: 64,
  loopbackConnectionsMax: 2048,
  socketsPerAddressMax: 16,
  loopbackSocketsMax: 512,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
};
const ADDRESSES_MAX = 10_000;
/** How often slow requests are looked for; Node.js alone would let them wait half a minute more. */
const SLOW_LOOK_MS = 5_000;
const KEEP_ALIVE_MS = 30_000;
const SOCKET_PING_MS = 30_000;
/** For text that holds no call which could be told so. */
const RATE_LIMITED = errorResponse(null, errorToData(new TabellionError('rate-limited')));

export type HttpServerOptions = Partial<GuardOptions> & {
  /** Address to listen on; loopback when absent. */
  readonly host?: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Folder of the built app; without it only the interfaces are served. */
  readonly appFolder?: string;
  /** Answer of `/network.json`: genesis and relays that a fresh tab starts from. */
  readonly network?: () => Json;
  /** Answer of `/metrics`, Prometheus text; told to loopback only unless `isMetricsPublic`. */
  readonly metrics?: () => string | Promise<string>;
  readonly isMetricsPublic?: boolean;
  /** Answer of `/healthz`. */
  readonly health?: () => { readonly isHealthy: boolean; readonly facts: Json };
  /** Whether commands of this machine (loopback, no page, no proxy) may steer the node. */
  readonly isLoopbackOperator?: boolean;
  readonly limits?: Partial<HttpLimits>;
};

export interface HttpServer {
  /** Such as `http://127.0.0.1:4700`. */
  readonly url: string;
  readonly port: number;
  /** Ends open connections; may be called twice. */
  stop(): Promise<void>;
}

/**
 * What pages of the app may do: scripts and workers from here only, no inline code, connections
 * to any node. `trusted-types` names the one policy that the app makes, for addresses of workers.
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self' ws: wss: http://localhost:* http://127.0.0.1:*",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types default',
].join('; ');

const SECURITY_HEADERS: readonly (readonly [string, string])[] = [
  ['content-security-policy', CONTENT_SECURITY_POLICY],
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-opener-policy', 'same-origin'],
  ['cross-origin-resource-policy', 'same-origin'],
  ['x-frame-options', 'DENY'],
  [
    'permissions-policy',
    'publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(self), ' +
      'microphone=(), geolocation=(), payment=(), usb=()',
  ],
];

/**
 * Serves RPC (`POST /rpc`, `GET /ws`), the app, metrics and health. Rejects with
 * `TabellionError` `address-in-use` or `listen-failed`.
 */
export async function startHttpServer(
  dependencies: { readonly rpc: RpcServer; readonly tracer?: Tracer; readonly clock?: Clock },
  options: HttpServerOptions,
): Promise<HttpServer> {
  const { rpc, tracer = silentTracer, clock = systemClock } = dependencies;
  const service = new HttpService({ rpc, tracer, clock }, options);
  const host = options.host ?? '127.0.0.1';
  const port = await service.listen(host, options.port);
  const shown = host.includes(':') ? `[${host}]` : host;
  return { url: `http://${shown}:${port}`, port, stop: () => service.stop() };
}

class HttpService {
  readonly #rpc: RpcServer;
  readonly #tracer: Tracer;
  readonly #clock: Clock;
  readonly #options: HttpServerOptions;
  readonly #guard: GuardOptions;
  readonly #limits: HttpLimits;
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly #socketShares = new AddressShares();
  readonly #connectionShares = new AddressShares();
  readonly #strangers: RateLimiter;
  readonly #locals: RateLimiter;
  readonly #files: StaticFiles | undefined;
  #isStopping: Promise<void> | undefined;

  constructor(
    dependencies: { readonly rpc: RpcServer; readonly tracer: Tracer; readonly clock: Clock },
    options: HttpServerOptions,
  ) {
    this.#rpc = dependencies.rpc;
    this.#tracer = dependencies.tracer;
    this.#clock = dependencies.clock;
    this.#options = options;
    const { hosts = [], origins = [], proxies = [] } = options;
    this.#guard = { hosts: hosts.map((each) => each.toLowerCase()), origins, proxies };
    this.#limits = { ...DEFAULT_HTTP_LIMITS, ...options.limits };
    const { callsPerSecond, callsBurst, loopbackCallsPerSecond } = this.#limits;
    this.#strangers = new RateLimiter(this.#clock, {
      perSecond: callsPerSecond,
      burst: callsBurst,
      addressesMax: ADDRESSES_MAX,
    });
    this.#locals = new RateLimiter(this.#clock, {
      perSecond: loopbackCallsPerSecond,
      burst: loopbackCallsPerSecond,
      addressesMax: 16,
    });
    this.#files = options.appFolder === undefined ? undefined : new StaticFiles(options.appFolder);
    const { headersTimeoutMs, requestTimeoutMs } = this.#limits;
    const timing = {
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: Math.min(headersTimeoutMs, SLOW_LOOK_MS),
    };
    this.#server = createServer({ maxHeaderSize: 16 * 1024, ...timing }, (request, response) => {
      this.#respond(request, response).catch((error: unknown) => this.#failed(response, error));
    });
    this.#server.maxConnections = this.#limits.connectionsMax;
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: REQUEST_BYTES_MAX,
      perMessageDeflate: false,
    });
    this.#server.on('connection', (socket) => this.#connected(socket));
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const onError = (cause: NodeJS.ErrnoException): void => {
        const code = cause.code === 'EADDRINUSE' ? 'address-in-use' : 'listen-failed';
        reject(new TabellionError(code, { host, port }, { cause }));
      };
      this.#server.once('error', onError);
      this.#server.listen(port, host, () => {
        this.#server.off('error', onError);
        resolve((this.#server.address() as AddressInfo).port); // A TCP server's is of this type.
      });
    });
  }

  stop(): Promise<void> {
    this.#isStopping ??= new Promise((resolve) => {
      for (const socket of this.#sockets.clients) socket.terminate();
      this.#sockets.close();
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
    return this.#isStopping;
  }

  /** Before anything is read: nobody but a proxy holds every connection there is. */
  #connected(socket: Socket): void {
    const address = socket.remoteAddress ?? 'unknown';
    if (this.#guard.proxies.includes(address)) return;
    const { connectionsPerAddressMax, loopbackConnectionsMax } = this.#limits;
    const max = isLoopback(address) ? loopbackConnectionsMax : connectionsPerAddressMax;
    const giveBack = this.#connectionShares.take(address, max);
    if (giveBack === undefined) socket.destroy();
    else socket.on('close', giveBack);
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of SECURITY_HEADERS) response.setHeader(name, value);
    if (!isHostAllowed(request, this.#guard)) return refuse(response, 403, 'host-not-allowed');
    const path = pathOf(request);
    if (path === undefined) return refuse(response, 400, 'path-malformed');
    if (path === '/rpc') return this.#rpcCall(request, response);
    const { method } = request;
    if (method !== 'GET' && method !== 'HEAD') return refuse(response, 405, 'method-not-allowed');
    if (path === '/healthz') return this.#health(response);
    if (path === '/metrics') return this.#metrics(request, response);
    if (path === '/network.json' && this.#options.network !== undefined) {
      this.#allowOrigin(request, response);
      response.setHeader('cache-control', 'no-cache');
      return sendJson(response, 200, this.#options.network());
    }
    if (await this.#files?.respond(request, response, path)) return;
    refuse(response, 404, 'not-found');
  }

  #health(response: ServerResponse): void {
    const { isHealthy, facts } = this.#options.health?.() ?? { isHealthy: true, facts: {} };
    response.setHeader('cache-control', 'no-store');
    sendJson(response, isHealthy ? 200 : 503, { isHealthy, facts });
  }

  async #metrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { metrics, isMetricsPublic = false } = this.#options;
    if (metrics === undefined) return refuse(response, 404, 'not-found');
    if (!isMetricsPublic && !this.#isLocal(request)) return refuse(response, 403, 'not-permitted');
    const text = await metrics();
    response.writeHead(200, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      'cache-control': 'no-store',
    });
    response.end(text);
  }

  /** Lets an allowed foreign page read the answer (CORS). */
  #allowOrigin(request: IncomingMessage, response: ServerResponse): void {
    const { origin } = request.headers;
    response.setHeader('vary', 'origin');
    if (origin === undefined || !this.#guard.origins.includes(origin)) return;
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('cross-origin-resource-policy', 'cross-origin');
  }

  async #rpcCall(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('cache-control', 'no-store');
    if (!isOriginAllowed(request, this.#guard)) return refuse(response, 403, 'origin-not-allowed');
    this.#allowOrigin(request, response);
    if (request.method === 'OPTIONS') {
      response.setHeader('access-control-allow-methods', 'POST');
      response.setHeader('access-control-allow-headers', 'content-type');
      response.setHeader('access-control-max-age', '600');
      response.writeHead(204).end();
      return;
    }
    if (request.method !== 'POST') {
      response.setHeader('allow', 'POST, OPTIONS');
      return refuse(response, 405, 'method-not-allowed');
    }
    // Anything else can be sent by a form of a foreign page, without asking first.
    if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '')) {
      return refuse(response, 415, 'content-type-wrong');
    }
    // A small body could unfold into any size, so none is unfolded.
    const { 'content-encoding': encoding = 'identity' } = request.headers;
    if (encoding.toLowerCase() !== 'identity') {
      return refuse(response, 415, 'content-encoding-wrong');
    }
    const source = await readBody(request);
    if (source === undefined) {
      response.setHeader('connection', 'close');
      const error = errorToData(
        new TabellionError('request-too-large', { max: REQUEST_BYTES_MAX }),
      );
      return sendJson(response, 413, errorResponse(null, error));
    }
    const { meter, asker } = this.#asker(request);
    const connection = this.#rpc.connect({ transport: 'http', ...asker });
    response.on('close', () => connection.close());
    const answering = meter.handle(source, () => connection.handleText(source));
    if (answering === undefined) return sendJson(response, 429, RATE_LIMITED);
    const reply = await answering;
    if (reply === undefined) response.writeHead(204).end();
    else sendText(response, 200, reply);
  }

  #asker(request: IncomingMessage) {
    const remoteAddress = remoteAddressOf(request, this.#guard);
    const isLocal = this.#isLocal(request);
    const isCommand = isLocal && request.headers.origin === undefined;
    const isOperator = isCommand && this.#options.isLoopbackOperator === true;
    const limiter = isLocal ? this.#locals : this.#strangers;
    const meter = new CallMeter((tokens) => limiter.admit(remoteAddress, tokens));
    const access = isOperator ? 'operator' : 'public';
    return { meter, asker: { remoteAddress, access, admit: meter.admit } } as const;
  }

  /** A proxy on this machine connects from loopback: whoever stands behind it is a stranger. */
  #isLocal(request: IncomingMessage): boolean {
    return isLoopback(remoteAddressOf(request, this.#guard)) && !isForwarded(request);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const remoteAddress = remoteAddressOf(request, this.#guard);
    const { loopbackSocketsMax, socketsPerAddressMax } = this.#limits;
    const max = this.#isLocal(request) ? loopbackSocketsMax : socketsPerAddressMax;
    socket.on('error', () => socket.destroy());
    const refuseUpgrade = (status: string): void => {
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    };
    if (!isHostAllowed(request, this.#guard) || !isOriginAllowed(request, this.#guard)) {
      refuseUpgrade('403 Forbidden');
      return;
    }
    if (pathOf(request) !== '/ws') {
      refuseUpgrade('404 Not Found');
      return;
    }
    const giveBack = this.#socketShares.take(remoteAddress, max);
    if (giveBack === undefined) {
      refuseUpgrade('429 Too Many Requests');
      return;
    }
    socket.on('close', giveBack);
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.#serveSocket(webSocket, request);
    });
  }

  #serveSocket(socket: WebSocket, request: IncomingMessage): void {
    const send = (text: string): Promise<void> =>
      new Promise((resolve, reject) => {
        if (socket.bufferedAmount > SOCKET_QUEUE_BYTES_MAX) socket.terminate();
        socket.send(text, (error) => (error == null ? resolve() : reject(error)));
      });
    const { meter, asker } = this.#asker(request);
    const connection = this.#rpc.connect({
      transport: 'websocket',
      ...asker,
      send: (message) => send(JSON.stringify(message)),
    });
    let stopTimer: () => void = () => undefined;
    let isAlive = true;
    const watch = (): void => {
      stopTimer = this.#clock.after(SOCKET_PING_MS, () => {
        if (!isAlive) return socket.terminate();
        isAlive = false;
        socket.ping();
        watch();
      });
    };
    watch();
    socket.on('pong', () => {
      isAlive = true;
    });
    socket.on('message', (data, isBinary) => {
      isAlive = true;
      if (isBinary) return socket.close(1003);
      const source = String(data);
      const answering = meter.handle(source, () => connection.handleText(source));
      const answered = answering ?? Promise.resolve(JSON.stringify(RATE_LIMITED));
      answered.then((reply) => {
        // A socket that closed meanwhile wants no answer.
        if (reply !== undefined) send(reply).catch(() => undefined);
      });
    });
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      stopTimer();
      connection.close();
    });
  }

  #failed(response: ServerResponse, error: unknown): void {
    const { code, message } = errorToData(error);
    this.#tracer.trace('error', 'http-failed', { code, message });
    if (response.headersSent) response.destroy();
    else refuse(response, 500, 'internal-error');
  }
}

/** Path without query; undefined when it is not plain. */
function pathOf(request: IncomingMessage): string | undefined {
  const raw = (request.url ?? '/').split(/[?#]/, 1)[0] ?? '/';
  if (!raw.startsWith('/') || raw.length > 2048) return undefined;
  try {
    const path = decodeURIComponent(raw);
    return /[\0\\]|(^|\/)\.\.?(\/|$)/.test(path) ? undefined : path;
  } catch {
    return undefined;
  }
}

/** The whole body as text; undefined when it is longer than a request may be. */
function readBody(request: IncomingMessage): Promise<string | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > REQUEST_BYTES_MAX) {
    return Promise.resolve(undefined);
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (bytes: Buffer) => {
      length += bytes.length;
      if (length <= REQUEST_BYTES_MAX) chunks.push(bytes);
      else resolve(undefined); // What still comes is dropped until the connection is closed.
    });
    request.on('end', () => resolve(textOf(Buffer.concat(chunks))));
    request.on('error', reject);
    request.on('close', () => reject(new TabellionError('aborted')));
  });
}

/** Bytes that are no UTF-8 become the empty text, which is no JSON and is refused as such. */
function textOf(bytes: Buffer): string {
  return isUtf8(bytes) ? bytes.toString('utf8') : '';
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

function sendJson(response: ServerResponse, status: number, json: Json): void {
  sendText(response, status, JSON.stringify(json));
}

function refuse(response: ServerResponse, status: number, code: string): void {
  if (response.destroyed) return;
  response.setHeader('connection', 'close');
  sendJson(response, status, { error: { code } });
}
