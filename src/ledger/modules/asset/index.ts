import { addAmounts, ZERO_AMOUNT } from '../../amount.ts';
import { NATIVE_ASSET } from '../../ids.ts';
import { defineModule } from '../../module.ts';
import type { Amount } from '../../types.ts';
import { ASSET_ERRORS, assetActions } from './actions.ts';
import { feeService, give } from './bank.ts';
import type { AssetGenesis } from './schema.ts';
import {
  ASSET_MODULE,
  assetCount,
  assetGenesisCodec,
  assetLogs,
  assetNumbers,
  assets,
  balances,
} from './schema.ts';

/** Assets: the native one, which pays fees, and those that accounts issue. */
export const assetModule = defineModule<AssetGenesis>({
  number: ASSET_MODULE,
  name: 'asset',
  actions: assetActions,
  errors: ASSET_ERRORS,
  logs: assetLogs,
  genesis: {
    section: assetGenesisCodec,
    isOptional: false,
    apply({ state, native }, section) {
      let supply: Amount = ZERO_AMOUNT;
      for (const { address, amount } of section.balances) {
        const sum = addAmounts(supply, amount);
        if (sum === undefined) return { reason: 'supply-overflow' };
        if (amount === ZERO_AMOUNT) return { reason: 'amount-zero' };
        const place = { address, asset: NATIVE_ASSET };
        if (balances.get(state, place) !== undefined) return { reason: 'account-twice' };
        const error = give(state, place, amount);
        if (error !== undefined) return { reason: error };
        supply = sum;
      }
      const { symbol, name, decimals } = native;
      const issuer = undefined;
      assets.set(state, NATIVE_ASSET, {
        symbol,
        name,
        decimals,
        issuer,
        supply,
        burned: ZERO_AMOUNT,
        number: 0,
      });
      assetNumbers.set(state, 0, NATIVE_ASSET);
      assetCount.set(state, 0, 1);
      return undefined;
    },
  },
  provides: { fees: feeService },
});

export type { BankError } from './bank.ts';
export { balanceOf, feeService, move } from './bank.ts';
export type { AssetGenesis, AssetRecord, Issue, Transfer } from './schema.ts';
export { assetCount, assetNumbers, assets, balances, holdings } from './schema.ts';
