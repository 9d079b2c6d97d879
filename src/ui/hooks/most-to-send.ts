import { TabellionError } from '../../base/index.ts';
import type { LocalAccount, Wallet } from '../../wallet/index.ts';
import { isNative } from './assets.ts';
import type { Address, AssetBalance } from './client.ts';

/** What a payment of everything is about. */
export type Whole = {
  readonly balance: AssetBalance;
  readonly recipient: Address;
  readonly memo: string;
};

/**
 * The most that can be sent of an asset: all of it, less what the fee may come to where the fee is
 * paid in it. Rejects as `Wallet.prepare`, and with `insufficient-balance` where the fee is more.
 */
export async function mostToSend(
  wallet: Pick<Wallet, 'prepare'>,
  account: LocalAccount,
  { balance: { asset, amount }, recipient, memo }: Whole,
): Promise<bigint> {
  if (!isNative(asset)) return amount;
  const actions = [{ kind: 'asset.transfer', asset, recipient, amount }];
  const { feeMax } = (await wallet.prepare({ account, actions, memo })).body;
  if (feeMax >= amount) {
    throw new TabellionError('insufficient-balance', { needed: `${feeMax}`, held: `${amount}` });
  }
  return amount - feeMax;
}
