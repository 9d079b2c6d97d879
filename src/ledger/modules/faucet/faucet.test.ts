import { describe, expect, it } from 'vitest';
import { NATIVE_ASSET } from '../../ids.ts';
import { readBalance, readFaucet, readLastGrant } from '../../read.ts';
import { person, TestWorld } from '../../testing/world.ts';
import type { Action } from '../../types.ts';

const faucet = person('faucet');
const anna = person('Anna');
const ben = person('Ben');
const COIN = 1_000_000n;
const failure = (code: string) => ({ kind: 'failed', code, actionIndex: 0 });
const grant = (to = anna): Action => ({ kind: 'faucet.grant', recipient: to.address });

describe('grant', () => {
  it('moves coins of the operator, once an interval of block time', () => {
    const world = new TestWorld();
    expect(readFaucet(world.state)).toEqual({
      operator: faucet.address,
      amount: 100n * COIN,
      intervalMs: 3_600_000,
    });
    expect(world.run(faucet, { actions: [grant()] }).outcome.kind).toBe('succeeded');
    expect(readBalance(world.state, anna.address, NATIVE_ASSET)).toBe(100n * COIN);
    expect(readLastGrant(world.state, anna.address)).toBe(world.now);
    expect(world.run(faucet, { actions: [grant()] }).outcome).toEqual(
      failure('granted-too-recently'),
    );
    expect(world.run(faucet, { actions: [grant(ben)] }).outcome.kind).toBe('succeeded');
    world.now += 3_600_000;
    expect(world.run(faucet, { actions: [grant()] }).outcome.kind).toBe('succeeded');
    expect(readBalance(world.state, anna.address, NATIVE_ASSET)).toBe(200n * COIN);
  });

  it('is the right of the operator alone', () => {
    const world = new TestWorld({ balances: [{ address: anna.address, amount: COIN }] });
    expect(world.run(anna, { actions: [grant()] }).outcome).toEqual(failure('not-operator'));
  });

  it('ends when the operator has nothing left', () => {
    const world = new TestWorld({
      faucet: { policy: faucet.policy, supply: 2n * COIN, amount: 2n * COIN },
    });
    expect(world.run(faucet, { actions: [grant()] }).outcome).toEqual(
      failure('insufficient-balance'),
    );
  });
});

describe('a network without a faucet', () => {
  it('grants nothing', () => {
    const world = new TestWorld({
      faucet: undefined,
      balances: [{ address: anna.address, amount: COIN }],
    });
    expect(readFaucet(world.state)).toBeUndefined();
    expect(world.run(anna, { actions: [grant()] }).outcome).toEqual(failure('faucet-absent'));
  });
});
