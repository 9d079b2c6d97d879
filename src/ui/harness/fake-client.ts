import { TabellionError } from '../../base/index.ts';
import type {
  Address,
  Client,
  Gas,
  Hash,
  Height,
  MethodName,
  ResultOf,
  TopicName,
} from '../../sdk/index.ts';
import * as figures from './figures.ts';

/** A pretended node: one block every two seconds, answers made up. */
export function createFakeClient(): Client {
  let head = figures.START + 21;
  const listeners = new Set<() => void>();
  setInterval(() => {
    head += 1;
    for (const listener of listeners) listener();
  }, 2000);

  const answers: { [Name in MethodName]?: (params: never) => ResultOf<Name> } = {
    'chain.info': () => figures.chain,
    'node.status': () => figures.statusAt(head),
    'node.peers': () => figures.peers,
    'node.storage': () => figures.storage,
    'node.consensus': () => figures.consensusAt(head),
    'node.diagnostics': () => ({ bundle: {} }),
    'block.list': ({ before = (head + 1) as Height }: { before?: Height }) => ({
      blocks: Array.from({ length: 50 }, (_, at) => before - 1 - at)
        .filter((at) => at >= 0)
        .map((at) => figures.summaryAt(at, head)),
      trust: 'validated',
    }),
    'block.get': ({ height = head as Height }: { height?: Height }) =>
      figures.blockAt(height, head),
    'transaction.get': ({ id }: { id: Hash }) => figures.transactionOf(id),
    'transaction.status': ({ id }: { id: Hash }) => figures.transactionOf(id).status,
    'account.get': ({ address }: { address: Address }) => figures.accountOf(address, head),
    'account.history': ({ address }: { address: Address }) => figures.historyOf(address),
    'account.findByCredential': () => ({
      address: undefined,
      accounts: [],
      height: head as Height,
      trust: 'validated',
    }),
    'validators.get': () => ({
      height: head as Height,
      validators: figures.validators,
      trust: 'validated',
    }),
    'asset.list': () => ({
      assets: [
        {
          asset: figures.accountOf(figures.ben, head).balances[1]?.asset ?? figures.NATIVE,
          symbol: 'GOLD',
          name: 'Gold receipts',
          decimals: 2,
          supply: figures.amount(100_000_00n),
          issuer: figures.ben,
        },
      ],
      next: undefined,
      height: head as Height,
      trust: 'validated',
    }),
    'parameters.get': () => ({
      parameters: figures.parameters,
      height: head as Height,
      trust: 'validated',
    }),
    'transaction.simulate': () => ({
      outcome: { kind: 'succeeded' },
      gasUsed: 8000 as Gas,
      fee: figures.amount(10_000n),
      payer: figures.ben,
      changes: [],
      logs: [],
      problem: undefined,
      height: head as Height,
      trust: 'validated',
    }),
  };

  const events: { [Name in TopicName]?: () => unknown } = {
    status: () => figures.statusAt(head),
    heads: () => figures.statusAt(head).head,
    consensus: () => figures.consensusAt(head),
    mempool: () => ({ count: 14, bytes: 5000, countMax: 20_000, bytesMax: 32_000_000 }),
  };

  // The table above is partial and untyped by design: a harness pretends.
  const call = async (name: MethodName, params: unknown) => {
    await new Promise((resolve) => setTimeout(resolve, 30));
    const answer = answers[name] as ((params: unknown) => unknown) | undefined;
    if (answer === undefined) throw new TabellionError('not-found', { name });
    return answer(params);
  };
  const subscribe = (name: TopicName, _: unknown, push: (event: unknown) => void) => {
    const say = () => {
      const event = events[name];
      if (event !== undefined) push(event());
    };
    listeners.add(say);
    setTimeout(say, 30);
    return () => listeners.delete(say);
  };
  return { trustMax: 'validated', call, subscribe, close: () => undefined } as unknown as Client;
}
