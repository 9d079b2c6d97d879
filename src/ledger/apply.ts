import type { TimestampMs } from '../base/index.ts';
import { assert, defined } from '../base/index.ts';
import { encode } from '../codec/index.ts';
import type { Hash, HashSuite } from '../crypto/index.ts';
import type { RegisteredAction } from './action.ts';
import type { Address } from './address.ts';
import { subtractAmounts, toAmount, ZERO_AMOUNT } from './amount.ts';
import type { BlockRules, Kernel } from './kernel.ts';
import { LOGS_PER_RECEIPT_MAX } from './limits.ts';
import type { ActionContext, BlockContext } from './module.ts';
import type { Overlay } from './state.ts';
import type { Action, Amount, Gas, Height, Log, Receipt } from './types.ts';
import type { SignedBy, ValidatedTransaction } from './validate.ts';
import { registeredAction } from './validate.ts';

/** A block being executed: state under way and what was found so far. */
export type BlockRun = {
  readonly kernel: Kernel;
  readonly state: Overlay;
  readonly height: Height;
  readonly timestampMs: TimestampMs;
  readonly rules: BlockRules;
  /** The block as modules see it. */
  readonly context: BlockContext;
  readonly receipts: Receipt[];
  gasUsed: number;
  /** Sum of the gas limits of what is in the block, which is what fills it. */
  gasReserved: number;
  fees: Amount;
};

const SUCCEEDED = { kind: 'succeeded' } as const;

/** The end of a list of actions. */
export type ActionsResult = {
  readonly outcome: Receipt['outcome'];
  readonly gasUsed: Gas;
  readonly logs: readonly Log[];
};

/** Actions under way: what each of them sees. One object for all, and none for its functions. */
class ActionsRun implements ActionContext {
  readonly suite: HashSuite;
  readonly state: Overlay;
  readonly height: Height;
  readonly timestampMs: TimestampMs;
  readonly sender: Address;
  readonly transactionId: Hash;
  actionIndex = 0;
  /** What is being executed. */
  registered: RegisteredAction | undefined;
  logs: readonly Log[] = [];

  constructor(run: BlockRun, sender: Address, transactionId: Hash) {
    this.suite = run.kernel.suite;
    this.state = run.state;
    this.height = run.height;
    this.timestampMs = run.timestampMs;
    this.sender = sender;
    this.transactionId = transactionId;
  }

  log(name: string, accounts: readonly Address[], fields: object): void {
    const { logs, registered } = this;
    assert(logs.length < LOGS_PER_RECEIPT_MAX, 'modules log a few times an action at most');
    const codec = registered?.module.logs[name];
    const kind = registered?.logKinds.get(name);
    if (codec === undefined || kind === undefined) assert(false, `log ${name} is not declared`);
    const log = { kind, accounts, data: encode(codec, fields) };
    this.logs = logs.length === 0 ? [log] : [...logs, log];
  }
}

function failed(code: string, actionIndex: number, gasUsed: number): ActionsResult {
  const outcome = { kind: 'failed', code, actionIndex } as const;
  return { outcome, gasUsed: gasUsed as Gas, logs: [] }; // A sum of bounded gas.
}

/**
 * Executes actions one after the other, all or none: the first failure undoes everything since
 * the start, and leaves no log.
 */
export function executeActions(
  run: BlockRun,
  transaction: {
    readonly sender: Address;
    readonly id: Hash;
    readonly actions: readonly Action[];
    /** Gas used before, and never to be exceeded. */
    readonly gasUsed: Gas;
    readonly gasLimit: Gas;
  },
): ActionsResult {
  const { kernel, state } = run;
  const { actions, gasLimit } = transaction;
  const savepoint = state.savepoint();
  const context = new ActionsRun(run, transaction.sender, transaction.id);
  let gasUsed: number = transaction.gasUsed;
  for (let actionIndex = 0; actionIndex < actions.length; actionIndex++) {
    const action = actions[actionIndex] as Action; // Inside.
    const registered = registeredAction(kernel, action);
    gasUsed += run.rules.gasOfAction(action.kind);
    if (gasUsed > gasLimit) {
      state.rollback(savepoint);
      return failed('out-of-gas', actionIndex, gasLimit);
    }
    context.actionIndex = actionIndex;
    context.registered = registered;
    // The codec of this very action made its fields.
    const error = registered.definition.execute(context, action as never);
    if (error !== undefined) {
      const isDeclared = registered.module.errors.includes(error.code);
      if (!isDeclared) assert(false, `undeclared error ${error.code}`);
      state.rollback(savepoint);
      return failed(error.code, actionIndex, gasUsed);
    }
  }
  return { outcome: SUCCEEDED, gasUsed: gasUsed as Gas, logs: context.logs };
}

function recordSigner(run: BlockRun, signed: SignedBy | undefined): void {
  if (signed === undefined) return;
  run.kernel.services.accounts.recordSignatures(run.context, signed);
}

/**
 * Executes a validated transaction. Whatever its actions do, the sequence advances and the gas
 * used is paid for; the payer's `feeMax` is set aside first, so that no action can spend it.
 */
export function applyTransaction(run: BlockRun, validated: ValidatedTransaction): Receipt {
  const { accounts, fees } = run.kernel.services;
  const { prepared, payer } = validated;
  const { body } = prepared.transaction;
  recordSigner(run, validated.sender);
  recordSigner(run, validated.sponsor);
  accounts.advanceSequence(run.state, body.sender);
  fees.debit(run.state, payer, body.feeMax);
  const { outcome, gasUsed, logs } = executeActions(run, {
    sender: body.sender,
    id: prepared.id,
    actions: body.actions,
    gasUsed: validated.intrinsicGas,
    gasLimit: body.gasLimit,
  });
  const feeCharged = chargeOf(run.rules, gasUsed);
  const refund = defined(subtractAmounts(body.feeMax, feeCharged), 'gas stays below its limit');
  fees.credit(run.state, payer, refund);
  run.fees = defined(toAmount(run.fees + feeCharged), 'fees are part of the supply');
  run.gasUsed += gasUsed;
  run.gasReserved += body.gasLimit;
  const receipt: Receipt = {
    transactionId: prepared.id,
    outcome,
    gasUsed,
    feeCharged,
    payer,
    logs,
  };
  run.receipts.push(receipt);
  return receipt;
}

/** What some gas costs. */
export function chargeOf(rules: BlockRules, gasUsed: Gas): Amount {
  return defined(toAmount(BigInt(gasUsed) * rules.gasPrice), 'validation bounded the fee');
}

/** A run on top of a state, after the modules' first hooks. */
export function beginBlock(
  kernel: Kernel,
  state: Overlay,
  place: { readonly height: Height; readonly timestampMs: TimestampMs; readonly rules: BlockRules },
): BlockRun {
  const run: BlockRun = {
    kernel,
    state,
    ...place,
    context: { suite: kernel.suite, state, height: place.height, timestampMs: place.timestampMs },
    receipts: [],
    gasUsed: 0,
    gasReserved: 0,
    fees: ZERO_AMOUNT,
  };
  for (const { hooks } of kernel.registry.modules) hooks?.begin?.(run.context);
  return run;
}

/** Pays out the fees and lets the modules finish. */
export function endBlock(run: BlockRun): void {
  const recipient = run.rules.feeRecipient;
  run.kernel.services.fees.settle(run.state, { amount: run.fees, recipient });
  for (const { hooks } of run.kernel.registry.modules) hooks?.end?.(run.context);
}
