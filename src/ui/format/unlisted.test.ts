import { describe, expect, it } from 'vitest';
import type { TransactionProgress } from '../../wallet/index.ts';
import { unlisted } from './unlisted.ts';

const ANNA = new Uint8Array([1]);
const BOB = new Uint8Array([2]);

type Signed = Parameters<typeof unlisted>[0][number];

function signed(id: number, stage: TransactionProgress['stage'], height?: number): Signed {
  // Only blocks of a ledger have heights of the type's own kind.
  const held = height as TransactionProgress['height'];
  // Ids are bytes; these need not be as long as real ones.
  const transactionId = new Uint8Array([id]) as TransactionProgress['transactionId'];
  return { sender: ANNA as TransactionProgress['sender'], stage, transactionId, height: held };
}

const entry = (id: number, height: number) => ({ id: new Uint8Array([id]), height });

describe('what the history does not list yet', () => {
  it('is whatever has no verdict', () => {
    const all = [signed(1, 'signed'), signed(2, 'seen'), signed(3, 'included', 4)];
    expect(unlisted(all, ANNA, [entry(9, 7)])).toEqual(all);
  });

  it('is a final payment until the history is as new as its block', () => {
    const all = [signed(1, 'final', 8)];
    expect(unlisted(all, ANNA, [])).toEqual(all);
    expect(unlisted(all, ANNA, [entry(9, 7)])).toEqual(all);
    expect(unlisted(all, ANNA, [entry(1, 8), entry(9, 7)])).toEqual([]);
  });

  it('is a failed payment that a block holds, for as long, and none that no block holds', () => {
    expect(unlisted([signed(1, 'failed', 8)], ANNA, [entry(9, 7)])).toHaveLength(1);
    expect(unlisted([signed(1, 'failed'), signed(2, 'expired')], ANNA, [])).toEqual([]);
  });

  it('is nothing that is on an older page, and nothing of others', () => {
    expect(unlisted([signed(1, 'final', 3)], ANNA, [entry(9, 7)])).toEqual([]);
    expect(unlisted([signed(1, 'signed')], BOB, [])).toEqual([]);
  });
});
