import { useCallback, useEffect, useState } from 'react';
import type { ErrorData } from '../../base/index.ts';
import { errorToData, TabellionError } from '../../base/index.ts';
import type { LocalAccount, Wallet } from '../../wallet/index.ts';
import { isNative } from './assets.ts';
import type { Address, AssetBalance } from './client.ts';
import { useWallet } from './services.ts';

/** What a payment of everything is about. */
export type Whole = {
  readonly balance: AssetBalance;
  readonly recipient: Address;
  readonly memo: string;
};

/**
 * The most that can be sent of an asset: all of it, less what the fee may come to where the fee is
 * paid in it. Rejects as `Wallet.prepare`, and with `fee-uncovered` where the fee takes it all.
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
    throw new TabellionError('fee-uncovered', { needed: `${feeMax}`, held: `${amount}` });
  }
  return amount - feeMax;
}

/** Who asks for the most that can be sent: the button that fills the form, or the one after it. */
export type Purpose = 'all' | 'review';

/** What is asked just now, and why there was no answer last time. */
export type Asking = {
  readonly purpose: Purpose | undefined;
  readonly error: ErrorData | undefined;
};

const IDLE: Asking = { purpose: undefined, error: undefined };

/**
 * Asks one question at a time. An answer that comes after a newer question, or after the question
 * was dropped, is worth nothing: what it was about is on the screen no longer.
 */
export function createNewestOnly(tell: (asking: Asking) => void) {
  let running: { readonly purpose: Purpose } | undefined;
  return {
    /** The answer; `undefined` where there is none, or none is wanted any more. */
    async ask<Value>(purpose: Purpose, question: () => Promise<Value>): Promise<Value | undefined> {
      const mine = { purpose };
      running = mine;
      tell({ purpose, error: undefined });
      let told = IDLE;
      try {
        const value = await question();
        return running === mine ? value : undefined;
      } catch (caught) {
        told = { purpose: undefined, error: errorToData(caught) };
        return undefined;
      } finally {
        if (running === mine) {
          running = undefined;
          tell(told);
        }
      }
    },
    /** Forgets what is asked, if it is asked for this purpose, and what was refused. */
    drop(purpose?: Purpose) {
      if (running !== undefined && purpose !== undefined && running.purpose !== purpose) return;
      running = undefined;
      tell(IDLE);
    },
  };
}

/** Works out what can be sent at most, when asked to; nothing is answered to a page that was left. */
export function useMost(account: LocalAccount) {
  const wallet = useWallet();
  const [asking, setAsking] = useState(IDLE);
  const [newest] = useState(() => createNewestOnly(setAsking));
  const { drop } = newest;
  useEffect(() => drop, [drop]);
  const ask = useCallback(
    async (purpose: Purpose, of: Whole) =>
      wallet === undefined ? undefined : newest.ask(purpose, () => mostToSend(wallet, account, of)),
    [wallet, account, newest],
  );
  return { ...asking, ask, drop };
}
