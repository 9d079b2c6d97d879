import type { Json, Result } from '../../base/index.ts';
import { defined, formatHex } from '../../base/index.ts';
import { encode } from '../../codec/index.ts';
import type { Hash } from '../../crypto/index.ts';
import { merkleProof } from '../../crypto/index.ts';
import type { Height, Log } from '../../ledger/index.ts';
import { AMOUNT_MAX, transactionLeaf } from '../../ledger/index.ts';
import type { IncludedTransaction, SubmissionError, TrackedTransaction } from '../../node/index.ts';
import type { RpcErrorCode } from '../errors.ts';
import { isRpcErrorCode, rpcError } from '../errors.ts';
import type { MethodHandlers } from '../handlers.ts';
import { BLOCKS_PER_PAGE_MAX, HISTORY_PER_PAGE_MAX } from '../limits.ts';
import type { ParamsOf } from '../methods.ts';
import type { TransactionStatus } from '../views.ts';
import type { NodeContext } from './context.ts';
import { blockViewOf, limitOf, summaryOf } from './context.ts';

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
  const { tracker, store } = context.parts;
  const known = new Map<string, TrackedTransaction>();
  const wanted = new Map<string, Hash>();
  for (const id of ids) {
    const tracked = tracker.get(id);
    if (tracked !== undefined && tracked.stage !== 'seen') known.set(formatHex(id), tracked);
    else wanted.set(formatHex(id), id);
  }
  const found = await store.transactions([...wanted.values()], signal);
  const included = new Map([...wanted.keys()].map((key, at) => [key, found[at]]));
  return ids.map((id) => {
    const key = formatHex(id);
    const place = included.get(key);
    // Its block may have been committed while it was looked up, a moment before the tracker hears.
    const tracked = tracker.get(id) ?? known.get(key);
    const saysMore = tracked !== undefined && (place === undefined || tracked.stage !== 'seen');
    if (saysMore) return statusOfTracked(context, tracked);
    return place === undefined ? unknownStatus(context, id) : statusIn(context, id, place);
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
  return { ...tracked, trust: context.trust() };
}

/** Blocks, transactions, and what accounts did. */
export function chainMethods(context: NodeContext): ChainMethods {
  const { node } = context;
  return {
    'block.get': async ({ height, hash, isHeaderOnly }) => {
      const found = hash === undefined ? height : await heightOfHash(context, hash);
      const at = found ?? context.head().header.height;
      if (isHeaderOnly !== true) return blockViewOf(await context.block(at), context.trust());
      return { ...(await context.outline(at)), transactions: [], trust: context.trust() };
    },
    'block.list': async ({ before, limit }, { signal }) => {
      const head = context.head().header.height;
      const top = before === undefined ? head : Math.min(head, before - 1);
      const bottom = Math.max(
        context.parts.store.earliestHeight(),
        top - limitOf(limit, BLOCKS_PER_PAGE_MAX) + 1,
      );
      const blocks = [];
      for (let height = top; height >= bottom; height--) {
        signal.throwIfAborted();
        blocks.push(summaryOf(await context.outline(height as Height))); // Between two heights.
      }
      return { blocks, trust: context.trust() };
    },
    'transaction.get': ({ id }) => transactionOf(context, id),
    'transaction.status': ({ id }, { signal }) => transactionStatusOf(context, id, signal),
    'transaction.statuses': async ({ ids }, { signal }) => ({
      statuses: await statusesOf(context, ids, signal),
    }),
    'transaction.submit': async ({ bytes }) => ({ id: accepted(await node.submit(bytes)) }),
    'transaction.simulate': (question) => simulate(context, question),
    'transaction.proof': async ({ id }) => {
      const place = await context.parts.store.transaction(id);
      if (place === undefined) throw rpcError('not-found');
      const { prepared, certificate } = await context.block(place.height);
      const { suite } = node.ledger;
      const own = prepared.transactions[place.index];
      if (own === undefined) throw rpcError('proof-unavailable');
      const leaves = prepared.transactions.map((each) => transactionLeaf(suite, each));
      return {
        header: prepared.block.header,
        hash: prepared.hash,
        certificate,
        membership: context.membershipAt(place.height),
        id,
        signedHash: own.signedHash,
        index: place.index,
        count: leaves.length,
        siblings: merkleProof(suite, leaves, place.index),
      };
    },
    'account.history': async ({ address, before, limit }, { signal }) => {
      const wanted = limitOf(limit, HISTORY_PER_PAGE_MAX);
      const found = await context.parts.store.history(address, {
        ...(before === undefined ? {} : { before }),
        limit: wanted,
        signal,
      });
      const last = found.length < wanted ? undefined : found.at(-1);
      return {
        entries: found.map((each) => ({ id: each.receipt.transactionId, ...each })),
        next: last && { height: last.height, index: last.index },
        // Every block since genesis was executed here, and none is pruned.
        completeFrom: context.parts.store.earliestHeight(),
        trust: context.trust(),
      };
    },
  };
}

async function heightOfHash(context: NodeContext, hash: Hash): Promise<Height> {
  const height = await context.parts.store.heightOf(hash);
  if (height === undefined) throw rpcError('not-found');
  return height;
}

async function transactionOf(context: NodeContext, id: Hash) {
  const trust = context.trust();
  const included = await context.parts.store.transaction(id);
  const status = await transactionStatusOf(context, id);
  if (included !== undefined) {
    const { transaction, receipt } = included;
    const bytes = encode(context.node.ledger.codecs.transaction, transaction);
    const logs = logViewsOf(context, receipt.logs);
    return { id, transaction, bytes, status, receipt, logs, trust };
  }
  const pending = context.parts.mempool.get(id);
  if (pending === undefined) throw rpcError('not-found');
  const { transaction, bytes } = pending.payload.prepared;
  return { id, transaction, bytes, status, receipt: undefined, logs: [], trust };
}

/** Logs with their fields, by the schema of their modules. */
function logViewsOf(context: NodeContext, logs: readonly Log[]) {
  return logs.map((log) => {
    const decoded = context.node.ledger.decodeLog(log);
    return { kind: log.kind, accounts: log.accounts, fields: decoded?.json ?? null };
  });
}

async function simulate(context: NodeContext, question: ParamsOf<'transaction.simulate'>) {
  const { ledger } = context.node;
  const { initialPolicy, sponsorPolicy } = question;
  const body = ledger.decodeBody(question.body);
  if (!body.ok) throw rpcError('malformed', { reason: body.error.code });
  const { height } = context.parts.chain.next();
  const timestampMs = context.parts.chain.nextTimestamp();
  const { simulation, words, head } = await context.parts.chain.read((view) => {
    const place = { height, timestampMs };
    const run = ledger.simulateTransaction(view, place, {
      body: body.value,
      ...(initialPolicy === undefined ? {} : { initialPolicy }),
      ...(sponsorPolicy === undefined ? {} : { sponsorPolicy }),
    });
    if (run.kind === 'missing-keys') return run;
    const found = run.balanceChanges.map(({ asset }) => context.assetWords(view, asset));
    const head = context.head().header.height;
    return { kind: 'run' as const, simulation: run, words: found, head };
  });
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
    trust: context.trust(),
  };
}
