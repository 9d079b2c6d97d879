import { describe, expect, it } from 'vitest';
import type { Action, Address } from '../../sdk/index.ts';
import { describeActivity, titleOfKind } from './activity.ts';

const account = (fill: number) => new Uint8Array(32).fill(fill) as Address; // Any 32 bytes.
const me = account(1);
const ben = account(2);
const NATIVE = new Uint8Array(32);
const transfer = (recipient: Address): Action => ({
  kind: 'asset.transfer',
  asset: NATIVE,
  recipient,
  amount: 5n,
});
const describeFor = (sender: Address, ...actions: readonly Action[]) =>
  describeActivity({ sender, actions, viewer: me, faucetAmount: 100n });

describe('describeActivity', () => {
  it('tells sent from received by who signed', () => {
    expect(describeFor(me, transfer(ben))).toMatchObject({ direction: 'out', counterpart: ben });
    expect(describeFor(ben, transfer(me))).toMatchObject({ direction: 'in', counterpart: ben });
    expect(describeFor(me, transfer(me)).direction).toBeUndefined();
  });
  it('puts moved money before other deeds', () => {
    const describeKey = { kind: 'account.describe-key', keyId: NATIVE };
    expect(describeFor(me, describeKey, transfer(ben))).toMatchObject({
      title: 'Sent',
      amount: 5n,
    });
  });
  it('skips transfers between others', () => {
    expect(describeFor(ben, transfer(ben), transfer(me)).direction).toBe('in');
  });
  it('knows what the faucet gives', () => {
    const grant = { kind: 'faucet.grant', recipient: me };
    expect(describeFor(ben, grant)).toMatchObject({ direction: 'in', amount: 100n });
  });
  it('names unknown deeds by their kind', () => {
    expect(describeFor(me, { kind: 'stake.bond' }).title).toBe('stake.bond');
    expect(titleOfKind('account.add-key')).toBe('Key added');
  });
});
