import type { MethodName, ParamsOf, ResultOf } from './methods.ts';
import type { TopicEvent, TopicName, TopicParams } from './topics.ts';

/** Who asks, and how. */
export type CallContext = {
  /** Aborts when the asker cancels, leaves, or the time is up. */
  readonly signal: AbortSignal;
  readonly access: 'public' | 'operator';
  readonly transport: 'port' | 'http' | 'websocket';
  /** IP address of the asker, for rates per person (faucet); absent inside a tab. */
  readonly remoteAddress: string | undefined;
};

/** Methods that the server answers by itself. */
export type OwnMethod = 'rpc.discover';

/**
 * What a node implements: one function a method, values in and out. Refuse with `rpcError`; any
 * other exception is reported to the tracer and told as `internal-error`.
 */
export type MethodHandlers = {
  readonly [Name in Exclude<MethodName, OwnMethod>]: (
    params: ParamsOf<Name>,
    context: CallContext,
  ) => Promise<ResultOf<Name>>;
};

/**
 * What a node implements: one source a topic. It pushes how things are at once (also before it
 * returns), then each change; the returned function ends it and may be called twice.
 */
export type TopicSources = {
  readonly [Name in TopicName]: (
    params: TopicParams<Name>,
    push: (event: TopicEvent<Name>) => void,
    context: CallContext,
  ) => () => void;
};

export type RpcHandlers = { readonly methods: MethodHandlers; readonly topics: TopicSources };
