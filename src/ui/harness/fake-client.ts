import { TabellionError, timestampMs } from '../../base/index.ts';
import type {
  Address,
  Client,
  Gas,
  Hash,
  Height,
  History,
  MethodName,
  ResultOf,
  TopicName,
} from '../../sdk/index.ts';
import type { NodeMode, NodeStatus } from '../hooks/client.ts';
import * as figures from './figures.ts';
import type { State } from './states.ts';

/** A pretended node: one block every two seconds, answers made up. */
export function createFakeClient(state: State): Client {
  let head = figures.START + 21;
  let mode: NodeMode | undefined;
  let isPromoted = false;
  let isCleared = false;
  let isReset = false;
  let given: { readonly text: string; readonly atMs: number } | undefined;
  let isReplayTrusting = false;
  let knownRelays = figures.chain.knownRelays;
  const listeners = new Set<() => void>();
  const tell = () => {
    for (const listener of listeners) listener();
  };
  setInterval(() => {
    head += 1;
    tell();
  }, 2000);

  /** What a checkpoint makes of trust that ran out. */
  const renewed = (told: NodeStatus): NodeStatus => {
    if (given === undefined || told.light?.isExpired !== true) return told;
    const light = { ...told.light, isExpired: false, comparedVoices: 3, trust: 'proven' } as const;
    return { ...told, trust: 'proven', light: { ...light, stage: 'following' } };
  };
  const status = () => {
    const told = renewed(state.status(figures.statusAt(head)));
    return {
      ...told,
      mode: mode ?? told.mode,
      historyFrom: isReset ? figures.height(0) : told.historyFrom,
      promotion: isPromoted ? ('running' as const) : told.promotion,
      light:
        told.light === undefined || !isCleared ? told.light : { ...told.light, alarm: undefined },
    };
  };
  const trust = () => state.answers ?? status().trust;
  const chapters = (history: History) =>
    (state.history?.(history) ?? [history]).map((chapter) => ({
      ...chapter,
      trust: state.history === undefined ? trust() : chapter.trust,
    }));
  const standing = () => ({ height: head as Height, trust: trust() });

  const answers: { [Name in MethodName]?: (params: never) => ResultOf<Name> } = {
    'chain.info': () => ({ ...figures.chain, knownRelays }),
    'node.status': status,
    'node.peers': () => state.peers?.(figures.peers) ?? figures.peers,
    'node.storage': () =>
      status().mode === 'light' && status().chainHeight === 0
        ? { ...figures.storage, ...figures.emptyStorage }
        : figures.storage,
    'node.consensus': () => figures.consensusAt(head),
    'node.diagnostics': () => ({ bundle: {} }),
    'node.checkpoint': () => ({
      newest: { text: figures.checkpointAt(head), timestampMs: status().head.timestampMs },
      trust: trust(),
      given: given && {
        text: given.text,
        height: figures.height(Number(given.text.split(':')[0])),
        givenAtMs: timestampMs(given.atMs),
        isLinked: status().mode !== 'light',
      },
      wanted: undefined,
      isReplayTrusting,
      unsigned: [],
      hasFailed: false,
    }),
    'node.trustCheckpoint': ({ text }: { text: string }) => {
      if (!text.toLowerCase().endsWith(figures.checkpointAt(0).slice(1))) {
        throw new TabellionError('checkpoint-unserved');
      }
      given = { text, atMs: Date.now() };
      tell();
      return {};
    },
    'node.configure': (settings: {
      readonly mode?: NodeMode;
      readonly replayTrusting?: boolean;
    }) => {
      isReplayTrusting = settings.replayTrusting ?? isReplayTrusting;
      if (settings.mode === 'archive' && status().historyFrom > 0) {
        throw new TabellionError('mode-needs-reset');
      }
      mode = settings.mode ?? mode;
      tell();
      return {};
    },
    'node.reset': () => {
      isReset = true;
      tell();
      return {};
    },
    'node.addRelay': ({ multiaddr }: { multiaddr: string }) => {
      knownRelays = [...(knownRelays ?? []), multiaddr];
      return {};
    },
    'node.promote': () => {
      isPromoted = true;
      tell();
      return {};
    },
    'node.clearAlarm': () => {
      isCleared = true;
      tell();
      return {};
    },
    'node.evidence': () => ({
      alarms: [
        {
          height: figures.height(48_205),
          first: figures.pretend(1, 900),
          second: figures.pretend(2, 900),
        },
      ],
    }),
    'block.list': ({ before = (head + 1) as Height }: { before?: Height }) => ({
      blocks: Array.from({ length: 50 }, (_, at) => before - 1 - at)
        .filter((at) => at >= 0)
        .map((at) => figures.summaryAt(at, head)),
      trust: before < head - 40 && state.history !== undefined ? 'reported' : trust(),
    }),
    'block.get': ({ height = head as Height }: { height?: Height }) => ({
      ...figures.blockAt(height, head),
      trust: trust(),
    }),
    'transaction.get': ({ id }: { id: Hash }) => ({
      ...figures.transactionOf(id),
      trust: trust(),
    }),
    'transaction.status': ({ id }: { id: Hash }) => figures.transactionOf(id).status,
    'account.get': ({ address }: { address: Address }) => ({
      ...figures.accountOf(address, head),
      trust: trust(),
    }),
    'account.history': ({ address, before }: { address: Address; before?: unknown }) => {
      const [newest, older] = chapters(figures.historyOf(address));
      const page = before === undefined ? newest : older;
      if (page === undefined) throw new TabellionError('not-found');
      return page;
    },
    'account.findByCredential': () => ({
      address: undefined,
      accounts: [],
      ...standing(),
    }),
    'faucet.request': () => ({ id: figures.hash(5001) }),
    'validators.get': () => ({ validators: figures.validators, ...standing() }),
    'asset.get': () => ({ ...figures.gold, ...standing() }),
    'asset.list': () => ({ assets: [figures.gold], next: undefined, ...standing() }),
    'parameters.get': () => ({ parameters: figures.parameters, ...standing() }),
    'transaction.simulate': () => ({
      outcome: { kind: 'succeeded' },
      gasUsed: 8000 as Gas,
      fee: figures.amount(10_000n),
      payer: figures.ben,
      changes: [],
      logs: [],
      problem: undefined,
      ...standing(),
    }),
  };

  const events: { [Name in TopicName]?: () => unknown } = {
    status,
    heads: () => status().head,
    consensus: () => figures.consensusAt(head),
    transaction: () => (state.grant === 'failed' ? { stage: 'failed' } : undefined),
    mempool: () => ({ count: 14, bytes: 5000, countMax: 20_000, bytesMax: 32_000_000 }),
  };

  // The table above is partial and untyped by design: a harness pretends.
  const call = async (name: MethodName, params: unknown) => {
    await new Promise((resolve) => setTimeout(resolve, 30));
    const answer = answers[name] as ((params: unknown) => unknown) | undefined;
    if (answer === undefined) throw new TabellionError('not-found', { name });
    return answer(params);
  };
  const subscribe = (
    name: TopicName,
    _: unknown,
    push: (event: unknown) => void,
    fail?: (error: unknown) => void,
  ) => {
    if (name === 'transaction' && state.grant === 'unheard') {
      setTimeout(() => fail?.(new TabellionError('proof-unavailable')), 30);
    }
    const say = () => {
      const event = events[name]?.();
      if (event !== undefined) push(event);
    };
    listeners.add(say);
    setTimeout(say, 30);
    return () => listeners.delete(say);
  };
  return { trustMax: 'validated', call, subscribe, close: () => undefined } as unknown as Client;
}
