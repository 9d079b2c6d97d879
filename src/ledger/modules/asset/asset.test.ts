import { describe, expect, it } from 'vitest';
import { parseJson } from '../../../codec/index.ts';
import { AMOUNT_MAX } from '../../amount.ts';
import { NATIVE_ASSET } from '../../ids.ts';
import { readAsset, readBalance, readBalances } from '../../read.ts';
import { Overlay } from '../../state.ts';
import { amount, height, person, TestWorld } from '../../testing/world.ts';
import type { Action, AssetId } from '../../types.ts';
import { balanceOf, give, take } from './bank.ts';
import { holdings, issueFields } from './schema.ts';

const anna = person('Anna');
const ben = person('Ben');
const COIN = 1_000_000n;
const failure = (code: string) => ({ kind: 'failed', code, actionIndex: 0 });

function createWorld(): TestWorld {
  return new TestWorld({
    balances: [anna, ben].map(({ address }) => ({ address, amount: 100n * COIN })),
  });
}

const issue = (supply: bigint): Action => ({
  kind: 'asset.issue',
  symbol: 'GOLD',
  name: 'Gold of Anna',
  decimals: 2,
  supply: amount(supply),
});

/** A world in which Anna issued an asset. */
function withAsset(supply = 1_000n): { readonly world: TestWorld; readonly asset: AssetId } {
  const world = createWorld();
  const receipt = world.run(anna, { actions: [issue(supply)] });
  const [log] = receipt.logs;
  if (log === undefined) throw new Error(`not issued: ${JSON.stringify(receipt.outcome)}`);
  const fields = world.ledger.decodeLog(log)?.fields;
  return { world, asset: fields?.asset as AssetId }; // By the schema of that log.
}

const transfer = (asset: AssetId, units: bigint): Action => ({
  kind: 'asset.transfer',
  asset,
  recipient: ben.address,
  amount: amount(units),
});

describe('issue', () => {
  it('gives the supply to its issuer, who is named in the record', () => {
    const { world, asset } = withAsset();
    expect(readAsset(world.state, asset)).toEqual({
      symbol: 'GOLD',
      name: 'Gold of Anna',
      decimals: 2,
      issuer: anna.address,
      supply: 1_000n,
      burned: 0n,
      number: 1,
    });
    expect(readBalances(world.state, anna.address).map(({ asset: each }) => each)).toEqual([
      NATIVE_ASSET,
      asset,
    ]);
  });

  it('refuses the symbol of the native asset, and only that', () => {
    const native = { symbol: 'COIN', name: 'Coin', decimals: 6 };
    const balances = [{ address: anna.address, amount: 100n * COIN }];
    const world = new TestWorld({ balances, native });
    const named = (symbol: string) => ({ actions: [{ ...issue(1n), symbol }] });
    expect(world.run(anna, named('COIN')).outcome).toEqual(failure('symbol-reserved'));
    expect(world.run(anna, named('COIN2')).outcome.kind).toBe('succeeded');
    expect(world.run(anna, named('TAB')).outcome.kind).toBe('succeeded');
  });

  it('gives each its own id, also within one transaction', () => {
    const world = createWorld();
    world.run(anna, { actions: [issue(1n), issue(1n)] });
    const [, first, second] = readBalances(world.state, anna.address);
    expect(first?.asset).not.toEqual(second?.asset);
  });

  it.each([
    ['gold', 'Gold', 2],
    ['GOLDGOLDGOLD1', 'Gold', 2],
    ['', 'Gold', 2],
    ['1GOLD', 'Gold', 2],
    ['GOLD', 'Gold\u202e', 2],
    ['GOLD', 'Gold\u0000', 2],
    ['GOLD', '', 2],
    ['GOLD', 'Gold', 19],
  ])('has no fields %j, %j, %j', (symbol, name, decimals) => {
    const json = { symbol, name, decimals, supply: '1' };
    expect(parseJson(issueFields, json).ok).toBe(false);
  });
});

describe('transfer', () => {
  it('moves units, and forgets an asset of which nothing is left', () => {
    const { world, asset } = withAsset();
    world.run(anna, { actions: [transfer(asset, 400n)] });
    expect(readBalance(world.state, anna.address, asset)).toBe(600n);
    expect(readBalance(world.state, ben.address, asset)).toBe(400n);
    world.run(anna, { actions: [transfer(asset, 600n)] });
    expect(readBalances(world.state, anna.address)).toHaveLength(1);
    expect(holdings.get(world.state, anna.address)).toBeUndefined();
    expect(readBalance(world.state, ben.address, asset)).toBe(1_000n);
  });

  it('to oneself changes nothing', () => {
    const { world, asset } = withAsset();
    const toSelf: Action = { ...transfer(asset, 1_000n), recipient: anna.address };
    expect(world.run(anna, { actions: [toSelf] }).outcome.kind).toBe('succeeded');
    expect(readBalance(world.state, anna.address, asset)).toBe(1_000n);
    expect(holdings.get(world.state, anna.address)).toEqual([asset]);
  });

  it.each([
    ['amount-zero', 0n],
    ['insufficient-balance', 1_001n],
  ] as const)('refuses: %s', (code, units) => {
    const { world, asset } = withAsset();
    expect(world.run(anna, { actions: [transfer(asset, units)] }).outcome).toEqual(failure(code));
  });

  it('of an asset that nobody issued finds nothing to move', () => {
    const nothing = new Uint8Array(32).fill(7) as AssetId; // Any 32 bytes may name an asset.
    const { outcome } = createWorld().run(anna, { actions: [transfer(nothing, 1n)] });
    expect(outcome).toEqual(failure('insufficient-balance'));
  });
});

describe('mint and burn', () => {
  const mint = (asset: AssetId, units: bigint): Action => ({
    kind: 'asset.mint',
    asset,
    recipient: ben.address,
    amount: amount(units),
  });
  const burn = (asset: AssetId, units: bigint): Action => ({
    kind: 'asset.burn',
    asset,
    amount: amount(units),
  });

  it('change the supply by what they make and destroy', () => {
    const { world, asset } = withAsset();
    world.run(anna, { actions: [mint(asset, 50n), burn(asset, 300n)] });
    expect(readAsset(world.state, asset)).toMatchObject({ supply: 750n, burned: 300n });
    expect(readBalance(world.state, ben.address, asset)).toBe(50n);
    expect(readBalance(world.state, anna.address, asset)).toBe(700n);
  });

  it('are the right of the issuer alone; the native asset has none', () => {
    const { world, asset } = withAsset();
    for (const action of [mint(asset, 1n), burn(asset, 1n)]) {
      expect(world.run(ben, { actions: [action] }).outcome).toEqual(failure('not-issuer'));
    }
    for (const action of [mint(NATIVE_ASSET, 1n), burn(NATIVE_ASSET, 1n)]) {
      expect(world.run(anna, { actions: [action] }).outcome).toEqual(failure('not-issuer'));
    }
  });

  it('refuse an unknown asset, nothing at all, and more than there is', () => {
    const { world, asset } = withAsset();
    const unknown = new Uint8Array(32).fill(7) as AssetId; // Any 32 bytes may name an asset.
    const outcomes = [mint(unknown, 1n), mint(asset, 0n), burn(asset, 0n), burn(asset, 1_001n)];
    expect(outcomes.map((action) => world.run(anna, { actions: [action] }).outcome)).toEqual(
      ['asset-unknown', 'amount-zero', 'amount-zero', 'insufficient-balance'].map(failure),
    );
  });

  it('never let the supply leave 64 bits, counting what was burned', () => {
    const { world, asset } = withAsset(AMOUNT_MAX);
    expect(world.run(anna, { actions: [mint(asset, 1n)] }).outcome).toEqual(
      failure('supply-overflow'),
    );
    world.run(anna, { actions: [burn(asset, 10n)] });
    expect(world.run(anna, { actions: [mint(asset, 1n)] }).outcome).toEqual(
      failure('supply-overflow'),
    );
  });
});

describe('the bank', () => {
  it('holds 256 assets an account and refuses one more', () => {
    const state = new Overlay({ get: () => undefined });
    const assetOf = (number: number): AssetId => {
      const id = new Uint8Array(32);
      new DataView(id.buffer).setUint32(0, number + 1);
      return id as AssetId; // Any 32 bytes may name an asset.
    };
    for (let number = 0; number < 256; number++) {
      const place = { address: anna.address, asset: assetOf(number) };
      expect(give(state, place, amount(1))).toBeUndefined();
    }
    const extra = { address: anna.address, asset: assetOf(256) };
    expect(give(state, extra, amount(1))).toBe('assets-too-many');
    expect(take(state, { address: anna.address, asset: assetOf(3) }, amount(1))).toBeUndefined();
    expect(give(state, extra, amount(1))).toBeUndefined();
    expect(balanceOf(state, extra)).toBe(1n);
  });

  it('refuses to overflow a balance', () => {
    const state = new Overlay({ get: () => undefined });
    const place = { address: anna.address, asset: NATIVE_ASSET };
    give(state, place, AMOUNT_MAX);
    expect(give(state, place, amount(1))).toBe('balance-overflow');
  });
});

describe('windows', () => {
  it('last to the height they name', () => {
    const world = createWorld();
    const draft = { actions: [transfer(NATIVE_ASSET, 1n)], change: { validUntil: height(1) } };
    const prepared = world.prepare(anna, draft);
    expect(world.execute(prepared).kind).toBe('executed');
    world.commit();
    expect(world.execute(prepared)).toMatchObject({ error: { code: 'expired' } });
  });
});
