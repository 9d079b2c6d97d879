import { describe, expect, it } from 'vitest';
import { defined } from '../base/index.ts';
import { NATIVE_ASSET } from './ids.ts';
import type { Simulation } from './simulate.ts';
import type { Draft, Person } from './testing/world.ts';
import { amount, gas, p256Person, passkeyPerson, person, TestWorld } from './testing/world.ts';
import type { Action, TransactionBody } from './types.ts';

const anna = passkeyPerson('Anna');
const ben = p256Person('Ben');
const COIN = 1_000_000n;

const send = (units: bigint): Action => ({
  kind: 'asset.transfer',
  asset: NATIVE_ASSET,
  recipient: ben.address,
  amount: amount(units),
});

const createWorld = (): TestWorld =>
  new TestWorld({
    balances: [anna, person('Carla')].map(({ address }) => ({ address, amount: 10n * COIN })),
  });

const DRAFT = { gasLimit: gas(0), feeMax: amount(0) };

function simulate(world: TestWorld, sender: Person, draft: Draft): Simulation {
  const verdict = world.ledger.simulateTransaction(world.state, world.place(), {
    body: world.body(sender, draft),
    initialPolicy: sender.policy,
    ...(draft.sponsor === undefined ? {} : { sponsorPolicy: draft.sponsor.policy }),
  });
  if (verdict.kind !== 'simulated') throw new Error('all is in memory');
  return verdict;
}

/** The limits that a wallet takes from a simulation. */
const limitsOf = ({ gasUsed, fee }: Simulation): Partial<TransactionBody> => ({
  gasLimit: gasUsed,
  feeMax: fee,
});

describe('a simulation', () => {
  it('of a draft gives exactly the gas, fee and balances of the execution, first and later', () => {
    const world = createWorld();
    for (const _ of ['policy shown', 'policy known']) {
      const actions = [send(COIN), send(2n)];
      const draft = simulate(world, anna, { actions, change: DRAFT });
      expect(draft.problem).toBeUndefined();
      const before = world.ledger.readAccount(world.state, anna.address);
      const receipt = world.run(anna, { actions, change: limitsOf(draft) });
      expect(receipt.gasUsed).toBe(draft.gasUsed);
      expect(receipt.feeCharged).toBe(draft.fee);
      expect(receipt.logs).toEqual(draft.logs);
      expect(draft.balanceChanges).toHaveLength(2);
      for (const { address, asset, before: held, after } of draft.balanceChanges) {
        expect(asset).toEqual(NATIVE_ASSET);
        const gained = after - held;
        const isBen = address.join() === ben.address.join();
        expect(gained).toBe(isBen ? COIN + 2n : -(COIN + 2n + draft.fee));
      }
      expect(before.sequence + 1).toBe(
        world.ledger.readAccount(world.state, anna.address).sequence,
      );
    }
  });

  it('shows how the actions would fail, and what the fee would be all the same', () => {
    const draft = simulate(createWorld(), anna, { actions: [send(11n * COIN)], change: DRAFT });
    expect(draft.outcome).toEqual({
      kind: 'failed',
      code: 'insufficient-balance',
      actionIndex: 0,
    });
    expect(draft.balanceChanges).toHaveLength(1);
    expect(draft.problem).toBeUndefined();
  });

  it('of a first transaction that describes its own key succeeds', () => {
    const world = createWorld();
    const describeKey: Action = {
      kind: 'account.describe-key',
      keyId: world.ledger.keyId(anna.key),
      hint: {
        credentialId: new Uint8Array(16),
        transports: ['internal'],
        label: 'Laptop',
        isBackupEligible: undefined,
        isBackedUp: undefined,
      },
    };
    const actions = [send(1n), describeKey];
    const draft = simulate(world, anna, { actions, change: DRAFT });
    expect(draft.outcome.kind).toBe('succeeded');
    const receipt = world.run(anna, { actions, change: limitsOf(draft) });
    expect(receipt.outcome.kind).toBe('succeeded');
    expect(receipt.gasUsed).toBe(draft.gasUsed);
  });

  it('counts the signature and policy of a sponsor, who pays', () => {
    const world = createWorld();
    const sponsor = person('Carla');
    world.run(anna, { actions: [send(100n)] });
    const actions: Action[] = [{ ...send(50n), recipient: anna.address }];
    const draft = simulate(world, ben, { actions, sponsor, change: DRAFT });
    expect(draft.payer).toEqual(sponsor.address);
    const receipt = world.run(ben, { actions, sponsor, change: limitsOf(draft) });
    expect(receipt.gasUsed).toBe(draft.gasUsed);
  });

  it.each([
    ['insufficient-balance', ben, {}],
    ['sequence-gap', anna, { sequence: 3 as never }],
    ['expired', anna, { validUntil: 0 as never }],
    ['wrong-network', anna, { chainId: new Uint8Array(32) as never }],
    ['gas-limit-too-low', anna, { gasLimit: gas(10), feeMax: amount(COIN) }],
    ['fee-too-low', anna, { gasLimit: gas(9_000), feeMax: amount(10) }],
  ] as const)('names the problem: %s', (code, sender, change) => {
    const simulation = simulate(createWorld(), sender, {
      actions: [send(1n)],
      change: { ...DRAFT, ...change },
    });
    expect(simulation.problem?.code).toBe(code);
  });

  it('says when the policy is neither known nor shown', () => {
    const world = createWorld();
    const verdict = world.ledger.simulateTransaction(world.state, world.place(), {
      body: world.body(anna, { actions: [send(1n)], change: DRAFT }),
    });
    expect(verdict).toMatchObject({
      kind: 'simulated',
      outcome: { kind: 'succeeded' },
      problem: { code: 'policy-missing', signer: 'sender' },
    });
  });

  it('keeps nothing', () => {
    const world = createWorld();
    const before = new Map(world.state.values);
    simulate(world, anna, { actions: [send(1n)], change: DRAFT });
    expect(world.state.values).toEqual(before);
  });

  it('describes every action with a role for every field', () => {
    const actions = createWorld().ledger.describeActions();
    expect(actions.map(({ kind }) => kind)).toEqual([
      'account.add-key',
      'account.revoke-key',
      'account.set-thresholds',
      'account.describe-key',
      'asset.issue',
      'asset.transfer',
      'asset.mint',
      'asset.burn',
      'faucet.grant',
      'parameters.set',
    ]);
    const transfer = defined(
      actions.find(({ kind }) => kind === 'asset.transfer'),
      'there is one',
    );
    expect(transfer.title).toBe('send');
    expect(transfer.fields.map(({ name, role }) => [name, role])).toEqual([
      ['asset', 'asset'],
      ['recipient', 'recipient'],
      ['amount', 'amount'],
    ]);
  });
});
