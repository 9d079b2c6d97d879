import type { Json } from '../base/index.ts';
import { TabellionError } from '../base/index.ts';
import type { Codec } from '../codec/index.ts';
import { parseJson } from '../codec/index.ts';
import type { ActionView, Address, AssetId, Header, Height } from '../ledger/index.ts';
import type {
  AccountView,
  BlockList,
  BlockView,
  Cursor,
  HeadView,
  History,
  MethodName,
  MethodSpec,
  Methods,
  ParamsOf,
  ResultOf,
  TopicEvent,
  TopicName,
  TopicParams,
  TopicSpec,
  TransactionStatus,
  Trust,
} from '../rpc/index.ts';
import { builtinMethods, topics } from '../rpc/index.ts';
import type { CallOptions, Transport } from './transport.ts';
import type { Trusted } from './trust.ts';
import { capTrust, mapTrusted, trustedOf } from './trust.ts';

type OptionalNames<Value> = {
  [Name in keyof Value]: undefined extends Value[Name] ? Name : never;
}[keyof Value];

/** A value whose members that may be absent may be left out. */
export type Input<Value> = Omit<Value, OptionalNames<Value>> & {
  readonly [Name in OptionalNames<Value>]?: Value[Name];
};

/** Methods whose answers say how far they may be believed. */
export type TrustedMethod = {
  [Name in MethodName]: ResultOf<Name> extends { readonly trust: Trust } ? Name : never;
}[MethodName];
/** Topics whose events do. */
export type TrustedTopic = {
  [Name in TopicName]: TopicEvent<Name> extends { readonly trust: Trust } ? Name : never;
}[TopicName];

/** Asks a node: the same face for the node of this tab, of another tab, and of a relay. */
export interface Client {
  /** The most that an answer through this client may be believed. */
  readonly trustMax: Trust;
  /**
   * Asks one method of the table. Rejects with `TabellionError`: the method's own codes,
   * `timed-out`, `connection-failed`, `leader-changed`, `answer-malformed`, `aborted`.
   */
  call<Name extends MethodName>(
    method: Name,
    params: Input<ParamsOf<Name>> | ParamsOf<Name>,
    options?: CallOptions,
  ): Promise<ResultOf<Name>>;
  /** As `call`, for methods about the ledger: the answer's trust is part of its type. */
  ask<Name extends TrustedMethod>(
    method: Name,
    params: Input<ParamsOf<Name>> | ParamsOf<Name>,
    options?: CallOptions,
  ): Promise<Trusted<ResultOf<Name>>>;
  /** As `subscribe`, for topics about the ledger. */
  follow<Name extends TrustedTopic>(
    topic: Name,
    params: Input<TopicParams<Name>> | TopicParams<Name>,
    push: (event: Trusted<TopicEvent<Name>>) => void,
    fail?: (error: unknown) => void,
  ): () => void;
  /**
   * Follows a topic, over reconnections and changes of leader, until the returned function is
   * called. `fail` is called once, when the node refuses the topic.
   */
  subscribe<Name extends TopicName>(
    topic: Name,
    params: Input<TopicParams<Name>> | TopicParams<Name>,
    push: (event: TopicEvent<Name>) => void,
    fail?: (error: unknown) => void,
  ): () => void;
  readonly account: {
    get(address: Address, options?: CallOptions): Promise<Trusted<AccountView>>;
    history(
      address: Address,
      page?: { readonly before?: Cursor; readonly limit?: number },
      options?: CallOptions,
    ): Promise<Trusted<History>>;
  };
  readonly block: {
    get(at: Height | undefined, options?: CallOptions): Promise<Trusted<BlockView>>;
    list(
      page?: { readonly before?: Height; readonly limit?: number },
      options?: CallOptions,
    ): Promise<Trusted<BlockList>>;
  };
  readonly asset: {
    get(asset: AssetId, options?: CallOptions): Promise<Trusted<ResultOf<'asset.get'>>>;
    /** Balance of one asset in smallest units; 0 when the account holds none. */
    balance(address: Address, asset: AssetId, options?: CallOptions): Promise<Trusted<bigint>>;
  };
  readonly transaction: {
    /** Hands over signed bytes; answers their id. */
    submit(bytes: Uint8Array, options?: CallOptions): Promise<ResultOf<'transaction.submit'>>;
    get(
      id: TransactionStatus['id'],
      options?: CallOptions,
    ): Promise<Trusted<ResultOf<'transaction.get'>>>;
    status(id: TransactionStatus['id'], options?: CallOptions): Promise<Trusted<TransactionStatus>>;
    /** Waits until the transaction is final, failed or expired, telling each step. */
    settled(
      id: TransactionStatus['id'],
      onStep?: (status: Trusted<TransactionStatus>) => void,
      options?: CallOptions,
    ): Promise<Trusted<TransactionStatus>>;
  };
  /** Kinds of action with the wording and shape of their fields. */
  actions(options?: CallOptions): Promise<readonly ActionView[]>;
  /** Ends the transport; may be called twice. */
  close(): void;
}

const VERDICTS: readonly string[] = ['final', 'failed', 'expired'];

/** Makes a client that speaks the table `methods` over a transport. */
export function createClientOf(transport: Transport, methods: Methods): Client {
  const { trustMax } = transport;

  const call: Client['call'] = async (method, params, options = {}) => {
    // `as`: the table's type ties parameters and answer to the name; here they pass through.
    const spec = methods[method] as unknown as MethodSpec<unknown, ResultOf<typeof method>>;
    const json = await transport.call(method, spec.params.toJson(params), {
      ...options,
      isIdempotent: spec.isIdempotent,
    });
    return capTrust(spec.result.shape, read(spec.result, json, method), trustMax);
  };
  const ask: Client['ask'] = async (method, params, options) => {
    const answer = await call(method, params, options);
    return trustedOf(answer, heightOfAnswer(answer));
  };

  const subscribe: Client['subscribe'] = (topic, params, push, fail = () => undefined) => {
    // `as`: as in `call`.
    const spec = topics[topic] as unknown as TopicSpec<unknown, TopicEvent<typeof topic>>;
    return transport.subscribe(
      topic,
      spec.params.toJson(params),
      (event) => {
        const parsed = parseJson(spec.event, event);
        if (parsed.ok) push(capTrust(spec.event.shape, parsed.value, trustMax));
      },
      fail,
    );
  };
  const follow: Client['follow'] = (topic, params, push, fail) =>
    subscribe(topic, params, (event) => push(trustedOf(event, heightOfAnswer(event))), fail);

  const client: Client = {
    trustMax,
    call,
    ask,
    subscribe,
    follow,
    account: {
      get: (address, options) => ask('account.get', { address }, options),
      history: (address, page = {}, options) =>
        ask('account.history', { address, ...page }, options),
    },
    block: {
      get: (at, options) => ask('block.get', at === undefined ? {} : { height: at }, options),
      list: (page = {}, options) => ask('block.list', page, options),
    },
    asset: {
      get: (asset, options) => ask('asset.get', { asset }, options),
      async balance(address, asset, options) {
        const account = await ask('account.get', { address }, options);
        return mapTrusted(account, ({ balances }) => {
          const held = balances.find((each) => each.asset.every((b, at) => b === asset[at]));
          return held?.amount ?? 0n;
        });
      },
    },
    transaction: {
      // `as`: bytes over any buffer are read, never kept.
      submit: (bytes, options) =>
        call('transaction.submit', { bytes: bytes as Uint8Array<ArrayBuffer> }, options),
      get: (id, options) => ask('transaction.get', { id }, options),
      status: (id, options) => ask('transaction.status', { id }, options),
      settled: (id, onStep, options) => settled(client, id, onStep, options),
    },
    async actions(options) {
      const { actions } = await call('actions.schema', {}, options);
      return actions as unknown as readonly ActionView[]; // Made of the ledger's own views.
    },
    close: () => transport.close(),
  };
  return client;
}

function read<Value>(codec: Codec<Value>, json: Json, method: string): Value {
  const parsed = parseJson(codec, json);
  if (parsed.ok) return parsed.value;
  const { code, at } = parsed.error;
  throw new TabellionError('answer-malformed', { method, reason: code, at });
}

/** The height that an answer holds for, where it stands in one of its members. */
function heightOfAnswer(answer: object): Height | undefined {
  // `as`: answers differ; each of these members has one type in all of the table.
  const { height, header, status, head } = answer as {
    readonly height?: Height;
    readonly header?: Header;
    readonly status?: TransactionStatus;
    readonly head?: HeadView;
  };
  return height ?? header?.height ?? status?.height ?? head?.height;
}

function settled(
  client: Client,
  id: TransactionStatus['id'],
  onStep: (status: Trusted<TransactionStatus>) => void = () => undefined,
  options: CallOptions = {},
): Promise<Trusted<TransactionStatus>> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    let unsubscribe: () => void = () => undefined;
    let isDone = false;
    const end = (finish: () => void): void => {
      isDone = true;
      unsubscribe();
      signal?.removeEventListener('abort', onAbort);
      finish();
    };
    const onAbort = (): void => end(() => reject(new TabellionError('aborted')));
    if (signal?.aborted) return onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    unsubscribe = client.follow(
      'transaction',
      { id },
      (status) => {
        if (isDone) return;
        onStep(status);
        if (VERDICTS.includes(status.value.stage)) end(() => resolve(status));
      },
      (error) => end(() => reject(error)),
    );
    if (isDone) unsubscribe();
  });
}

/** As {@link createClientOf}, for the modules that ship with the ledger. */
export function createClient(transport: Transport): Client {
  return createClientOf(transport, builtinMethods());
}
