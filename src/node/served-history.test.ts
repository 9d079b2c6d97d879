import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Clock } from '../base/index.ts';
import { TabellionError, timestampMs } from '../base/index.ts';
import { decode } from '../codec/index.ts';
import type { Address } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import { ANSWER_SLICE_MS } from './limits.ts';
import { entriesAnswerCodec, historyAnswerCodec } from './proof-messages.ts';
import { ServedProofs } from './served-proofs.ts';
import { VALIDATORS, Village } from './testing/village.ts';

// What a question for a history costs: this node in work, and whoever asks in units.

const ada = person('ada');
const bob = person('bob');
const [FIRST] = VALIDATORS;
const BLOCKS = 6;
/** Somebody made up, whose name in the index is Bob's: the first eight bytes count there. */
const twin = new Uint8Array(bob.address.map((byte, at) => (at < 8 ? byte : byte ^ 1))) as Address;

let village: Village;
beforeAll(async () => {
  village = new Village({ balances: [{ address: ada.address, amount: 1_000_000_000n }] });
  await village.startAll(...VALIDATORS);
  for (let value = 1; value <= BLOCKS; value++) {
    const id = await village.submit(village.node(FIRST), village.pay(ada, bob.address, value));
    await village.settled(id, VALIDATORS);
  }
});
afterAll(() => village.stopAll());

/** Asks for a history with so many units to spend; what was charged is told, refused or not. */
async function ask(
  kind: 'history' | 'entries',
  address: Address,
  { unitsMax = 1_000, clock = village.clock }: { unitsMax?: number; clock?: Clock } = {},
) {
  const { ledger, parts } = village.node(FIRST);
  const charged: number[] = [];
  const served = new ServedProofs(ledger, parts.store, clock);
  const answer = await served
    .answer(kind, new Uint8Array(), {
      read: () => ({ address, before: undefined, limit: 20 }) as never, // Of this one question.
      refuse: () => new TabellionError('request-refused'),
      charge: (units) => {
        charged.push(units);
        const spent = charged.reduce((sum, each) => sum + each, 0);
        if (spent > unitsMax) throw new TabellionError('request-refused', { reason: 'busy' });
      },
      signal: undefined,
    })
    .catch((error: TabellionError) => error.facts.reason);
  return { answer, charged };
}

/** How many transactions an answer names. */
function countIn(kind: 'history' | 'entries', answer: unknown): number {
  if (!(answer instanceof Uint8Array)) throw new Error(`refused: ${String(answer)}`);
  if (kind === 'history') {
    const decoded = decode(historyAnswerCodec, answer);
    return decoded.ok ? decoded.value.places.length : -1;
  }
  const decoded = decode(entriesAnswerCodec, answer);
  return decoded.ok ? decoded.value.entries.length : -1;
}

describe.each(['history', 'entries'] as const)('a question for %s', (kind) => {
  it('costs each block that is read for it, whether or not it holds what is asked for', async () => {
    const own = await ask(kind, bob.address);
    expect(countIn(kind, own.answer)).toBe(BLOCKS);
    const read = Array(BLOCKS).fill(1);
    // To prove them each block is hashed as well.
    expect(own.charged).toEqual([1, ...read, ...(kind === 'entries' ? read : [])]);
    const others = await ask(kind, twin);
    expect(countIn(kind, others.answer)).toBe(0);
    expect(others.charged).toEqual([1, ...read]);
  });

  it('is refused as soon as its asker has nothing left, and no block is read further', async () => {
    const { answer, charged } = await ask(kind, twin, { unitsMax: 3 });
    expect(answer).toBe('busy');
    expect(charged).toEqual([1, 1, 1, 1]);
  });

  it('lets go of the thread between blocks once they took their time', async () => {
    let nowMs = Number(village.clock.now());
    let pauses = 0;
    const clock: Clock = {
      now: () => {
        nowMs += ANSWER_SLICE_MS;
        return timestampMs(nowMs);
      },
      after: (_, callback) => {
        pauses += 1;
        queueMicrotask(callback);
        return () => undefined;
      },
    };
    await ask(kind, bob.address, { clock });
    expect(pauses).toBe(kind === 'entries' ? 2 * BLOCKS : BLOCKS);
    // Of quick ones there is no need.
    pauses = 0;
    const standing = timestampMs(nowMs);
    await ask(kind, bob.address, { clock: { ...clock, now: () => standing } });
    expect(pauses).toBe(0);
  });
});
