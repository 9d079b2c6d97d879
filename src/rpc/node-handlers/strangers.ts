import type { Clock } from '../../base/index.ts';
import type { Height } from '../../ledger/index.ts';
import { TokenBucket } from '../../network/index.ts';
import type { AccountHistory, LedgerSource, StoredBlock, TabellionNode } from '../../node/index.ts';
import { rpcError } from '../errors.ts';
import {
  PEER_HISTORY_MAX,
  STRANGERS_BLOCKS_BURST,
  STRANGERS_BLOCKS_PER_SECOND,
  STRANGERS_QUESTIONS_BURST,
  STRANGERS_QUESTIONS_PER_SECOND,
} from '../limits.ts';

/** Questions that one reading makes this node ask its peers, at most about. */
const OF_BLOCK = 2;
const OF_TRANSACTION = 3;
/** Blocks are asked for in runs, and whoever wants one mostly wants those beside it. */
const OF_SUMMARY = 1 / 8;

/**
 * How many questions strangers may make this node ask its peers, all of them together: peers bound
 * what they answer a node, and its own person needs the most of it. And how many blocks they may
 * make it read in vain.
 */
export class StrangersBudget {
  readonly #clock: Clock;
  readonly #questions: TokenBucket;
  readonly #blocks: TokenBucket;

  constructor(clock: Clock) {
    this.#clock = clock;
    const limit = {
      perSecond: STRANGERS_QUESTIONS_PER_SECOND,
      burst: STRANGERS_QUESTIONS_BURST,
    };
    this.#questions = new TokenBucket(limit, clock.now());
    const inVain = { perSecond: STRANGERS_BLOCKS_PER_SECOND, burst: STRANGERS_BLOCKS_BURST };
    this.#blocks = new TokenBucket(inVain, clock.now());
  }

  /** Takes a block that is read in vain, or refuses with `rate-limited`. */
  chargeBlock(): void {
    if (this.#blocks.take(1, this.#clock.now())) return;
    throw rpcError('rate-limited', { reason: 'blocks-read' });
  }

  /** Takes so many questions if there are so many left. */
  take(count: number): boolean {
    return this.#questions.take(count, this.#clock.now());
  }

  /** Takes so many questions, or refuses with `rate-limited`. */
  charge(count: number): void {
    if (!this.take(count)) throw rpcError('rate-limited', { reason: 'questions-to-peers' });
  }
}

type Store = TabellionNode['parts']['store'];
type HistoryQuery = Parameters<LedgerSource['history']>[1];

/** A source as strangers may use it: what only peers can answer comes out of one budget. */
export function sourceForStrangers(
  source: LedgerSource,
  { store, checkpoints }: TabellionNode['parts'],
  budget: StrangersBudget,
): LedgerSource {
  const isLight = source.kind === 'light';
  const chargeAt = (height: Height, count: number): void => {
    if (height === 0) return; // Every node has it.
    if (isLight || height < store.earliestHeight()) budget.charge(count);
  };
  const isTold = (height: Height): boolean => height <= checkpoints.ownUpTo();
  const isWhole = (): boolean => !isLight && store.historyCompleteFrom() === 0;
  return {
    kind: source.kind,
    head: () => source.head(),
    trust: () => source.trust(),
    membership: () => source.membership(),
    read: async (reading, options) => {
      if (!isLight) return source.read(reading, options);
      // It runs again after every round of questions.
      const bounded: typeof reading = (view) => {
        budget.charge(1);
        return reading(view);
      };
      return source.read(bounded, options);
    },
    prove: async (keys, options) => {
      if (isLight) budget.charge(1);
      return source.prove(keys, options);
    },
    block: async (height, options) => {
      chargeAt(height, OF_BLOCK);
      return source.block(height, options);
    },
    summary: async (height, options) => {
      chargeAt(height, OF_SUMMARY);
      return source.summary(height, options);
    },
    certificateAt: async (height, options) => {
      chargeAt(height, 1);
      return source.certificateAt(height, options);
    },
    membershipAt: async (height, options) => {
      if (height <= source.head().header.height) chargeAt(height, 1);
      return source.membershipAt(height, options);
    },
    heightOf: async (hash, options) => {
      const known = await store.heightOf(hash);
      if ((known !== undefined && isTold(known)) || isWhole()) return known;
      budget.charge(1);
      return source.heightOf(hash, options);
    },
    transaction: async (id, options) => {
      const known = await store.transaction(id);
      if ((known !== undefined && isTold(known.height)) || isWhole()) return known;
      if (isLight) budget.charge(OF_TRANSACTION);
      else if (!budget.take(OF_TRANSACTION)) return undefined; // What this node's own index says.
      return source.transaction(id, options);
    },
    history: async (address, asked) => {
      const query = { ...asked, onBlock: chargingBlocks(asked, budget) };
      const count = 1 + OF_BLOCK * Math.min(query.limit, PEER_HISTORY_MAX);
      if (isWhole() || budget.take(count)) return source.history(address, query);
      if (isLight) throw rpcError('rate-limited', { reason: 'questions-to-peers' });
      return ownHistory(store, address, query);
    },
  };
}

/**
 * As many blocks as entries that were asked for are paid for by the call. An address may be made up
 * whose name in the index is that of a busy account: then all its blocks are read in vain.
 */
function chargingBlocks({ limit, onBlock }: HistoryQuery, budget: StrangersBudget) {
  let count = 0;
  return (block: StoredBlock): void | Promise<void> => {
    count += 1;
    if (count > limit) budget.chargeBlock();
    return onBlock?.(block);
  };
}

/** What this node's own index holds, without what peers know of the time before. */
async function ownHistory(
  store: Store,
  address: Parameters<LedgerSource['history']>[0],
  query: HistoryQuery,
): Promise<AccountHistory> {
  const entries = await store.history(address, query);
  const last = entries.length >= query.limit ? entries.at(-1) : undefined;
  const next = last && { height: last.height, index: last.index };
  return { entries, next, completeFrom: store.historyCompleteFrom(), origin: 'chain' };
}
