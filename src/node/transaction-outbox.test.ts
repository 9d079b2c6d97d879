import { describe, expect, it } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { decode } from '../codec/index.ts';
import { TRANSACTIONS_GATHER_MS, TRANSACTIONS_MESSAGE_BYTES_MAX } from './limits.ts';
import { transactionsMessageCodec } from './messages.ts';
import { VirtualClock } from './testing/virtual-clock.ts';
import { TransactionOutbox } from './transaction-outbox.ts';

function setUp() {
  const clock = new VirtualClock(1_000);
  const messages: (readonly Bytes[])[] = [];
  const sizes: number[] = [];
  const outbox = new TransactionOutbox({
    clock,
    publish: (message) => {
      const decoded = decode(transactionsMessageCodec, message);
      if (!decoded.ok) throw new Error(decoded.error.code);
      messages.push(decoded.value);
      sizes.push(message.length);
    },
  });
  const counts = () => messages.map((each) => each.length);
  return { clock, messages, sizes, outbox, counts };
}

const transaction = (mark: number, length = 200) => new Uint8Array(length).fill(mark);

describe('transactions of this node', () => {
  it('leave at once when none went before, and together when many come', async () => {
    const { clock, outbox, counts, messages } = setUp();
    for (let mark = 0; mark < 10; mark++) outbox.add(transaction(mark));
    expect(counts()).toEqual([1]);
    await clock.pass(TRANSACTIONS_GATHER_MS);
    expect(counts()).toEqual([1, 9]);
    expect(messages.flat().map(([mark]) => mark)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await clock.pass(2 * TRANSACTIONS_GATHER_MS);
    outbox.add(transaction(10));
    expect(counts()).toEqual([1, 9, 1]);
  });

  it('fill no message beyond what its receivers take, and wait for no clock then', () => {
    const { outbox, counts, sizes } = setUp();
    for (let mark = 0; mark < 600; mark++) outbox.add(transaction(mark % 256, 32));
    expect(counts()).toEqual([1, 256, 256]);
    for (let mark = 0; mark < 5; mark++) outbox.add(transaction(mark, 32 * 1024));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(TRANSACTIONS_MESSAGE_BYTES_MAX + 2);
    outbox.pause();
    expect(counts().reduce((sum, count) => sum + count)).toBe(605);
  });

  it('are not kept by a pause, which leaves no timer', async () => {
    const { clock, outbox, counts } = setUp();
    outbox.add(transaction(1));
    outbox.add(transaction(2));
    outbox.pause();
    expect(counts()).toEqual([1, 1]);
    expect(clock.timerCount).toBe(0);
    outbox.add(transaction(3));
    expect(counts()).toEqual([1, 1, 1]);
  });
});
