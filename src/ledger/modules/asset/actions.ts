import { equalBytes } from '../../../base/index.ts';
import { addAmounts, subtractAmounts, ZERO_AMOUNT } from '../../amount.ts';
import { issuedAssetId, NATIVE_ASSET } from '../../ids.ts';
import type { ActionContext, ActionOutcome } from '../../module.ts';
import { defineAction } from '../../module.ts';
import { give, move, take } from './bank.ts';
import type { AssetRecord, Burn, Issue, Mint, Transfer } from './schema.ts';
import {
  assetCount,
  assetNumbers,
  assets,
  balances,
  burnFields,
  holdings,
  issueFields,
  mintFields,
  transferFields,
} from './schema.ts';

/** How actions of this module fail. */
export const ASSET_ERRORS = [
  'asset-unknown',
  'symbol-reserved',
  'not-issuer',
  'amount-zero',
  'insufficient-balance',
  'balance-overflow',
  'supply-overflow',
  'assets-too-many',
] as const;
type AssetErrorCode = (typeof ASSET_ERRORS)[number];

/** Numbers of assets are unsigned 32-bit integers. */
const ASSET_NUMBER_MAX = 0xffff_fffe;

const failed = (code: AssetErrorCode): ActionOutcome => ({ code });

function issue(context: ActionContext, fields: Issue): ActionOutcome {
  const { suite, state, sender } = context;
  const asset = issuedAssetId(suite, context.transactionId, context.actionIndex);
  const { symbol, name, decimals, supply } = fields;
  // People read symbols: no other asset may look like the one that fees are paid in.
  const native = assets.get(state, NATIVE_ASSET)?.symbol;
  if (native?.toUpperCase() === symbol.toUpperCase()) return failed('symbol-reserved');
  const number = assetCount.get(state, 0) ?? 0;
  if (number > ASSET_NUMBER_MAX) return failed('assets-too-many');
  const issued = { symbol, name, decimals, issuer: sender, supply, burned: ZERO_AMOUNT, number };
  assets.set(state, asset, issued);
  assetNumbers.set(state, number, asset);
  assetCount.set(state, 0, number + 1);
  const error = give(state, { address: sender, asset }, supply);
  if (error !== undefined) return failed(error);
  context.log('issued', [sender], { asset, symbol, supply });
  return undefined;
}

function transfer(context: ActionContext, fields: Transfer): ActionOutcome {
  const { asset, recipient, amount } = fields;
  if (amount === ZERO_AMOUNT) return failed('amount-zero');
  const parties = { from: context.sender, to: recipient };
  // An unknown asset is held by nobody, so its transfer fails here too, without another read.
  const error = move(context.state, asset, parties, amount);
  if (error !== undefined) return failed(error);
  context.log('transferred', [context.sender, recipient], { asset, amount });
  return undefined;
}

/** The record of an asset, if the sender is its issuer. */
function issuedBySender(
  context: ActionContext,
  asset: Mint['asset'],
): AssetRecord | AssetErrorCode {
  const record = assets.get(context.state, asset);
  if (record === undefined) return 'asset-unknown';
  if (record.issuer === undefined || !equalBytes(record.issuer, context.sender)) {
    return 'not-issuer';
  }
  return record;
}

function mint(context: ActionContext, { asset, recipient, amount }: Mint): ActionOutcome {
  const record = issuedBySender(context, asset);
  if (typeof record === 'string') return failed(record);
  if (amount === ZERO_AMOUNT) return failed('amount-zero');
  const supply = addAmounts(record.supply, amount);
  // Counting what was burned keeps both sums in range for ever.
  if (supply === undefined || addAmounts(supply, record.burned) === undefined) {
    return failed('supply-overflow');
  }
  assets.set(context.state, asset, { ...record, supply });
  const error = give(context.state, { address: recipient, asset }, amount);
  if (error !== undefined) return failed(error);
  context.log('minted', [context.sender, recipient], { asset, amount });
  return undefined;
}

function burn(context: ActionContext, { asset, amount }: Burn): ActionOutcome {
  const record = issuedBySender(context, asset);
  if (typeof record === 'string') return failed(record);
  if (amount === ZERO_AMOUNT) return failed('amount-zero');
  const error = take(context.state, { address: context.sender, asset }, amount);
  if (error !== undefined) return failed(error);
  const supply = subtractAmounts(record.supply, amount);
  const burned = addAmounts(record.burned, amount);
  if (supply === undefined || burned === undefined) return failed('supply-overflow');
  assets.set(context.state, asset, { ...record, supply, burned });
  context.log('burned', [context.sender], { asset, amount });
  return undefined;
}

/** The actions on assets. */
export const assetActions = [
  defineAction<Issue>({
    number: 1,
    name: 'issue',
    fields: issueFields,
    classOf: () => 'everyday',
    roles: ['signer'],
    gas: 2_000,
    keysOf: ({ sender }) => [
      holdings.keyOf(sender),
      assetCount.keyOf(0),
      assets.keyOf(NATIVE_ASSET),
    ],
    execute: issue,
    description: {
      title: 'issue-asset',
      fields: { symbol: 'text', name: 'text', decimals: 'number', supply: 'amount' },
    },
  }),
  defineAction<Transfer>({
    number: 2,
    name: 'transfer',
    fields: transferFields,
    classOf: () => 'everyday',
    gas: 500,
    keysOf: ({ sender }, { asset, recipient }) => [
      balances.keyOf({ address: sender, asset }),
      balances.keyOf({ address: recipient, asset }),
    ],
    execute: transfer,
    description: {
      title: 'send',
      fields: { asset: 'asset', recipient: 'recipient', amount: 'amount' },
    },
  }),
  defineAction<Mint>({
    number: 3,
    name: 'mint',
    fields: mintFields,
    classOf: () => 'guarded',
    gas: 800,
    keysOf: (_, { asset, recipient }) => [
      assets.keyOf(asset),
      balances.keyOf({ address: recipient, asset }),
      holdings.keyOf(recipient),
    ],
    execute: mint,
    description: {
      title: 'mint',
      fields: { asset: 'asset', recipient: 'recipient', amount: 'amount' },
    },
  }),
  defineAction<Burn>({
    number: 4,
    name: 'burn',
    fields: burnFields,
    classOf: () => 'guarded',
    gas: 800,
    keysOf: ({ sender }, { asset }) => [
      assets.keyOf(asset),
      balances.keyOf({ address: sender, asset }),
    ],
    execute: burn,
    description: { title: 'burn', fields: { asset: 'asset', amount: 'amount' } },
  }),
];
