import type { Clock, Json, Tracer } from '../base/index.ts';
import {
  AssertionError,
  errorToData,
  isJsonObject,
  silentTracer,
  systemClock,
  TabellionError,
} from '../base/index.ts';
import type { Codec } from '../codec/index.ts';
import { parseJson } from '../codec/index.ts';
import { Turnstile } from '../storage/index.ts';
import { isRpcErrorCode, rpcError } from './errors.ts';
import type { CallContext, RpcHandlers } from './handlers.ts';
import type { Dispatch, RpcId } from './jsonrpc.ts';
import { answer, errorResponse, isTooDeep, JSON_FORM, parseRequest, TEXT_FORM } from './jsonrpc.ts';
import { CALL_TIMEOUT_MS, CALLS_IN_FLIGHT_MAX, SUBSCRIPTIONS_MAX } from './limits.ts';
import type { MethodSpec, Methods } from './methods.ts';
import { openRpcDocument } from './openrpc.ts';
import type { Send } from './outbox.ts';
import { Outbox } from './outbox.ts';
import type { TopicSpec } from './topics.ts';
import { topics } from './topics.ts';

/** One asker: a port, a socket, or a single HTTP request. */
export type ConnectionOptions = {
  readonly transport: CallContext['transport'];
  readonly access: CallContext['access'];
  readonly remoteAddress?: string;
  /** Carries events to the asker; without it subscriptions are refused. */
  readonly send?: Send;
  /** Asked once a call, with what it costs in calls; `false` answers `rate-limited`. */
  readonly admit?: (method: string, cost: number) => boolean;
};

export interface RpcConnection {
  /** Answers request text; `undefined` when there is nothing to say. Never rejects. */
  handleText(source: string): Promise<string | undefined>;
  /** As `handleText`, for values that came by structured clone. */
  handleJson(request: Json): Promise<Json | undefined>;
  /** Ends subscriptions and aborts calls; may be called twice. */
  close(): void;
}

export interface RpcServer {
  connect(options: ConnectionOptions): RpcConnection;
  /** Closes every connection; may be called twice. */
  close(): void;
}

export type RpcServerDependencies = {
  readonly handlers: RpcHandlers;
  readonly methods: Methods;
  readonly tracer?: Tracer;
  readonly clock?: Clock;
};

// Inside the server methods are walked alike; `RpcHandlers` keeps their exact types outside.
type AnyMethod = MethodSpec<unknown, unknown>;
type AnyHandler = (params: unknown, context: CallContext) => Promise<unknown>;
type AnyTopic = TopicSpec<unknown, unknown>;
type AnySource = (
  params: unknown,
  push: (event: unknown) => void,
  context: CallContext,
) => () => void;

type Shared = {
  readonly methods: ReadonlyMap<string, AnyMethod>;
  readonly handlers: ReadonlyMap<string, AnyHandler>;
  readonly topics: ReadonlyMap<string, AnyTopic>;
  readonly sources: ReadonlyMap<string, AnySource>;
  readonly tracer: Tracer;
  readonly clock: Clock;
};

/** Answers the methods of the table by the node's handlers, over any transport. */
export function createRpcServer(dependencies: RpcServerDependencies): RpcServer {
  const { handlers, methods, tracer = silentTracer, clock = systemClock } = dependencies;
  let document: Json | undefined;
  const discovery = (): Json => {
    document ??= openRpcDocument(methods);
    return document;
  };
  // `as`: a map erases which parameters belong to which method; the tables agree by their types.
  const shared: Shared = {
    methods: new Map(Object.entries(methods as unknown as { [name: string]: AnyMethod })),
    handlers: new Map<string, AnyHandler>([
      ...Object.entries(handlers.methods as unknown as { [name: string]: AnyHandler }),
      ['rpc.discover', async () => ({ document: discovery() })],
    ]),
    topics: new Map(Object.entries(topics as unknown as { [name: string]: AnyTopic })),
    sources: new Map(Object.entries(handlers.topics as unknown as { [name: string]: AnySource })),
    tracer,
    clock,
  };
  const connections = new Set<Connection>();
  return {
    connect(options) {
      const connection = new Connection(shared, options, () => connections.delete(connection));
      connections.add(connection);
      return connection;
    },
    close() {
      for (const connection of connections) connection.close();
    },
  };
}

class Connection implements RpcConnection {
  readonly #shared: Shared;
  readonly #options: ConnectionOptions;
  readonly #onClose: () => void;
  readonly #outbox: Outbox | undefined;
  readonly #ends = new Map<number, () => void>();
  /** Calls that run now, and those of them that `rpc.cancel` can name. */
  readonly #calls = new Set<Call>();
  readonly #named = new Map<string, Call>();
  readonly #life = new AbortController();
  /** What the calls that run now cost. */
  #running = 0;
  readonly #blockReaders = new Turnstile();
  #blockReading = 0;
  #nextSubscription = 1;

  constructor(shared: Shared, options: ConnectionOptions, onClose: () => void) {
    this.#shared = shared;
    this.#options = options;
    this.#onClose = onClose;
    this.#outbox = options.send === undefined ? undefined : new Outbox(options.send);
  }

  async handleText(source: string): Promise<string | undefined> {
    const parsed = parseRequest(source);
    if (!parsed.ok) return JSON.stringify(errorResponse(null, parsed.error));
    return answer(parsed.value, this.#dispatch, TEXT_FORM);
  }

  async handleJson(request: Json): Promise<Json | undefined> {
    if (isTooDeep(request)) {
      return errorResponse(null, errorToData(rpcError('request-too-deep')));
    }
    return answer(request, this.#dispatch, JSON_FORM);
  }

  close(): void {
    this.#life.abort(rpcError('aborted'));
    for (const call of this.#calls) call.abort(rpcError('aborted'));
    for (const [subscription, end] of this.#ends) {
      this.#outbox?.close(subscription);
      end();
    }
    this.#ends.clear();
    this.#onClose();
  }

  readonly #dispatch: Dispatch = async ({ method, params, id }) => {
    if (this.#life.signal.aborted) throw rpcError('node-stopped');
    if (method === 'rpc.cancel') return this.#cancel(params);
    const cost = this.#shared.methods.get(method)?.cost(params) ?? 1;
    if (this.#options.admit?.(method, cost) === false) throw rpcError('rate-limited');
    if (this.#running + cost > CALLS_IN_FLIGHT_MAX) {
      throw rpcError('too-many-calls', { max: CALLS_IN_FLIGHT_MAX });
    }
    this.#running += cost;
    try {
      if (method === 'rpc.subscribe') return this.#subscribe(params);
      if (method === 'rpc.unsubscribe') return this.#unsubscribe(params);
      return await this.#call(method, params, id);
    } catch (error) {
      throw this.#publicError(method, error);
    } finally {
      this.#running -= cost;
    }
  };

  async #call(name: string, params: Json | undefined, id: RpcId | undefined): Promise<Json> {
    const spec = this.#shared.methods.get(name);
    const handler = this.#shared.handlers.get(name);
    if (spec === undefined || handler === undefined) throw rpcError('method-not-found');
    if (spec.access === 'operator' && this.#options.access !== 'operator') {
      throw rpcError('not-permitted');
    }
    const value = readParams(spec.params, params);
    const call = new Call();
    const key = id === undefined ? undefined : callKey(id);
    this.#calls.add(call);
    if (key !== undefined) this.#named.set(key, call);
    const stopTimer = this.#shared.clock.after(CALL_TIMEOUT_MS, () =>
      call.abort(rpcError('timed-out', { timeoutMs: CALL_TIMEOUT_MS })),
    );
    try {
      const run = (): Promise<unknown> => handler(value, this.#contextOf(call));
      const result = await call.until(spec.readsBlocks ? this.#inTurn(call, run) : run());
      return spec.result.toJson(result);
    } finally {
      stopTimer();
      this.#calls.delete(call);
      if (key !== undefined && this.#named.get(key) === call) this.#named.delete(key);
    }
  }

  /** Whoever asks for many blocks at once gets them one after the other, and others between. */
  async #inTurn<Value>(call: Call, run: () => Promise<Value>): Promise<Value> {
    const hasCompany = this.#blockReading > 0;
    this.#blockReading++;
    try {
      return await this.#blockReaders.run(async () => {
        // What is cached answers without a pause; the node has other work to do meanwhile.
        if (hasCompany) await new Promise<void>((go) => this.#shared.clock.after(0, go));
        return call.begin(run);
      });
    } finally {
      this.#blockReading--;
    }
  }

  #contextOf(call: Call): CallContext {
    const { access, transport, remoteAddress } = this.#options;
    return {
      get signal() {
        return call.signal;
      },
      access,
      transport,
      remoteAddress,
    };
  }

  #context(signal: AbortSignal): CallContext {
    const { access, transport, remoteAddress } = this.#options;
    return { signal, access, transport, remoteAddress };
  }

  #subscribe(params: Json | undefined): Json {
    const outbox = this.#outbox;
    if (outbox === undefined) throw rpcError('not-permitted', { reason: 'no-event-channel' });
    if (this.#ends.size >= SUBSCRIPTIONS_MAX) {
      throw rpcError('too-many-subscriptions', { max: SUBSCRIPTIONS_MAX });
    }
    const asked = isJsonObject(params) ? params : {};
    const name = Object.hasOwn(asked, 'topic') ? asked.topic : undefined;
    const spec = typeof name === 'string' ? this.#shared.topics.get(name) : undefined;
    const source = typeof name === 'string' ? this.#shared.sources.get(name) : undefined;
    if (spec === undefined || source === undefined) {
      throw rpcError('params-invalid', { at: 'topic' });
    }
    if (spec.access === 'operator' && this.#options.access !== 'operator') {
      throw rpcError('not-permitted');
    }
    const value = readParams(spec.params, Object.hasOwn(asked, 'params') ? asked.params : {});
    const subscription = this.#nextSubscription++;
    outbox.open(subscription, spec.keep);
    // Events pushed before the answer left wait a turn, so that the asker knows the number first.
    let isAnswered = false;
    const early: Json[] = [];
    const push = (event: unknown): void => {
      const json = spec.event.toJson(event);
      if (isAnswered) outbox.push(subscription, json);
      else early.push(json);
    };
    this.#ends.set(subscription, source(value, push, this.#context(this.#life.signal)));
    this.#shared.clock.after(0, () => {
      isAnswered = true;
      for (const event of early) outbox.push(subscription, event);
    });
    return { subscription };
  }

  #unsubscribe(params: Json | undefined): Json {
    const asked = isJsonObject(params) ? params.subscription : undefined;
    const end = typeof asked === 'number' ? this.#ends.get(asked) : undefined;
    if (typeof asked !== 'number' || end === undefined) return { wasOpen: false };
    this.#ends.delete(asked);
    this.#outbox?.close(asked);
    end();
    return { wasOpen: true };
  }

  #cancel(params: Json | undefined): Json {
    const id = isJsonObject(params) ? params.id : undefined;
    if (typeof id !== 'string' && typeof id !== 'number') return { wasRunning: false };
    const call = this.#named.get(callKey(id));
    call?.abort(rpcError('aborted'));
    return { wasRunning: call !== undefined };
  }

  #publicError(method: string, error: unknown): TabellionError {
    const data = errorToData(error);
    if (error instanceof TabellionError && isRpcErrorCode(error.code)) return error;
    if (data.code === 'aborted') return rpcError('aborted');
    this.#shared.tracer.trace('error', 'rpc-internal-error', {
      method: method.slice(0, 64),
      code: data.code,
      message: data.message.slice(0, 256),
      isBug: error instanceof AssertionError,
    });
    return rpcError('internal-error');
  }
}

function callKey(id: RpcId): string {
  return `${typeof id}:${id}`;
}

/** Parameters by name only; an empty list stands for none, as some clients always send one. */
function readParams<Params>(codec: Codec<Params>, params: Json | undefined): Params {
  const isEmptyList = Array.isArray(params) && params.length === 0;
  const object: Json = params === undefined || isEmptyList ? {} : params;
  const parsed = parseJson(codec, object);
  if (!parsed.ok) {
    throw rpcError('params-invalid', { reason: parsed.error.code, at: String(parsed.error.at) });
  }
  return parsed.value;
}

/** One running call. Few methods look at its signal, so it is made when asked for. */
class Call {
  #controller: AbortController | undefined;
  #reason: TabellionError | undefined;
  #reject: ((reason: TabellionError) => void) | undefined;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  abort(reason: TabellionError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
    this.#reject?.(reason);
  }

  /** Runs what waited for its turn, unless the call was aborted meanwhile. */
  async begin<Value>(run: () => Promise<Value>): Promise<Value> {
    if (this.#reason !== undefined) throw this.#reason;
    return run();
  }

  /** Settles as the promise does, or rejects once the call is aborted. */
  until<Value>(promise: Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      if (this.#reason !== undefined) reject(this.#reason);
      promise.then(resolve, reject);
    });
  }
}
