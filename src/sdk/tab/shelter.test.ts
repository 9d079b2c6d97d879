import { describe, expect, it } from 'vitest';
import type { Clock } from '../../base/index.ts';
import { TabellionError, timestampMs } from '../../base/index.ts';
import { MemoryStore } from '../../storage/index.ts';
import { openInTime, STORE_FREED } from './shelter.ts';

const WAIT_MS = 1_000;

/** A store that is being opened, beside a clock of which nothing but its one timer is asked. */
function opening() {
  let runLate: () => void = () => undefined;
  const clock: Clock = {
    now: () => timestampMs(0),
    after(delayMs, run) {
      expect(delayMs).toBe(WAIT_MS);
      runLate = run;
      return () => {
        runLate = () => undefined;
      };
    },
  };
  const { promise, resolve, reject } = Promise.withResolvers<MemoryStore>();
  const noted: string[] = [];
  const ground = {
    patienceMs: () => WAIT_MS,
    noteHeld: () => void noted.push('held'),
    noteOpened: () => void noted.push('opened'),
  };
  const outcome = openInTime(promise, { clock, ground });
  return { pass: () => runLate(), resolve, reject, outcome, noted };
}

describe('openInTime', () => {
  it('gives a store that opens in time', async () => {
    const { pass, resolve, outcome, noted } = opening();
    const store = new MemoryStore();
    resolve(store);
    expect(await outcome).toEqual({ kind: 'opened', store });
    expect(noted).toEqual(['opened']);
    pass(); // Nobody waits any more.
    expect(await store.get('meta', new Uint8Array(1))).toBeUndefined();
  });

  it('says when a store that was held can be opened, and leaves it to who comes after', async () => {
    const { pass, resolve, outcome, noted } = opening();
    pass();
    const found = await outcome;
    expect(noted).toEqual(['held']);
    if (found.kind !== 'held') throw new Error('it was opened');
    const store = new MemoryStore();
    resolve(store);
    expect(await found.ended).toMatchObject({ code: STORE_FREED });
    await expect(store.get('meta', new Uint8Array(1))).rejects.toMatchObject({
      code: 'store-closed',
    });
  });

  it('says why a store that was held can never be opened', async () => {
    const { pass, reject, outcome } = opening();
    pass();
    const found = await outcome;
    reject(new TabellionError('store-in-use', { fence: 7 }));
    expect(found.kind === 'held' && (await found.ended)).toMatchObject({
      code: 'store-in-use',
      facts: { fence: 7 },
    });
  });

  it('rejects as the opening does', async () => {
    const { reject, outcome } = opening();
    reject(new TabellionError('store-full'));
    await expect(outcome).rejects.toMatchObject({ code: 'store-full' });
  });
});
