import { describe, expect, it } from 'vitest';
import { encode } from '../codec/index.ts';
import { NATIVE_ASSET } from './ids.ts';
import { readParameters } from './read.ts';
import type { Person } from './testing/world.ts';
import { amount, gas, person, TestWorld } from './testing/world.ts';
import type { Action, Sequence } from './types.ts';
import { keyPolicyCodec } from './types.ts';

const anna = person('Anna');
const ben = person('Ben');
const nobody = person('Nobody');
const COIN = 1_000_000n;

function send(recipient: Person, units: number): Action {
  const { address } = recipient;
  return { kind: 'asset.transfer', asset: NATIVE_ASSET, recipient: address, amount: amount(units) };
}

function createWorld(): TestWorld {
  const balances = [{ address: anna.address, amount: 1_000n * COIN }];
  return new TestWorld({ balances });
}

describe('candidates that no block can hold', () => {
  it('are named, whatever the block holds, so that they do not stay work for ever', () => {
    const world = new TestWorld({
      balances: [anna, ben].map(({ address }) => ({ address, amount: 1_000n * COIN })),
      parameters: { blockGasMax: gas(1_000_000) },
    });
    const change = { gasLimit: gas(1_000_001), feeMax: amount(10n * COIN) };
    const large = world.prepare(anna, { actions: [send(nobody, 1)], change });
    const small = world.prepare(ben, { actions: [send(nobody, 1)] });
    const skipped = [{ id: large.id, error: { code: 'gas-limit-too-high' } }];
    for (const [candidates, included] of [
      [[large], []],
      [[small, large], [small]],
    ]) {
      const verdict = world.ledger.executeCandidates(world.state, world.place(), candidates ?? []);
      expect(verdict).toMatchObject({ included, skipped });
    }
  });
});

describe('a policy shown again', () => {
  it('costs nothing: nobody signed it, and it is ignored', () => {
    const world = createWorld();
    world.run(anna, { actions: [send(nobody, 1)] });
    const draft = { actions: [send(nobody, 1)] };
    const plain = world.execute(world.prepare(anna, draft));
    const shown = world.execute(world.prepare(anna, { ...draft, initialPolicy: anna.policy }));
    if (plain.kind !== 'executed' || shown.kind !== 'executed') throw new Error('both are valid');
    expect(shown.gasUsed).toBe(plain.gasUsed);
    expect(shown.receipts).toEqual(plain.receipts);
  });

  it('may be shown by all that were signed before the first was executed', () => {
    const world = createWorld();
    const drafts = [0, 1].map((at) =>
      world.prepare(anna, {
        actions: [send(nobody, 1)],
        change: { sequence: at as Sequence },
        initialPolicy: anna.policy,
      }),
    );
    const verdict = world.execute(...drafts);
    if (verdict.kind !== 'executed') throw new Error('both are valid');
    const [first = 0, second = 0] = verdict.receipts.map(({ gasUsed }) => gasUsed);
    const { gasPerByte } = readParameters(world.state);
    const bytes = encode(keyPolicyCodec, anna.policy).length;
    expect(first - second).toBe(bytes * gasPerByte);
  });
});
