import { describe, expect, it } from 'vitest';
import { TabellionError } from '../../base/index.ts';
import type { LocalAccount, PreparedTransaction } from '../../wallet/index.ts';
import type { Address, AssetBalance, AssetId } from './client.ts';
import type { Asking } from './most-to-send.ts';
import { createNewestOnly, mostToSend } from './most-to-send.ts';

const NATIVE = new Uint8Array(32);
const GOLD = new Uint8Array(32).fill(7);
const recipient = new Uint8Array(32).fill(2) as Address; // Any 32 bytes.
// Only handed on: what prepares is given below.
const account = { address: recipient } as LocalAccount;
const holding = (asset: Uint8Array, amount: bigint) =>
  // Of an asset only its id and the amount are looked at.
  ({ asset: asset as AssetId, amount }) as AssetBalance;
/** What `prepare` is asked for, and a fee of one unit a byte of the note. */
function walletWith(feeBase: bigint) {
  const asked: unknown[] = [];
  return {
    asked,
    prepare: async ({ actions, memo = '' }: { actions: unknown; memo?: string | undefined }) => {
      asked.push(actions);
      const feeMax = feeBase + BigInt(memo.length);
      return { body: { feeMax } } as unknown as PreparedTransaction; // Only its fee is read.
    },
  };
}

describe('mostToSend', () => {
  it('is all of an asset that pays no fee, and nothing is prepared', async () => {
    const wallet = walletWith(10n);
    const of = { balance: holding(GOLD, 1250n), recipient, memo: '' };
    expect(await mostToSend(wallet, account, of)).toBe(1250n);
    expect(wallet.asked).toEqual([]);
  });
  it('is less than all by the fee, a note included', async () => {
    const wallet = walletWith(10n);
    const of = { balance: holding(NATIVE, 100n), recipient, memo: 'note' };
    expect(await mostToSend(wallet, account, of)).toBe(86n);
    expect(wallet.asked).toEqual([
      [{ kind: 'asset.transfer', asset: NATIVE, recipient, amount: 100n }],
    ]);
  });
  it('says where the fee takes it all, and not that less should be sent', async () => {
    const of = { balance: holding(NATIVE, 10n), recipient, memo: '' };
    const facts = { needed: '10', held: '10' };
    await expect(mostToSend(walletWith(10n), account, of)).rejects.toMatchObject({
      code: 'fee-uncovered',
      facts,
    });
    expect(await mostToSend(walletWith(9n), account, of)).toBe(1n);
  });
});

describe('createNewestOnly', () => {
  const begin = () => {
    const told: Asking[] = [];
    const newest = createNewestOnly((asking) => told.push(asking));
    return { told, newest };
  };

  it('is busy for its purpose until it answers', async () => {
    const { told, newest } = begin();
    expect(await newest.ask('all', async () => 5n)).toBe(5n);
    expect(told.map(({ purpose }) => purpose)).toEqual(['all', undefined]);
  });
  it('drops an answer, or a refusal, that nobody waits for any more', async () => {
    for (const end of [async () => 5n, () => Promise.reject(new TabellionError('late'))]) {
      const { told, newest } = begin();
      const open = Promise.withResolvers<void>();
      const asked = newest.ask('all', () => open.promise.then(end));
      newest.drop();
      open.resolve();
      expect(await asked).toBeUndefined();
      expect(told.at(-1)).toEqual({ purpose: undefined, error: undefined });
    }
  });
  it('answers the newest question alone, and stays busy for it', async () => {
    const { told, newest } = begin();
    const [first, second] = [Promise.withResolvers<bigint>(), Promise.withResolvers<bigint>()];
    const one = newest.ask('all', () => first.promise);
    const two = newest.ask('review', () => second.promise);
    first.resolve(1n);
    expect(await one).toBeUndefined();
    expect(told.at(-1)?.purpose).toBe('review');
    second.resolve(2n);
    expect(await two).toBe(2n);
    expect(told.at(-1)?.purpose).toBeUndefined();
  });
  it('drops for one purpose what was asked for it, and never another', async () => {
    const { newest } = begin();
    const answer = Promise.withResolvers<bigint>();
    const all = newest.ask('all', () => answer.promise);
    newest.drop('review');
    answer.resolve(3n);
    expect(await all).toBe(3n);
    const review = newest.ask('review', async () => 4n);
    newest.drop('review');
    expect(await review).toBeUndefined();
  });
  it('forgets why it was refused once something was changed', async () => {
    const { told, newest } = begin();
    const refusal = () => Promise.reject(new TabellionError('fee-uncovered'));
    expect(await newest.ask('all', refusal)).toBeUndefined();
    expect(told.at(-1)?.error?.code).toBe('fee-uncovered');
    newest.drop('review');
    expect(told.at(-1)?.error).toBeUndefined();
  });
});
