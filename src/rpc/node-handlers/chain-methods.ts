import type { Json, Result } from '../../base/index.ts';
import { defined, formatHex, timestampMs } from '../../base/index.ts';
import { encode } from '../../codec/index.ts';
import type { Hash } from '../../crypto/index.ts';
import { merkleProof } from '../../crypto/index.ts';
import type { Height, Log } from '../../ledger/index.ts';
import {
  AMOUNT_MAX,
  BLOCK_TRANSACTIONS_MAX,
  TRANSACTION_BYTES_MAX,
  transactionLeaf,
} from '../../ledger/index.ts';
import type {
  IncludedTransaction,
  LedgerSource,
  SubmissionError,
  TrackedTransaction,
} from '../../node/index.ts';
import { breathing } from '../../node/index.ts';
import type { RpcErrorCode } from '../errors.ts';
import { isRpcErrorCode, rpcError } from '../errors.ts';
import type { MethodHandlers } from '../handlers.ts';
import { BLOCKS_PER_PAGE_MAX, HISTORY_PER_PAGE_MAX } from '../limits.ts';
import type { ParamsOf } from '../methods.ts';
import type { BlockSummary } from '../transaction-views.ts';
import type { Cursor, TransactionStatus } from '../views.ts';
import type { NodeContext } from './context.ts';
import { blockViewOf, limitOf, readOptions, summaryOf } from './context.ts';

type ChainMethods = Pick<
  MethodHandlers,
  | 'block.get'
  | 'block.list'
  | 'transaction.get'
  | 'transaction.status'
  | 'transaction.statuses'
  | 'transaction.submit'
  | 'transaction.simulate'
  | 'transaction.proof'
  | 'account.history'
>;

/** Facts of a ledger's refusal as JSON: amounts as text. */
function factsOf(error: { readonly code: string }): { readonly [name: string]: Json } {
  const facts: { [name: string]: Json } = {};
  for (const [name, value] of Object.entries<unknown>(error)) {
    if (name === 'code') continue;
    if (typeof value === 'bigint') facts[name] = value.toString();
    else if (typeof value === 'number' || typeof value === 'string') facts[name] = value;
  }
  return facts;
}

/** Throws a refusal of ledger or mempool as the public error of the same code. */
function refuse(error: { readonly code: string }): never {
  const code: RpcErrorCode = isRpcErrorCode(error.code) ? error.code : 'internal-error';
  throw rpcError(code, factsOf(error));
}

function accepted<Value>(result: Result<Value, SubmissionError>): Value {
  return result.ok ? result.value : refuse(result.error);
}

/** How far a transaction came: by the tracker, else by the chain. */
export async function transactionStatusOf(
  context: NodeContext,
  id: Hash,
  signal?: AbortSignal,
): Promise<TransactionStatus> {
  return defined((await statusesOf(context, [id], signal))[0], 'one for each');
}

/** As {@link transactionStatusOf}, in the order asked; each block is read once, for all of them. */
async function statusesOf(
  context: NodeContext,
  ids: readonly Hash[],
  signal?: AbortSignal,
): Promise<TransactionStatus[]> {
  const { tracker } = context.parts;
  const source = context.source();
  const known = new Map<string, TrackedTransaction>();
  const wanted = new Map<string, Hash>();
  for (const id of ids) {
    const tracked = tracker.get(id);
    if (tracked !== undefined && tracked.stage !== 'seen') known.set(formatHex(id), tracked);
    else wanted.set(formatHex(id), id);
  }
  const found = await context.transactions(source, [...wanted.values()], signal);
  const included = new Map([...wanted.keys()].map((key, at) => [key, found[at]]));
  return ids.map((id) => {
    const key = formatHex(id);
    const place = included.get(key);
    // Its block may have been committed while it was looked up, a moment before the tracker hears.
    const tracked = tracker.get(id) ?? known.get(key);
    const saysMore = tracked !== undefined && (place === undefined || tracked.stage !== 'seen');
    if (saysMore) return statusOfTracked(context, tracked);
    if (place === undefined) return unknownStatus(context, id);
    return { ...statusIn(context, id, place), trust: context.trustAt(source, place.height) };
  });
}

function statusIn(context: NodeContext, id: Hash, included: IncludedTransaction) {
  const { height, index, timestampMs, transaction, receipt } = included;
  const { outcome } = receipt;
  const known = context.parts.tracker.get(id);
  return {
    ...unknownStatus(context, id),
    seenAtMs: known?.seenAtMs,
    finalAtMs: known === undefined ? undefined : context.node.home.clock.now(),
    stage: outcome.kind === 'failed' ? 'failed' : 'final',
    height,
    index,
    includedAtMs: timestampMs,
    validUntil: transaction.body.validUntil,
    code: outcome.kind === 'failed' ? outcome.code : undefined,
    actionIndex: outcome.kind === 'failed' ? outcome.actionIndex : undefined,
  } as const;
}

function unknownStatus(context: NodeContext, id: Hash): TransactionStatus {
  return {
    id,
    stage: 'unknown',
    height: undefined,
    index: undefined,
    seenAtMs: undefined,
    includedAtMs: undefined,
    finalAtMs: undefined,
    validUntil: undefined,
    code: undefined,
    actionIndex: undefined,
    trust: context.trust(),
  };
}

export function statusOfTracked(
  context: NodeContext,
  tracked: TrackedTransaction,
): TransactionStatus {
  const { height } = tracked;
  const trust = height === undefined ? context.trust() : context.trustAt(context.source(), height);
  return { ...tracked, trust };
}

/** Blocks, transactions, and what accounts did. */
export function chainMethods(context: NodeContext): ChainMethods {
  const { node } = context;
  return {
    'block.get': async ({ height, hash, isHeaderOnly }, { signal }) => {
      const source = context.source();
      const found = hash === undefined ? height : await heightOfHash(source, hash, signal);
      const at = found ?? source.head().header.height;
      const view =
        isHeaderOnly === true
          ? { ...(await context.outline(source, at, signal)), transactions: [] }
          : blockViewOf(await context.block(source, at));
      const told = { height: at, certificate: view.certificate };
      const certificate = await context.certificateOf(source, told, signal);
      return { ...view, certificate, trust: context.trustAt(source, at) };
    },
    'block.list': (question, { signal }) => blockListOf(context, question, signal),
    'transaction.get': ({ id }, { signal }) => transactionOf(context, id, signal),
    'transaction.status': ({ id }, { signal }) => transactionStatusOf(context, id, signal),
    'transaction.statuses': async ({ ids }, { signal }) => ({
      statuses: await statusesOf(context, ids, signal),
    }),
    'transaction.submit': async ({ bytes }) => {
      // Where no chain is, the state that it is judged by has to be asked for.
      if (context.source().kind === 'light') context.strangers?.charge(1);
      return { id: accepted(await node.submit(bytes)) };
    },
    'transaction.simulate': (question, { signal }) => simulate(context, question, signal),
    'transaction.proof': async ({ id }, { signal }) => {
      const source = context.source();
      const [place] = await context.transactions(source, [id], signal);
      if (place === undefined) throw rpcError('not-found');
      const { prepared, certificate } = await context.block(source, place.height);
      const { suite } = node.ledger;
      const own = prepared.transactions[place.index];
      if (own === undefined) throw rpcError('proof-unavailable');
      const leaves = prepared.transactions.map((each) => transactionLeaf(suite, each));
      return {
        header: prepared.block.header,
        hash: prepared.hash,
        certificate: await context.certificateOf(
          source,
          { height: place.height, certificate },
          signal,
        ),
        membership: await context.membershipAt(source, place.height, signal),
        id,
        signedHash: own.signedHash,
        index: place.index,
        count: leaves.length,
        siblings: merkleProof(suite, leaves, place.index),
      };
    },
    'account.history': async ({ address, before, limit }, { signal }) => {
      const source = context.source();
      // As it was before reading: a block that comes meanwhile may be told of, or not.
      const { height: head } = source.head().header;
      const { upTo = head, ...told } = await source.history(address, {
        ...(before === undefined ? {} : { before: placeOf(before) }),
        limit: limitOf(limit, HISTORY_PER_PAGE_MAX),
        signal,
        onBlock: breathing(context.node.home.clock),
      });
      const { entries, next, completeFrom, origin, namedBy } = told;
      const heights = entries.map(({ height }) => height);
      const trust = context.trustOver(source, heights);
      return {
        entries: entries.map((each) => ({ id: each.receipt.transactionId, ...each })),
        next,
        height: upTo < head ? upTo : head,
        completeFrom,
        source: origin,
        namedBy,
        // What peers named was not executed here, wherever the newest state comes from.
        trust: origin === 'peers' && trust === 'validated' ? 'proven' : trust,
      };
    },
  };
}

/** A cursor as a place that could be: peers are asked for no others. */
function placeOf({ height, index }: Cursor): Cursor {
  return { height, index: Math.min(index, BLOCK_TRANSACTIONS_MAX) };
}

async function blockListOf(
  context: NodeContext,
  { before, limit }: ParamsOf<'block.list'>,
  signal: AbortSignal,
) {
  const source = context.source();
  const head = source.head().header.height;
  const top = before === undefined ? head : Math.min(head, before - 1);
  const earliest = source.kind === 'chain' ? context.parts.store.earliestHeight() : 0;
  // A page of what is kept here is not drawn out to what only peers have; the next one is theirs.
  const lowest = top >= earliest ? earliest : 0;
  const bottom = Math.max(lowest, top - limitOf(limit, BLOCKS_PER_PAGE_MAX) + 1);
  const blocks: BlockSummary[] = [];
  for (let height = top; height >= bottom; height--) {
    signal.throwIfAborted();
    // Between two heights. Newest first: the source fetches what follows along with it.
    blocks.push(summaryOf(await context.outline(source, height as Height, signal)));
  }
  const heights = blocks.map(({ height }) => height);
  return { blocks, trust: context.trustOver(source, heights) };
}

async function heightOfHash(
  source: LedgerSource,
  hash: Hash,
  signal: AbortSignal,
): Promise<Height> {
  const height = await source.heightOf(hash, { signal });
  if (height === undefined) throw rpcError('not-found');
  return height;
}

async function transactionOf(context: NodeContext, id: Hash, signal: AbortSignal) {
  const source = context.source();
  const [included] = await context.transactions(source, [id], signal);
  if (included === undefined) {
    const pending = context.parts.mempool.get(id);
    // Before its status is looked up: peers that do not know it need not be asked once more.
    if (pending === undefined) throw rpcError('not-found');
    const { transaction, bytes } = pending.payload.prepared;
    const status = await transactionStatusOf(context, id, signal);
    return { id, transaction, bytes, status, receipt: undefined, logs: [], trust: source.trust() };
  }
  const status = await transactionStatusOf(context, id, signal);
  const trust = context.trustAt(source, included.height);
  const { transaction, receipt } = included;
  const bytes = encode(context.node.ledger.codecs.transaction, transaction);
  const logs = logViewsOf(context, receipt.logs);
  return { id, transaction, bytes, status, receipt, logs, trust };
}

/** Logs with their fields, by the schema of their modules. */
function logViewsOf(context: NodeContext, logs: readonly Log[]) {
  return logs.map((log) => {
    const decoded = context.node.ledger.decodeLog(log);
    return { kind: log.kind, accounts: log.accounts, fields: decoded?.json ?? null };
  });
}

async function simulate(
  context: NodeContext,
  question: ParamsOf<'transaction.simulate'>,
  signal: AbortSignal,
) {
  const { ledger, home } = context.node;
  const source = context.source();
  const { initialPolicy, sponsorPolicy } = question;
  const { length } = question.body;
  if (length > TRANSACTION_BYTES_MAX) {
    throw rpcError('too-large', { bytes: length, bytesMax: TRANSACTION_BYTES_MAX });
  }
  const body = ledger.decodeBody(question.body);
  if (!body.ok) throw rpcError('malformed', { reason: body.error.code });
  const { simulation, words, head } = await source.read((view) => {
    const { height: head, timestampMs: lastMs } = source.head().header;
    // The height after the head, at the time that its block would have.
    const place = {
      height: (head + 1) as Height,
      timestampMs: timestampMs(Math.max(home.clock.now(), lastMs + 1)),
    };
    const run = ledger.simulateTransaction(view, place, {
      body: body.value,
      ...(initialPolicy === undefined ? {} : { initialPolicy }),
      ...(sponsorPolicy === undefined ? {} : { sponsorPolicy }),
    });
    if (run.kind === 'missing-keys') return run;
    const found = run.balanceChanges.map(({ asset }) => context.assetWords(view, asset));
    return { kind: 'run' as const, simulation: run, words: found, head };
  }, readOptions(signal));
  const { problem, outcome, gasUsed, fee, payer, logs } = simulation;
  return {
    outcome,
    gasUsed,
    fee: fee > AMOUNT_MAX ? refuse({ code: 'fee-too-low' }) : fee,
    payer,
    changes: simulation.balanceChanges.map((change, index) => ({
      ...change,
      symbol: words[index]?.symbol ?? '?',
      decimals: words[index]?.decimals ?? 0,
    })),
    logs,
    problem:
      problem === undefined
        ? undefined
        : { code: problem.code, facts: factsOf(problem), message: problem.code },
    height: head,
    trust: source.trust(),
  };
}
