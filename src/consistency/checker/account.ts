import type { Model } from './model.ts';

/** An account as its readers know it. */
export type AccountState = { readonly balance: bigint; readonly sequence: number };

/** What clients do with accounts; a transfer concerns two, as a debit and as a credit. */
export type AccountInput = { readonly account: string } & (
  | { readonly kind: 'open'; readonly balance: bigint }
  | { readonly kind: 'read' }
  | { readonly kind: 'credit'; readonly amount: bigint }
  | {
      readonly kind: 'debit';
      readonly sequence: number;
      readonly amount: bigint;
      readonly fee: bigint;
    }
);

export type AccountOutput =
  | { readonly kind: 'state'; readonly state: AccountState }
  | { readonly kind: 'succeeded' }
  /** Charged for nothing: the fee went, the amount stayed. */
  | { readonly kind: 'failed' }
  /** Nobody was told what became of it. */
  | { readonly kind: 'unknown' };

const CLOSED: AccountState = { balance: 0n, sequence: 0 };

/** Accounts of a ledger, each an object of its own. */
export const accountModel: Model<AccountState, AccountInput, AccountOutput> = {
  init: CLOSED,
  step(state, input, output) {
    switch (input.kind) {
      case 'open':
        return { balance: state.balance + input.balance, sequence: state.sequence };
      case 'read': {
        if (output.kind !== 'state') return undefined;
        const { balance, sequence } = output.state;
        return balance === state.balance && sequence === state.sequence ? state : undefined;
      }
      case 'credit':
        return { balance: state.balance + input.amount, sequence: state.sequence };
      case 'debit':
        return debit(state, input, output);
    }
  },
  keyOf: ({ balance, sequence }) => `${sequence}:${balance}`,
  partitionOf: ({ account }) => account,
};

function debit(
  state: AccountState,
  input: Extract<AccountInput, { kind: 'debit' }>,
  output: AccountOutput,
): AccountState | undefined {
  const { sequence, amount, fee } = input;
  const isUnknown = output.kind === 'unknown';
  const isPossible = sequence === state.sequence && fee <= state.balance;
  // What nobody knows the end of may have had none.
  if (!isPossible) return isUnknown ? state : undefined;
  const isCovered = amount + fee <= state.balance;
  if (!isUnknown && isCovered !== (output.kind === 'succeeded')) return undefined;
  const spent = isCovered ? amount + fee : fee;
  return { balance: state.balance - spent, sequence: sequence + 1 };
}
