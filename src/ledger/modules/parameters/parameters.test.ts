import { describe, expect, it } from 'vitest';
import { readParameters } from '../../read.ts';
import { amount, gas, person, TestWorld } from '../../testing/world.ts';
import type { Action } from '../../types.ts';
import type { ParameterChange } from './index.ts';

const anna = person('Anna');
const ben = person('Ben');
const COIN = 1_000_000n;
const failure = (code: string) => ({ kind: 'failed', code, actionIndex: 0 });
const set = (...changes: readonly ParameterChange[]): Action => ({
  kind: 'parameters.set',
  changes,
});

function createWorld(): TestWorld {
  return new TestWorld({
    balances: [anna, ben].map(({ address }) => ({ address, amount: 100n * COIN })),
    authorities: [anna.address],
  });
}

describe('set', () => {
  it('changes each parameter, from the next block on', () => {
    const world = createWorld();
    const first = world.prepare(anna, {
      actions: [
        set(
          { kind: 'gas-price', gasPrice: amount(3) },
          { kind: 'gas-per-transaction', gas: gas(900) },
          { kind: 'gas-per-byte', gas: gas(1) },
          { kind: 'gas-per-signature', gas: gas(400) },
          { kind: 'block-gas-max', gas: gas(40_000_000) },
          { kind: 'validity-heights-max', heights: 5_000 },
          { kind: 'fee-recipient', address: ben.address },
          { kind: 'action-gas', action: 'asset.transfer', gas: gas(333) },
        ),
      ],
    });
    const [receipt] = world.commit(first).receipts;
    expect(receipt?.outcome.kind).toBe('succeeded');
    expect(receipt?.feeCharged).toBe(BigInt(receipt?.gasUsed ?? 0) * 4n);
    expect(readParameters(world.state)).toEqual({
      gasPrice: 3n,
      gasPerTransaction: 900,
      gasPerByte: 1,
      gasPerSignature: 400,
      blockGasMax: 40_000_000,
      validityHeightsMax: 5_000,
      feeRecipient: ben.address,
      actionGas: [{ action: 'asset.transfer', gas: 333 }],
    });
    const transfer: Action = {
      kind: 'asset.transfer',
      asset: new Uint8Array(32),
      recipient: ben.address,
      amount: amount(1),
    };
    const next = world.prepare(anna, { actions: [transfer] });
    const after = world.commit(next).receipts[0];
    expect(after?.gasUsed).toBe(900 + next.bodyBytes.length + 400 + 333);
    expect(after?.feeCharged).toBe(BigInt(after?.gasUsed ?? 0) * 3n);
  });

  it('is the right of the authorities, who may hand it on', () => {
    const world = createWorld();
    const change = set({ kind: 'gas-price', gasPrice: amount(5) });
    expect(world.run(ben, { actions: [change] }).outcome).toEqual(failure('not-authority'));
    const accounts = [ben.address];
    world.run(anna, { actions: [set({ kind: 'authorities', accounts })] });
    expect(world.run(anna, { actions: [change] }).outcome).toEqual(failure('not-authority'));
    expect(world.run(ben, { actions: [change] }).outcome.kind).toBe('succeeded');
  });

  const cases: readonly (readonly [string, readonly ParameterChange[]])[] = [
    ['no window', [{ kind: 'validity-heights-max', heights: 0 }]],
    ['a long window', [{ kind: 'validity-heights-max', heights: 10_001 }]],
    ['small blocks', [{ kind: 'block-gas-max', gas: gas(999_999) }]],
    ['dear transactions', [{ kind: 'gas-per-transaction', gas: gas(100_001) }]],
    ['dear gas', [{ kind: 'gas-price', gasPrice: amount(1_000_000_001n) }]],
    [
      'no room for the change that would mend it',
      [
        { kind: 'gas-per-byte', gas: gas(10_000) },
        { kind: 'block-gas-max', gas: gas(1_000_000) },
      ],
    ],
  ];

  it.each(cases)('refuses what could stop the network: %s', (_, changes) => {
    const world = createWorld();
    const before = readParameters(world.state);
    expect(world.run(anna, { actions: [set(...changes)] }).outcome).toEqual(
      failure('value-out-of-range'),
    );
    expect(readParameters(world.state)).toEqual(before);
  });
});
