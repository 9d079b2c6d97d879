import { expect, test } from 'vitest';
import { Mailbox } from './mailbox.ts';

test('events come out in the order they went in, also those sent while one is handled', async () => {
  const mailbox = new Mailbox<number>(10);
  mailbox.push(1);
  const seen: number[] = [];
  for await (const event of mailbox) {
    seen.push(event);
    if (event < 4) mailbox.push(event + 1);
    else mailbox.close();
  }
  expect(seen).toEqual([1, 2, 3, 4]);
});

test('an idle loop wakes up for the next event', async () => {
  const mailbox = new Mailbox<string>(10);
  const first = (async () => {
    for await (const event of mailbox) return event;
    return undefined;
  })();
  await Promise.resolve();
  mailbox.push('hello');
  expect(await first).toBe('hello');
});

test('offers beyond the bound are refused, answers are not', () => {
  const mailbox = new Mailbox<number>(2);
  expect([mailbox.offer(1), mailbox.offer(2), mailbox.offer(3)]).toEqual([true, true, false]);
  expect(() => mailbox.push(4)).not.toThrow();
});

test('a closed mailbox ends its loop and takes nothing more', async () => {
  const mailbox = new Mailbox<number>(2);
  mailbox.close();
  expect(mailbox.offer(1)).toBe(false);
  const seen: number[] = [];
  for await (const event of mailbox) seen.push(event);
  expect(seen).toEqual([]);
});
