import type { Json } from '../base/index.ts';
import { timestampMs } from '../base/index.ts';
import type { Codec } from '../codec/index.ts';
import { struct, union } from '../codec/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Action, Amount, Height, Sequence } from '../ledger/index.ts';
import { addressCodec, amountCodec } from '../ledger/index.ts';
import { rpcError } from './errors.ts';
import type { RpcHandlers } from './handlers.ts';
import { createMethods } from './methods.ts';
import type { TopicEvent } from './topics.ts';

const transfer = union('Action', {
  'asset.transfer': struct('Transfer', { recipient: addressCodec, amount: amountCodec }),
});
/** Enough of an action codec to make the table in tests of this room. */
export const testMethods = createMethods(transfer as unknown as Codec<Action>);

// Plain numbers of tests stand for their brands.
export const height = (value: number): Height => value as Height;
export const hashOf = (byte: number): Hash => new Uint8Array(32).fill(byte) as Hash;

export const head = (at: number): TopicEvent<'heads'> => ({
  height: height(at),
  hash: hashOf(at & 0xff),
  timestampMs: timestampMs(1_000 * at),
  transactionCount: at,
});

export type TestNode = RpcHandlers & {
  readonly calls: string[];
  /** Pushes a head to every subscriber of `heads`. */
  pushHead(at: number): void;
  readonly subscribers: { readonly heads: number };
};

/** Handlers that know one account and can be told to announce heads. */
export function createTestNode(): TestNode {
  const calls: string[] = [];
  const heads = new Set<(event: TopicEvent<'heads'>) => void>();
  const absent = () => Promise.reject(rpcError('not-found'));
  const quiet = () => () => undefined;
  const node: Partial<RpcHandlers['methods']> = {
    'account.get': async ({ address }) => {
      calls.push('account.get');
      return {
        address,
        sequence: 7 as Sequence,
        policy: undefined,
        keys: [],
        balances: [
          {
            asset: hashOf(0) as unknown as TestAsset,
            amount: (2n ** 60n) as Amount,
            symbol: 'TAB',
            name: 'Tab',
            decimals: 6,
          },
        ],
        height: height(3),
        trust: 'validated',
      };
    },
    'mempool.status': async () => ({ count: 1, bytes: 2, countMax: 3, bytesMax: 4 }),
    'node.pause': async () => {
      calls.push('node.pause');
      return {};
    },
    'transaction.submit': async ({ bytes }) => {
      calls.push('transaction.submit');
      if (bytes.length === 0) throw rpcError('sequence-used', { expected: 8, actual: 7 });
      return { id: hashOf(bytes.length) };
    },
    'node.consensus': () => Promise.reject(new TypeError('secret detail')),
    'node.peers': (_, { signal }) =>
      new Promise((_resolve, reject) => {
        calls.push('node.peers');
        signal.addEventListener('abort', () => {
          calls.push('node.peers aborted');
          reject(signal.reason);
        });
      }),
  };
  const methods = new Proxy(node, {
    get: (known, name) => Reflect.get(known, name) ?? absent,
    ownKeys: () => Object.keys(testMethods),
    getOwnPropertyDescriptor: (known, name) => ({
      value: Reflect.get(known, name) ?? absent,
      enumerable: true,
      configurable: true,
    }),
  });
  return {
    calls,
    // The proxy answers every name of the table.
    methods: methods as RpcHandlers['methods'],
    topics: {
      heads: (_, push) => {
        heads.add(push);
        push(head(1));
        return () => heads.delete(push);
      },
      transaction: quiet,
      account: quiet,
      mempool: quiet,
      status: quiet,
      consensus: quiet,
      peers: quiet,
      events: quiet,
    },
    pushHead(at) {
      for (const push of heads) push(head(at));
    },
    subscribers: {
      get heads() {
        return heads.size;
      },
    },
  };
}

type TestAsset = TopicEvent<'account'>['balances'][number]['asset'];

/** A JSON-RPC request by name. */
export function request(id: number | string, method: string, params: Json = {}): Json {
  return { jsonrpc: '2.0', id, method, params };
}
