import type { Json } from '../base/index.ts';
import { TabellionError } from '../base/index.ts';
import type { Codec } from '../codec/index.ts';
import { parseJson } from '../codec/index.ts';
import type { ActionView, Address, AssetId, Height } from '../ledger/index.ts';
import type {
  AccountView,
  BlockList,
  BlockView,
  Cursor,
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
import { capTrust, trustedOf } from './trust.ts';

type OptionalNames<Value> = {
  [Name in keyof Value]: undefined extends Value[Name] ? Name : never;
}[keyof Value];

/** A value whose members that may be absent may be left out. */
export type Input<Value> = Omit<Value, OptionalNames<Value>> & {
  readonly [Name in OptionalNames<Value>]?: Value[Name];
};

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
    /** Balance of one asset in smallest units; 0 when the account holds none. */
    balance(address: Address, asset: AssetId, options?: CallOptions): Promise<Trusted<bigint>>;
  };
  readonly transaction: {
    /** Hands over signed bytes; answers their id. */
    submit(bytes: Uint8Array, options?: CallOptions): Promise<ResultOf<'transaction.submit'>>;
    /** Waits until the transaction is final, failed or expired, telling each step. */
    settled(
      id: TransactionStatus['id'],
      onStep?: (status: TransactionStatus) => void,
      options?: CallOptions,
    ): Promise<TransactionStatus>;
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
    return capTrust(read(spec.result, json, method), trustMax);
  };

  const subscribe: Client['subscribe'] = (topic, params, push, fail = () => undefined) => {
    // `as`: as in `call`.
    const spec = topics[topic] as unknown as TopicSpec<unknown, TopicEvent<typeof topic>>;
    return transport.subscribe(
      topic,
      spec.params.toJson(params),
      (event) => {
        const parsed = parseJson(spec.event, event);
        if (parsed.ok) push(capTrust(parsed.value, trustMax));
      },
      fail,
    );
  };

  const client: Client = {
    trustMax,
    call,
    subscribe,
    account: {
      get: async (address, options) => trustedOf(await call('account.get', { address }, options)),
      async history(address, page = {}, options) {
        const history = await call('account.history', { address, ...page }, options);
        return trustedOf(history);
      },
    },
    block: {
      async get(at, options) {
        const block = await call('block.get', at === undefined ? {} : { height: at }, options);
        return { value: block, trust: block.trust, height: block.header.height };
      },
      async list(page = {}, options) {
        return trustedOf(await call('block.list', page, options));
      },
    },
    asset: {
      async balance(address, asset, options) {
        const account = await call('account.get', { address }, options);
        const held = account.balances.find((each) => each.asset.every((b, at) => b === asset[at]));
        return { value: held?.amount ?? 0n, trust: account.trust, height: account.height };
      },
    },
    transaction: {
      // `as`: bytes over any buffer are read, never kept.
      submit: (bytes, options) =>
        call('transaction.submit', { bytes: bytes as Uint8Array<ArrayBuffer> }, options),
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

function settled(
  client: Client,
  id: TransactionStatus['id'],
  onStep: (status: TransactionStatus) => void = () => undefined,
  options: CallOptions = {},
): Promise<TransactionStatus> {
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
    unsubscribe = client.subscribe(
      'transaction',
      { id },
      (status) => {
        if (isDone) return;
        onStep(status);
        if (VERDICTS.includes(status.stage)) end(() => resolve(status));
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
