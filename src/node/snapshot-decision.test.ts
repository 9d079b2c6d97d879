import { expect, it } from 'vitest';
import type { SnapshotDecisionOptions } from './snapshot-decision.ts';
import { SnapshotDecision } from './snapshot-decision.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

function set(change: Partial<SnapshotDecisionOptions> = {}) {
  const clock = new VirtualClock(1_000_000);
  let begun = 0;
  const options: SnapshotDecisionOptions = {
    clock,
    worthBlocks: 10,
    lead: () => 50,
    mayBegin: () => true,
    canReplay: () => true,
    begin: () => {
      begun += 1;
    },
    onChanged: () => undefined,
    ...change,
  };
  const decision = new SnapshotDecision(options);
  decision.start();
  return { clock, decision, begun: () => begun };
}

it('lets a told head alone hold blocks back once, and only for a moment', async () => {
  const { clock, decision, begun } = set({ lead: () => 0 });
  decision.told(50);
  expect(decision.isWaiting()).toBe(true);
  await clock.pass(5_000);
  expect(decision.isWaiting()).toBe(false);
  await clock.pass(120_000);
  decision.told(5_000);
  expect(decision.isWaiting()).toBe(false);
  expect(begun()).toBe(0);
  decision.stop();
});

it('looks again though its timer fires before the clock shows the time', async () => {
  const clock = new VirtualClock(1_000_000);
  // Timers of browsers may fire a moment early.
  const after = (delayMs: number, callback: () => void) => clock.after(delayMs - 1, callback);
  const hasty = { now: () => clock.now(), after };
  const { decision, begun } = set({ clock: hasty });
  decision.look();
  expect(begun()).toBe(1);
  decision.ended('nothing');
  await clock.pass(60_000);
  expect(begun()).toBe(2);
  decision.stop();
});

it('looks at once when somebody offers what nobody did, and not after anything else', () => {
  const { decision, begun } = set();
  decision.look();
  decision.ended('other');
  decision.offered();
  expect(begun()).toBe(1);
  decision.ended('nothing');
  decision.offered();
  expect(begun()).toBe(2);
  decision.stop();
});
