import type { Json, Result } from '../../base/index.ts';
import type { Hash } from '../../crypto/index.ts';
import { merkleProof } from '../../crypto/index.ts';
import type { Height, Log, Receipt } from '../../ledger/index.ts';
import { AMOUNT_MAX, transactionLeaf } from '../../ledger/index.ts';
import type { SubmissionError, TrackedTransaction } from '../../node/index.ts';
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
): Promise<TransactionStatus> {
  const tracked = context.parts.tracker.get(id);
  if (tracked !== undefined && tracked.stage !== 'seen') return statusOfTracked(context, tracked);
  const place = await context.parts.store.transaction(id);
  if (place === undefined) {
    return tracked === undefined ? unknownStatus(context, id) : statusOfTracked(context, tracked);
  }
  const stored = await context.block(place.height);
  const outcome = stored.receipts[place.index]?.outcome;
  const { timestampMs } = stored.prepared.block.header;
  // Its block may have been committed while it was looked up, a moment before the tracker hears.
  const known = context.parts.tracker.get(id);
  if (known !== undefined && known.stage !== 'seen') return statusOfTracked(context, known);
  return {
    ...unknownStatus(context, id),
    seenAtMs: known?.seenAtMs,
    finalAtMs: known === undefined ? undefined : context.node.home.clock.now(),
    stage: outcome?.kind === 'failed' ? 'failed' : 'final',
    ...place,
    includedAtMs: timestampMs,
    validUntil: stored.prepared.transactions[place.index]?.transaction.body.validUntil,
    code: outcome?.kind === 'failed' ? outcome.code : undefined,
    actionIndex: outcome?.kind === 'failed' ? outcome.actionIndex : undefined,
  };
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
      const stored = await context.block(found ?? context.head().header.height);
      const trust = context.trust();
      return blockViewOf(stored, { isHeaderOnly: isHeaderOnly ?? false, trust });
    },
    'block.list': async ({ before, limit }) => {
      const head = context.head().header.height;
      const top = before === undefined ? head : Math.min(head, before - 1);
      const bottom = Math.max(
        context.parts.store.earliestHeight(),
        top - limitOf(limit, BLOCKS_PER_PAGE_MAX) + 1,
      );
      const blocks = [];
      for (let height = top; height >= bottom; height--) {
        blocks.push(summaryOf(await context.block(height as Height))); // Between two heights.
      }
      return { blocks, trust: context.trust() };
    },
    'transaction.get': ({ id }) => transactionOf(context, id),
    'transaction.status': ({ id }) => transactionStatusOf(context, id),
    'transaction.statuses': async ({ ids }) => ({
      statuses: await Promise.all(ids.map((id) => transactionStatusOf(context, id))),
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
    'account.history': async ({ address, before, limit }) => {
      const wanted = limitOf(limit, HISTORY_PER_PAGE_MAX);
      const places = await context.parts.store.history(address, {
        ...(before === undefined ? {} : { before }),
        limit: wanted,
      });
      const entries = await Promise.all(places.map((place) => historyEntryOf(context, place)));
      return {
        entries,
        next: places.length < wanted ? undefined : places.at(-1),
        // Every block since genesis was executed here, and none is pruned.
        completeFrom: context.parts.store.earliestHeight(),
        trust: context.trust(),
      };
    },
  };
}

async function heightOfHash(context: NodeContext, hash: Hash): Promise<Height> {
  const stored = await context.parts.store.blockByHash(hash);
  if (stored === undefined) throw rpcError('not-found');
  return stored.block.header.height;
}

type Place = { readonly height: Height; readonly index: number };

async function includedAt(context: NodeContext, place: Place) {
  const { prepared, receipts } = await context.block(place.height);
  const transaction = prepared.transactions[place.index];
  const receipt: Receipt | undefined = receipts[place.index];
  if (transaction === undefined || receipt === undefined) throw rpcError('not-found');
  return { transaction, receipt, header: prepared.block.header };
}

async function historyEntryOf(context: NodeContext, place: Place) {
  const { transaction, receipt, header } = await includedAt(context, place);
  return {
    id: transaction.id,
    ...place,
    timestampMs: header.timestampMs,
    transaction: transaction.transaction,
    receipt,
  };
}

async function transactionOf(context: NodeContext, id: Hash) {
  const trust = context.trust();
  const place = await context.parts.store.transaction(id);
  const status = await transactionStatusOf(context, id);
  if (place !== undefined) {
    const { transaction, receipt } = await includedAt(context, place);
    const { transaction: decoded, bytes } = transaction;
    const logs = logViewsOf(context, receipt.logs);
    return { id, transaction: decoded, bytes, status, receipt, logs, trust };
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
