import type { Bytes, TimestampMs } from '../base/index.ts';
import { encodeEach } from '../codec/index.ts';
import type { Hash, Verified } from '../crypto/index.ts';
import type { BlockRun } from './apply.ts';
import { applyTransaction, beginBlock, endBlock } from './apply.ts';
import type { BlockError, TransactionError } from './errors.ts';
import { encodedReceiptsRoot } from './header.ts';
import { membershipHashOf } from './ids.ts';
import type { Kernel } from './kernel.ts';
import { blockRules } from './kernel.ts';
import type { PreparedTransaction } from './prepare.ts';
import type { MissingKeys, StateChange, StateView } from './state.ts';
import { MissingKey, missingKeysOf, Overlay } from './state.ts';
import type { Gas, Height, Membership, Receipt, Transaction } from './types.ts';
import { receiptCodec } from './types.ts';
import { registeredAction, validate } from './validate.ts';

/** Where a block stands. */
export type BlockPlace = { readonly height: Height; readonly timestampMs: TimestampMs };

/** What a block did. */
export type BlockExecution = {
  readonly kind: 'executed';
  readonly receipts: readonly Receipt[];
  /** Their canonical bytes, in the same order. */
  readonly receiptBytes: readonly Bytes[];
  /** Sorted by key, each key once, no change without effect. */
  readonly changes: readonly StateChange[];
  readonly gasUsed: Gas;
  readonly receiptsRoot: Hash;
  /** Who decides the next height. */
  readonly nextMembership: Membership;
  readonly nextMembershipHash: Hash;
};

export type BlockVerdict =
  | BlockExecution
  | MissingKeys
  | { readonly kind: 'invalid-block'; readonly error: BlockError }
  | {
      readonly kind: 'invalid-transaction';
      readonly index: number;
      readonly error: TransactionError;
    };

/** What a proposer gets for its candidates. */
export type CandidatesVerdict =
  | (BlockExecution & {
      readonly included: readonly Verified<PreparedTransaction>[];
      /** Left out for a reason of their own; those after the block was full are not listed. */
      readonly skipped: readonly { readonly id: Hash; readonly error: TransactionError }[];
    })
  | MissingKeys;

/** Keys of the state that a transaction will probably read. */
export function keysOfTransaction(kernel: Kernel, transaction: Transaction): Bytes[] {
  const { accounts, fees } = kernel.services;
  const { sender, sponsor, actions } = transaction.body;
  const keys = [...accounts.keysOf(sender), ...fees.keysOf(sponsor ?? sender)];
  if (sponsor !== undefined) keys.push(...accounts.keysOf(sponsor));
  for (const action of actions) {
    const { definition } = registeredAction(kernel, action);
    // The codec of this very action made its fields.
    keys.push(...definition.keysOf({ suite: kernel.suite, sender }, action as never));
  }
  return keys;
}

/** Keys of the state that every block reads, whatever is in it. */
export function keysOfEveryBlock(kernel: Kernel): Bytes[] {
  const { parameters, membership, fees } = kernel.services;
  const hooks = kernel.registry.modules.flatMap((module) => module.hooks?.keysOf() ?? []);
  return [
    ...parameters.keysOf(),
    ...(membership?.keysOf() ?? []),
    ...fees.settlementKeys(undefined),
    ...hooks,
  ];
}

/** Runs something on a fresh overlay; what was not in memory becomes one list of keys to load. */
export function withOverlay<Verdict>(
  kernel: Kernel,
  view: StateView,
  transactions: readonly { readonly transaction: Transaction }[],
  run: (state: Overlay) => Verdict,
): Verdict | MissingKeys {
  try {
    return run(new Overlay(view));
  } catch (error) {
    if (!(error instanceof MissingKey)) throw error;
    // One round trip for all that is foreseeable, instead of one for each key.
    const expected = missingKeysOf(view, keysOfEveryBlock(kernel));
    for (const { transaction } of transactions) {
      expected.push(...missingKeysOf(view, keysOfTransaction(kernel, transaction)));
    }
    return { kind: 'missing-keys', keys: [error.key, ...expected] };
  }
}

function finish(run: BlockRun): BlockExecution {
  endBlock(run);
  const { kernel, state } = run;
  // Hooks and actions of this block may have changed who decides the next one.
  const nextMembership =
    kernel.services.membership?.next(state, run.height) ?? kernel.genesis.membership;
  const receiptBytes = encodeEach(receiptCodec, run.receipts);
  return {
    kind: 'executed',
    receipts: run.receipts,
    receiptBytes,
    changes: state.changes(),
    gasUsed: run.gasUsed as Gas, // A sum of bounded gas.
    receiptsRoot: encodedReceiptsRoot(kernel.suite, receiptBytes),
    nextMembership,
    nextMembershipHash: membershipHashOf(kernel.suite, nextMembership),
  };
}

/** Executes the transactions of a block; all of them must be valid. */
export function executeBlock(
  kernel: Kernel,
  view: StateView,
  place: BlockPlace,
  transactions: readonly Verified<PreparedTransaction>[],
): BlockVerdict {
  const limits = kernel.genesis.document.consensus;
  const count = transactions.length;
  const countMax = limits.blockTransactionsMax;
  if (count > countMax) {
    return { kind: 'invalid-block', error: { code: 'too-many-transactions', count, countMax } };
  }
  let bytes = 0;
  for (let at = 0; at < count; at++) bytes += transactions[at]?.bytes.length ?? 0;
  if (bytes > limits.blockBytesMax) {
    const error = { code: 'block-too-large', bytes, bytesMax: limits.blockBytesMax } as const;
    return { kind: 'invalid-block', error };
  }
  return withOverlay<BlockVerdict>(kernel, view, transactions, (state) => {
    const run = beginBlock(kernel, state, { ...place, rules: blockRules(kernel, state) });
    for (let index = 0; index < transactions.length; index++) {
      const prepared = transactions[index] as Verified<PreparedTransaction>; // Inside.
      const validated = validate(kernel, state, prepared, run);
      if (!validated.ok) return { kind: 'invalid-transaction', index, error: validated.error };
      const reserved = run.gasReserved + prepared.transaction.body.gasLimit;
      const gasMax = run.rules.blockGasMax;
      if (reserved > gasMax) {
        return { kind: 'invalid-block', error: { code: 'block-gas-exceeded', index, gasMax } };
      }
      applyTransaction(run, validated.value);
    }
    return finish(run);
  });
}

/**
 * Executes those of some candidates that are valid, in their order, until the block is full.
 * Execution costs a proposer as much as it costs a validator, so nothing is done twice.
 */
export function executeCandidates(
  kernel: Kernel,
  view: StateView,
  place: BlockPlace,
  candidates: readonly Verified<PreparedTransaction>[],
): CandidatesVerdict {
  const { blockBytesMax, blockTransactionsMax } = kernel.genesis.document.consensus;
  return withOverlay<CandidatesVerdict>(kernel, view, candidates, (state) => {
    const run = beginBlock(kernel, state, { ...place, rules: blockRules(kernel, state) });
    const included: Verified<PreparedTransaction>[] = [];
    const skipped: { readonly id: Hash; readonly error: TransactionError }[] = [];
    let bytes = 0;
    for (const candidate of candidates) {
      if (included.length >= blockTransactionsMax) break;
      const { gasLimit } = candidate.transaction.body;
      const gasMax = run.rules.blockGasMax;
      // A large one that does not fit leaves room for smaller ones behind it. Genesis has blocks
      // hold any transaction alone; one with more gas than any block is refused below.
      if (bytes + candidate.bytes.length > blockBytesMax) continue;
      if (gasLimit <= gasMax && run.gasReserved + gasLimit > gasMax) continue;
      const validated = validate(kernel, state, candidate, run);
      if (!validated.ok) {
        skipped.push({ id: candidate.id, error: validated.error });
        continue;
      }
      applyTransaction(run, validated.value);
      included.push(candidate);
      bytes += candidate.bytes.length;
    }
    return { ...finish(run), included, skipped };
  });
}

/** The verdict of admission: whether a transaction could be in a block at this place. */
export type AdmissionVerdict =
  | { readonly kind: 'valid' }
  | { readonly kind: 'invalid'; readonly error: TransactionError }
  | MissingKeys;

/** Validates a transaction for the pool, changing nothing. */
export function validateTransaction(
  kernel: Kernel,
  view: StateView,
  prepared: Verified<PreparedTransaction>,
  place: { readonly height: Height },
): AdmissionVerdict {
  return withOverlay<AdmissionVerdict>(kernel, view, [prepared], (state) => {
    const { height } = place;
    const validated = validate(kernel, state, prepared, {
      height,
      rules: blockRules(kernel, state),
    });
    return validated.ok ? { kind: 'valid' } : { kind: 'invalid', error: validated.error };
  });
}
