import { expect, it } from 'vitest';
import { damagesOf, TornLog } from './testing/torn-log.ts';

/** How often each outcome was seen; one vote that contradicts another ends it. */
async function judgeAll(torn: TornLog, count: number) {
  const outcomes = new Map<string, number>();
  for (const damage of damagesOf(torn, count)) {
    const { kind, code, contradictions } = await torn.restart(damage);
    const words = JSON.stringify({ damage, kind, code });
    expect(contradictions, words).toEqual([]);
    expect(kind, words).not.toBe('stuck');
    if (kind === 'refused') expect(code, words).toBe('wal-corrupt');
    outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
  }
  return outcomes;
}

it('a log cut or changed at any byte: refused by name, or nothing contradicted', async () => {
  const torn = await TornLog.record(false);
  expect(torn.votesSent).toBe(2);
  expect(torn.entries.length).toBeGreaterThan(5);
  const outcomes = await judgeAll(torn, 30);
  expect(outcomes.get('refused')).toBeGreaterThan(15);
  expect(outcomes.get('recovered')).toBeGreaterThan(5);
}, 120_000);

it('a store that lost the end of its writes, with a mark outside of it: nothing contradicted', async () => {
  const torn = await TornLog.record(true);
  expect(torn.votesSent).toBe(2);
  const outcomes = await judgeAll(torn, 1);
  expect(outcomes.get('recovered')).toBeGreaterThan(torn.writeCount);
}, 120_000);
