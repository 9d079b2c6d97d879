import { describe, expect, it } from 'vitest';
import type { Action, Address } from '../../sdk/index.ts';
import { describePayees } from './payees.ts';

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

describe('describePayees', () => {
  const payees = (...actions: readonly Action[]) => describePayees({ actions, faucetAmount: 100n });
  const gold = { ...transfer(ben), asset: new Uint8Array(32).fill(9) };

  it('is one sum where one asset goes to one account', () => {
    const whole = payees(transfer(ben), { kind: 'stake.bond' }, transfer(ben));
    expect(whole).toMatchObject({ recipients: [ben], assetCount: 1, amount: 10n, asset: NATIVE });
    const granted = payees({ kind: 'faucet.grant', recipient: me });
    expect(granted).toMatchObject({ recipients: [me], amount: 100n, asset: undefined });
  });
  it('tells no part as the whole: several payees, or several assets, have no sum', () => {
    const three = payees(transfer(ben), transfer(me), transfer(account(3)), transfer(ben));
    expect(three).toMatchObject({ recipients: [ben, me, account(3)], assetCount: 1 });
    expect(three.amount).toBeUndefined();
    const two = payees(transfer(ben), gold);
    expect(two).toMatchObject({ recipients: [ben], assetCount: 2, amount: undefined });
  });
  it('counts what a faucet gives as the native asset, and knows no sum with an unknown part', () => {
    const grant = { kind: 'faucet.grant', recipient: ben };
    expect(payees(grant, transfer(ben))).toMatchObject({ assetCount: 1, amount: 105n });
    const unknown = describePayees({ actions: [transfer(ben), grant], faucetAmount: undefined });
    expect(unknown.amount).toBeUndefined();
  });
  it('is nobody where nothing is handed over', () => {
    expect(payees({ kind: 'asset.mint', recipient: me })).toMatchObject({ recipients: [] });
  });
});
