import { assert, compareBytes, defined, equalBytes } from '../../../base/index.ts';
import { decode } from '../../../codec/index.ts';
import type { Address } from '../../address.ts';
import { addAmounts, subtractAmounts, ZERO_AMOUNT } from '../../amount.ts';
import { NATIVE_ASSET } from '../../ids.ts';
import { ASSETS_PER_ACCOUNT_MAX } from '../../limits.ts';
import type { FeeService } from '../../module.ts';
import type { MutableState, StateView } from '../../state.ts';
import type { Amount, AssetId } from '../../types.ts';
import { amountCodec } from '../../types.ts';
import type { BalancePlace } from './schema.ts';
import { assets, balances, holdings } from './schema.ts';

/** Why a balance could not be changed. */
export type BankError = 'insufficient-balance' | 'balance-overflow' | 'assets-too-many';

/** How much of an asset an account holds. */
export function balanceOf(state: StateView | MutableState, place: BalancePlace): Amount {
  return balances.get(state, place) ?? ZERO_AMOUNT;
}

function isNative(asset: AssetId): boolean {
  return asset === NATIVE_ASSET || compareBytes(asset, NATIVE_ASSET) === 0;
}

/** Places of native balances that were asked for last, so that their table knows them again. */
const NATIVE_PLACES_KEPT = 4;
const nativePlaces: (BalancePlace | undefined)[] = new Array(NATIVE_PLACES_KEPT).fill(undefined);
let oldestPlace = 0;

/** One object for the same account object and asset, as far as it is remembered. */
function placeOf(address: Address, asset: AssetId): BalancePlace {
  if (!isNative(asset)) return { address, asset };
  for (let at = 0; at < NATIVE_PLACES_KEPT; at++) {
    const place = nativePlaces[at];
    if (place?.address === address) return place;
  }
  const place = { address, asset: NATIVE_ASSET };
  nativePlaces[oldestPlace] = place;
  oldestPlace = (oldestPlace + 1) % NATIVE_PLACES_KEPT;
  return place;
}

/** Takes from a balance; forgets the asset when nothing is left. */
export function take(
  state: MutableState,
  place: BalancePlace,
  amount: Amount,
): BankError | undefined {
  const left = subtractAmounts(balanceOf(state, place), amount);
  if (left === undefined) return 'insufficient-balance';
  if (amount === ZERO_AMOUNT) return undefined;
  if (left !== ZERO_AMOUNT) {
    balances.set(state, place, left);
    return undefined;
  }
  balances.delete(state, place);
  if (isNative(place.asset)) return undefined;
  const held = holdings.get(state, place.address) ?? [];
  const others = held.filter((asset) => !equalBytes(asset, place.asset));
  if (others.length === 0) holdings.delete(state, place.address);
  else holdings.set(state, place.address, others);
  return undefined;
}

/** Adds to a balance; remembers the asset when it is the first of its kind. */
export function give(
  state: MutableState,
  place: BalancePlace,
  amount: Amount,
): BankError | undefined {
  const before = balanceOf(state, place);
  const after = addAmounts(before, amount);
  if (after === undefined) return 'balance-overflow';
  if (amount === ZERO_AMOUNT) return undefined;
  if (before === ZERO_AMOUNT && !isNative(place.asset)) {
    const held = holdings.get(state, place.address) ?? [];
    if (held.length >= ASSETS_PER_ACCOUNT_MAX) return 'assets-too-many';
    holdings.set(state, place.address, [...held, place.asset]);
  }
  balances.set(state, place, after);
  return undefined;
}

/** Moves an amount between two accounts; nothing changes on failure but what the caller undoes. */
export function move(
  state: MutableState,
  asset: AssetId,
  parties: { readonly from: Address; readonly to: Address },
  amount: Amount,
): BankError | undefined {
  return (
    take(state, placeOf(parties.from, asset), amount) ??
    give(state, placeOf(parties.to, asset), amount)
  );
}

/** What the kernel asks of the native asset. */
export const feeService: FeeService = {
  balance: (state, address) => balanceOf(state, placeOf(address, NATIVE_ASSET)),

  debit(state, address, amount) {
    const error = take(state, placeOf(address, NATIVE_ASSET), amount);
    assert(error === undefined, 'the kernel looked at the balance before');
  },

  credit(state, address, amount) {
    const error = give(state, placeOf(address, NATIVE_ASSET), amount);
    assert(error === undefined, 'no balance exceeds the supply, which is in range');
  },

  settle(state, { amount, recipient }) {
    if (amount === ZERO_AMOUNT) return;
    if (recipient !== undefined) {
      feeService.credit(state, recipient, amount);
      return;
    }
    const record = defined(assets.get(state, NATIVE_ASSET), 'the native asset is there');
    const supply = defined(subtractAmounts(record.supply, amount), 'fees are part of the supply');
    const burned = defined(addAmounts(record.burned, amount), 'burned never exceeds the supply');
    assets.set(state, NATIVE_ASSET, { ...record, supply, burned });
  },

  keysOf: (address) => [balances.keyOf({ address, asset: NATIVE_ASSET })],
  settlementKeys: (recipient) =>
    recipient === undefined
      ? [assets.keyOf(NATIVE_ASSET)]
      : [balances.keyOf({ address: recipient, asset: NATIVE_ASSET })],
  parseBalanceKey: (key) => balances.parseKey(key),

  decodeBalance(value) {
    if (value === undefined) return ZERO_AMOUNT;
    const decoded = decode(amountCodec, value);
    assert(decoded.ok, 'a balance is eight bytes');
    return decoded.value;
  },
};
