import type { Result } from '../base/index.ts';
import { fail, formatHex, ok } from '../base/index.ts';
import type { Amount, Sequence } from '../ledger/index.ts';
import type { Entry } from './entry.ts';
import { compareWorth, weightOf } from './entry.ts';
import type { AdmissionError } from './errors.ts';
import { REPLACEMENT_DENOMINATOR, REPLACEMENT_NUMERATOR } from './limits.ts';
import type { MempoolState } from './state.ts';
import { firstFreeSequence } from './state.ts';
import type { PendingTransaction } from './types.ts';

/** What an admission does to those already there. */
export type Admission<Payload> = {
  readonly replaced: Entry<Payload> | undefined;
  readonly evicted: readonly Entry<Payload>[];
};

/** Judges a verified transaction; changes nothing. */
export function judge<Payload>(
  state: MempoolState<Payload>,
  transaction: PendingTransaction<Payload>,
  accountSequence: Sequence,
): Result<Admission<Payload>, AdmissionError> {
  const key = formatHex(transaction.id);
  if (state.pool.byId.has(key) || state.finished.has(key)) return fail({ code: 'duplicate' });
  const untimely = windowError(state, transaction);
  if (untimely !== undefined) return fail(untimely);

  const queue = state.pool.queueOf(transaction.sender);
  const next = Math.max(accountSequence, queue?.next ?? 0) as Sequence; // The larger of two.
  const { sequence } = transaction;
  if (sequence < next) return fail({ code: 'sequence-used', expected: next, actual: sequence });

  const replaced = queue?.entries.find((entry) => entry.transaction.sequence === sequence);
  if (replaced !== undefined) {
    const needed = neededToReplace(replaced, transaction);
    if (needed !== undefined) {
      const offered = transaction.feeMax;
      return fail({ code: 'replacement-fee-too-low', needed, offered });
    }
  } else {
    const expected = firstFreeSequence(state, transaction.sender, accountSequence);
    if (sequence > expected + state.limits.sequenceGapMax) {
      return fail({ code: 'sequence-gap', expected, actual: sequence });
    }
    if ((queue?.entries.length ?? 0) >= state.limits.perSenderMax) {
      return fail({ code: 'sender-quota-exceeded', pendingMax: state.limits.perSenderMax });
    }
  }
  if (exceedsPeerQuota(state, transaction, replaced)) return fail({ code: 'peer-quota-exceeded' });

  const evicted = makeRoom(state, transaction, replaced);
  return evicted === undefined ? fail({ code: 'mempool-full' }) : ok({ replaced, evicted });
}

function windowError<Payload>(
  { height, limits }: MempoolState<Payload>,
  { validFrom, validUntil }: PendingTransaction<Payload>,
): AdmissionError | undefined {
  // The next block has height + 1.
  if (validUntil <= height) return { code: 'expired', validUntil, height };
  if (validFrom > height + 1 + limits.validFromAheadMax) {
    return { code: 'not-yet-valid', validFrom, height };
  }
  return undefined;
}

/** What the new one would have to pay, or undefined when it pays enough. */
function neededToReplace<Payload>(
  old: Entry<Payload>,
  { feeMax, gasLimit }: PendingTransaction<Payload>,
): Amount | undefined {
  const raised = ceilDivide(old.fee * REPLACEMENT_NUMERATOR, REPLACEMENT_DENOMINATOR);
  // Not cheaper per gas either, or it would only move back in the order.
  const atRate = ceilDivide(old.fee * BigInt(gasLimit), old.gas);
  const needed = raised > atRate ? raised : atRate;
  // Beyond the range of amounts at worst, and then nobody can offer it.
  return feeMax >= needed ? undefined : (needed as Amount);
}

function ceilDivide(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}

function exceedsPeerQuota<Payload>(
  { pool, limits }: MempoolState<Payload>,
  { receivedFrom, sizeBytes }: PendingTransaction<Payload>,
  replaced: Entry<Payload> | undefined,
): boolean {
  if (receivedFrom === undefined) return false;
  const use = pool.heldFrom(receivedFrom);
  const isOwn = replaced?.transaction.receivedFrom === receivedFrom;
  const count = use.count - (isOwn ? 1 : 0);
  const bytes = use.bytes - (isOwn ? (replaced?.transaction.sizeBytes ?? 0) : 0);
  return count + 1 > limits.perPeerMax || bytes + sizeBytes > limits.perPeerBytesMax;
}

/**
 * The cheapest entries that must go, each worth less than the new one and of another sender; or
 * undefined if that does not suffice. All or nothing: a refused transaction displaces nobody.
 */
function makeRoom<Payload>(
  { pool, limits }: MempoolState<Payload>,
  transaction: PendingTransaction<Payload>,
  replaced: Entry<Payload> | undefined,
): readonly Entry<Payload>[] | undefined {
  let count = replaced === undefined ? 1 : 0;
  let bytes = transaction.sizeBytes - (replaced?.transaction.sizeBytes ?? 0);
  if (pool.hasRoom(limits, count, bytes)) return [];
  const queue = pool.queueOf(transaction.sender);
  const before = queue?.entries.filter((each) => each.transaction.sequence < transaction.sequence);
  const worth = {
    fee: transaction.feeMax,
    size: BigInt(transaction.sizeBytes),
    depth: (before?.length ?? 0) + 1,
  };
  const evicted: Entry<Payload>[] = [];
  for (const entry of pool.cheapest.walk((each) => each.queue.entries[each.position - 1])) {
    if (entry.queue === queue || compareWorth(weightOf(entry), worth) >= 0) return undefined;
    evicted.push(entry);
    count -= 1;
    bytes -= entry.transaction.sizeBytes;
    if (pool.hasRoom(limits, count, bytes)) return evicted;
  }
  return undefined;
}
