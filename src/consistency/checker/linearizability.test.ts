import { describe, expect, it } from 'vitest';
import type { AccountInput, AccountOutput } from './account.ts';
import { accountModel } from './account.ts';
import { checkLinearizable } from './linearizability.ts';
import type { Operation } from './model.ts';
import type { RegisterInput, RegisterOutput } from './register.ts';
import { registerModel } from './register.ts';

type Register = Operation<RegisterInput, RegisterOutput>;
type Account = Operation<AccountInput, AccountOutput>;

const write = (value: number, invokedAt: number, returnedAt: number): Register => ({
  ...{ client: 0, invokedAt, returnedAt },
  input: { kind: 'write', value },
  output: { kind: 'done', isSet: true },
});

const read = (value: number | undefined, invokedAt: number, returnedAt: number): Register => ({
  ...{ client: 1, invokedAt, returnedAt },
  input: { kind: 'read' },
  output: { kind: 'read', value },
});

const kindOf = (...history: Register[]) => checkLinearizable(registerModel, history).kind;

describe('a register', () => {
  it('answers before or after a write that is on the way, but not before it again', () => {
    expect(kindOf()).toBe('linearizable');
    expect(kindOf(write(1, 0, 9), read(undefined, 1, 2), read(1, 3, 4))).toBe('linearizable');
    expect(kindOf(write(1, 0, 9), read(1, 1, 2), read(undefined, 3, 4))).toBe('violated');
    // The two reads meet: either may be first.
    expect(kindOf(write(1, 0, 9), read(1, 1, 4), read(undefined, 2, 5))).toBe('linearizable');
  });

  it('answers what was written last', () => {
    expect(kindOf(write(1, 0, 1), write(2, 2, 3), read(1, 4, 5))).toBe('violated');
    expect(kindOf(write(1, 0, 3), write(2, 1, 2), read(1, 4, 5))).toBe('linearizable');
    expect(kindOf(read(1, 0, 1))).toBe('violated');
  });

  it('may take a write whose end nobody saw at any later time, or never', () => {
    const lost = { ...write(1, 0, Infinity), output: { kind: 'unknown' } } as const;
    const before = [write(2, 1, 2), read(2, 3, 4)];
    expect(kindOf(lost, ...before)).toBe('linearizable');
    expect(kindOf(lost, ...before, read(1, 5, 6), read(1, 7, 8))).toBe('linearizable');
    expect(kindOf(lost, ...before, read(1, 5, 6), read(2, 7, 8))).toBe('violated');
  });

  it('shows how far an order goes, and what cannot follow', () => {
    const wrong = read(7, 4, 5);
    const verdict = checkLinearizable(registerModel, [write(1, 0, 1), write(2, 2, 3), wrong]);
    expect(verdict).toMatchObject({ kind: 'violated', stuck: [wrong] });
    expect(verdict.kind === 'violated' && verdict.prefix.length).toBe(2);
  });

  it('is not decided where there are too many orders for the steps allowed', () => {
    const writes = Array.from({ length: 12 }, (_, at) => write(at, at, 100 + at));
    const history = [...writes, read(99, 200, 201)];
    expect(checkLinearizable(registerModel, history, { stepsMax: 100 }).kind).toBe('undecided');
    expect(checkLinearizable(registerModel, history).kind).toBe('violated');
  });
});

describe('a guess at the order', () => {
  const stepsMax = 100;
  /** Thirty writes at once, then one read that only some orders explain. */
  const writes = Array.from({ length: 30 }, (_, value) => write(value, value, 100));
  const byValue = (operation: Register) =>
    operation.input.kind === 'write' ? operation.input.value : 0;
  const middle = (operation: Register) =>
    operation.input.kind === 'write' ? Math.abs(operation.input.value - 7) * -1 : 1;

  it('spares the search where it explains everything', () => {
    const history = [...writes, read(7, 101, 102)];
    expect(checkLinearizable(registerModel, history, { stepsMax }).kind).toBe('undecided');
    const verdict = checkLinearizable(registerModel, history, { stepsMax, guess: middle });
    expect(verdict.kind).toBe('linearizable');
  });

  it('proves nothing where it is wrong', () => {
    const late = [write(1, 0, 1), write(2, 2, 3), read(1, 4, 5)];
    const lie = (operation: Register) =>
      operation.input.kind === 'read' ? 1.5 : byValue(operation);
    expect(checkLinearizable(registerModel, late, { guess: lie }).kind).toBe('violated');
    const good = [write(1, 0, 9), write(2, 2, 3), read(1, 10, 11)];
    expect(checkLinearizable(registerModel, good, { guess: byValue }).kind).toBe('linearizable');
  });
});

describe('an account', () => {
  const of = (
    input: AccountInput,
    kind: Exclude<AccountOutput['kind'], 'state'>,
    when: readonly [number, number],
  ): Account => ({ client: 0, input, output: { kind }, invokedAt: when[0], returnedAt: when[1] });
  const open = of({ kind: 'open', account: 'a', balance: 100n }, 'succeeded', [0, 1]);
  const debit = (sequence: number, amount: bigint): AccountInput => ({
    ...{ kind: 'debit', account: 'a', sequence, amount, fee: 1n },
  });
  const see = (sequence: number, balance: bigint, when: readonly [number, number]): Account => ({
    ...{ client: 1, invokedAt: when[0], returnedAt: when[1] },
    input: { kind: 'read', account: 'a' },
    output: { kind: 'state', state: { sequence, balance } },
  });
  const judge = (...history: Account[]) => checkLinearizable(accountModel, [open, ...history]).kind;

  it('spends each sequence once, in order, and only what it holds', () => {
    const first = of(debit(0, 9n), 'succeeded', [2, 3]);
    expect(judge(first, see(1, 90n, [4, 5]))).toBe('linearizable');
    expect(judge(first, see(0, 100n, [4, 5]))).toBe('violated');
    expect(judge(first, of(debit(0, 5n), 'succeeded', [2, 3]))).toBe('violated');
    expect(judge(of(debit(1, 5n), 'succeeded', [2, 3]))).toBe('violated');
    expect(judge(of(debit(0, 100n), 'succeeded', [2, 3]))).toBe('violated');
  });

  it('charges for what it cannot pay, and only then', () => {
    const vain = of(debit(0, 100n), 'failed', [2, 3]);
    expect(judge(vain, see(1, 99n, [4, 5]))).toBe('linearizable');
    expect(judge(vain, see(1, 100n, [4, 5]))).toBe('violated');
    expect(judge(of(debit(0, 99n), 'failed', [2, 3]))).toBe('violated');
  });

  it('may or may not have spent what nobody was told the end of', () => {
    const lost = of(debit(0, 9n), 'unknown', [2, Infinity]);
    expect(judge(lost, see(0, 100n, [3, 4]), see(1, 90n, [5, 6]))).toBe('linearizable');
    const other = of(debit(0, 5n), 'succeeded', [3, 4]);
    expect(judge(lost, other, see(1, 94n, [5, 6]))).toBe('linearizable');
    expect(judge(lost, see(1, 90n, [3, 4]), see(0, 100n, [5, 6]))).toBe('violated');
  });
});
