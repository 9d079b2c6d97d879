import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defined } from '../base/index.ts';
import { NATIVE_ASSET } from './ids.ts';
import { readAccount, readAsset, readBalances } from './read.ts';
import type { Person } from './testing/world.ts';
import { amount, gas, p256Person, person, TestState, TestWorld } from './testing/world.ts';
import type { Action, AssetId } from './types.ts';

const people: readonly Person[] = [
  person('Anna'),
  person('Ben'),
  p256Person('Carla'),
  person('Dora'),
  person('faucet'),
];
const COIN = 1_000_000n;
const personAt = (at: number): Person => defined(people[at % people.length], 'inside the list');

type Deed = {
  readonly kind: 'transfer' | 'issue' | 'mint' | 'burn' | 'grant';
  readonly to: number;
  readonly asset: number;
  readonly units: bigint;
};

const deed: fc.Arbitrary<Deed> = fc.record({
  kind: fc.constantFrom('transfer', 'transfer', 'transfer', 'issue', 'mint', 'burn', 'grant'),
  to: fc.nat(4),
  asset: fc.nat(3),
  units: fc.oneof(fc.bigInt({ min: 0n, max: 30n * COIN }), fc.constant(2n ** 64n - 1n)),
});

const transactionPlan = fc.record({
  sender: fc.nat(4),
  sponsor: fc.option(fc.nat(4), { nil: undefined }),
  deeds: fc.array(deed, { minLength: 1, maxLength: 4 }),
  gasLimit: fc.constantFrom(3_000, 25_000),
});
const blocks = fc.array(fc.array(transactionPlan, { maxLength: 4 }), {
  minLength: 1,
  maxLength: 5,
});

function actionOf({ kind, to, asset, units }: Deed, assets: readonly AssetId[]): Action {
  const id = assets[asset % assets.length] ?? NATIVE_ASSET;
  const fields = { asset: id, recipient: personAt(to).address, amount: amount(units) };
  if (kind === 'issue') {
    return { kind: 'asset.issue', symbol: 'X', name: 'X', decimals: 0, supply: amount(units) };
  }
  if (kind === 'grant') return { kind: 'faucet.grant', recipient: fields.recipient };
  if (kind === 'burn') return { kind: 'asset.burn', asset: id, amount: fields.amount };
  return { kind: `asset.${kind}`, ...fields };
}

/** Sums of all balances, by asset. */
function totals(world: TestWorld): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const { key, value } of world.state.values.values()) {
    if (key[0] !== 2 || key[1] !== 2) continue;
    const asset = key.subarray(34).join();
    const held = new DataView(value.buffer, value.byteOffset).getBigUint64(0, true);
    expect(held).toBeGreaterThan(0n);
    sums.set(asset, (sums.get(asset) ?? 0n) + held);
  }
  return sums;
}

function checkSupplies(world: TestWorld, assets: readonly AssetId[]): void {
  const sums = totals(world);
  for (const asset of assets) {
    const record = defined(readAsset(world.state, asset), 'listed assets exist');
    expect(sums.get(asset.join()) ?? 0n).toBe(record.supply);
  }
}

describe('any sequence of blocks', () => {
  it('conserves every asset, lists what is held, advances sequences, and is deterministic', () => {
    fc.assert(
      fc.property(blocks, (plan) => {
        const world = new TestWorld({
          balances: people.slice(0, 3).map(({ address }) => ({ address, amount: 50n * COIN })),
        });
        const native = (): bigint => {
          const record = defined(readAsset(world.state, NATIVE_ASSET), 'native');
          return record.supply + record.burned;
        };
        const start = native();
        const assets: AssetId[] = [NATIVE_ASSET];
        for (const transactions of plan) {
          // One sender once a block keeps sequences simple; the rest is the plan's.
          const bySender = new Map(transactions.map((each) => [each.sender, each]));
          const candidates = [...bySender.values()].map(({ sender, sponsor, deeds, gasLimit }) => {
            const isOther = sponsor !== undefined && sponsor !== sender;
            return world.prepare(personAt(sender), {
              actions: deeds.map((each) => actionOf(each, assets)),
              change: { gasLimit: gas(gasLimit) },
              ...(isOther ? { sponsor: personAt(sponsor) } : {}),
            });
          });
          const place = world.place();
          const verdict = world.ledger.executeCandidates(world.state, place, candidates);
          if (verdict.kind !== 'executed') throw new Error('all is in memory');
          const again = new TestState([...world.state.values.values()].reverse());
          const { included, skipped: _skipped, ...execution } = verdict;
          expect(world.ledger.executeBlock(again, place, included)).toEqual(execution);
          const before = people.map(({ address }) => sequenceOf(world, address));
          world.commit(...included);
          for (const [at, { address }] of people.entries()) {
            const sent = included.filter(({ transaction }) =>
              transaction.body.sender.every((byte, place) => byte === address[place]),
            );
            expect(sequenceOf(world, address)).toBe((before[at] ?? 0) + sent.length);
          }
          for (const { logs } of execution.receipts) {
            for (const log of logs) {
              if (log.kind !== 'asset.issued') continue;
              // By the schema of that log.
              assets.push(world.ledger.decodeLog(log)?.fields.asset as AssetId);
            }
          }
          checkSupplies(world, assets);
          expect(native()).toBe(start);
        }
        checkListing(world);
      }),
      { numRuns: 30 },
    );
  });
});

const sequenceOf = (world: TestWorld, address: Person['address']): number =>
  readAccount(world.ledger.suite, world.state, address).sequence;

/** The list of an account's assets says exactly what its balances say. */
function checkListing(world: TestWorld): void {
  for (const { address } of people) {
    const listed = readBalances(world.state, address).filter(({ amount: held }) => held > 0n);
    let found = 0;
    for (const { key } of world.state.values.values()) {
      const isBalance = key[0] === 2 && key[1] === 2;
      if (isBalance && key.subarray(2, 34).join() === address.join()) found += 1;
    }
    expect(listed).toHaveLength(found);
  }
}
