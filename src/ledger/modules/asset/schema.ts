import type { Bytes } from '../../../base/index.ts';
import type { Infer } from '../../../codec/index.ts';
import { familiarBytes, option, refined, struct, u8, u32, vector } from '../../../codec/index.ts';
import type { Address } from '../../address.ts';
import { addressCodec } from '../../address.ts';
import { NATIVE_ASSET } from '../../ids.ts';
import { ASSETS_PER_ACCOUNT_MAX, GENESIS_ACCOUNTS_MAX } from '../../limits.ts';
import { defineLog } from '../../module.ts';
import { decimalsCodec, displayNameCodec, symbolCodec } from '../../names.ts';
import { createTable } from '../../table.ts';
import type { AssetId } from '../../types.ts';
import { amountCodec, assetIdCodec } from '../../types.ts';

/** Number of this module: first byte of its actions and state keys. */
export const ASSET_MODULE = 2;

export const issueFields = struct('Issue', {
  symbol: symbolCodec,
  name: displayNameCodec,
  decimals: decimalsCodec,
  /** Given to the issuer; more can be minted. */
  supply: amountCodec,
});
/** Of most transfers the native asset. */
const transferredAssetCodec = refined<Bytes, AssetId>('AssetId', familiarBytes(32, NATIVE_ASSET), {
  parse: (value) => value as AssetId, // Any 32 bytes may name an asset.
});
export const transferFields = struct('Transfer', {
  asset: transferredAssetCodec,
  recipient: addressCodec,
  amount: amountCodec,
});
export const mintFields = struct('Mint', {
  asset: assetIdCodec,
  recipient: addressCodec,
  amount: amountCodec,
});
export const burnFields = struct('Burn', { asset: assetIdCodec, amount: amountCodec });

export type Issue = Infer<typeof issueFields>;
export type Transfer = Infer<typeof transferFields>;
export type Mint = Infer<typeof mintFields>;
export type Burn = Infer<typeof burnFields>;

export const assetLogs = {
  issued: defineLog(
    struct('Issued', { asset: assetIdCodec, symbol: symbolCodec, supply: amountCodec }),
  ),
  transferred: defineLog(struct('Transferred', { asset: assetIdCodec, amount: amountCodec })),
  minted: defineLog(struct('Minted', { asset: assetIdCodec, amount: amountCodec })),
  burned: defineLog(struct('Burned', { asset: assetIdCodec, amount: amountCodec })),
};

/** What is known of an asset; the native one has no issuer. */
export const assetRecordCodec = struct('AssetRecord', {
  symbol: symbolCodec,
  name: displayNameCodec,
  decimals: decimalsCodec,
  issuer: option(addressCodec),
  /** The sum of all balances. */
  supply: amountCodec,
  /** Destroyed so far, fees included. */
  burned: amountCodec,
  /** Counts issues: the native asset is 0. */
  number: u32,
});
export type AssetRecord = Infer<typeof assetRecordCodec>;

/** Where a balance is kept. */
export type BalancePlace = { readonly address: Address; readonly asset: AssetId };
const balancePlaceCodec = struct('BalancePlace', { address: addressCodec, asset: assetIdCodec });

export const assets = createTable(
  { module: ASSET_MODULE, table: 1 },
  assetIdCodec,
  assetRecordCodec,
);
/** Balances above zero; absent means zero. */
export const balances = createTable<BalancePlace, Infer<typeof amountCodec>>(
  { module: ASSET_MODULE, table: 2 },
  balancePlaceCodec,
  amountCodec,
);
/** Which assets beside the native one an account holds, in the order in which it got them. */
export const holdings = createTable(
  { module: ASSET_MODULE, table: 3 },
  addressCodec,
  vector(assetIdCodec, { min: 1, max: ASSETS_PER_ACCOUNT_MAX }),
);

/** Assets by their number, so that all of them can be listed from state. */
export const assetNumbers = createTable({ module: ASSET_MODULE, table: 4 }, u32, assetIdCodec);
/** How many assets there are, under the one key 0. */
export const assetCount = createTable({ module: ASSET_MODULE, table: 5 }, u8, u32);

export const assetGenesisCodec = struct('AssetGenesis', {
  /** First owners of the native asset; what they hold is its supply. */
  balances: vector(struct('GenesisBalance', { address: addressCodec, amount: amountCodec }), {
    max: GENESIS_ACCOUNTS_MAX,
  }),
});
export type AssetGenesis = Infer<typeof assetGenesisCodec>;
