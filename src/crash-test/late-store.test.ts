import { expect, it } from 'vitest';
import type { Begun, Remains } from './late-store.ts';
import { expectAt, expectForward, NOTHING } from './late-store.ts';

const begun: Begun = { height: 48, stateRoot: 'aa', done: 7, total: 9 };
const before: Remains = { head: 20, earliest: 17, anchor: 16, begun };
const NEWEST = 64;

it('a store may stand still, go on, or take over the state that it began', () => {
  const taken = { head: 48, earliest: 49, anchor: 48, begun: undefined };
  const others = [before, { ...before, head: 21 }, { ...before, begun: { ...begun, done: 9 } }];
  for (const after of [...others, taken]) expectForward(before, after, NEWEST);
  expectForward(NOTHING, { head: 0, earliest: 0, anchor: undefined, begun: undefined }, NEWEST);
});

it('what goes back, is lost, or is half taken over is named', () => {
  const named: readonly (readonly [Partial<Remains>, RegExp])[] = [
    [{ head: 19 }, /the head went from 20 to 19/],
    [{ earliest: 16 }, /let go of are back/],
    [{ begun: undefined }, /is forgotten/],
    [{ begun: { ...begun, done: 6 } }, /of 7 chunks 6 are left/],
    [{ anchor: undefined }, /taken over is gone/],
    [{ head: 47, anchor: 47 }, /a state of 47 was taken over/],
    [{ head: 30, anchor: 0 }, /a state of 0 over 20/],
  ];
  for (const [change, words] of named) {
    expect(() => expectForward(before, { ...before, ...change }, NEWEST)).toThrow(words);
  }
});

it('chunks go where peers keep the state no longer and another one is begun', () => {
  expectForward(before, { ...before, begun: { ...begun, done: 6 } }, 80);
});

it('what a point says was written is there', () => {
  const whole = { ...before, begun: { ...begun, done: 9 } };
  const switched = { head: 48, earliest: 49, anchor: 48, begun: undefined };
  const none = { ...before, begun: { ...begun, done: 0 } };
  expectAt('snapshot-chunks-done', before, before);
  expectAt('snapshot-switch-begun', before, whole);
  expectAt('snapshot-switch-done', before, switched);
  expect(() => expectAt('snapshot-chunks-done', before, none)).toThrow(
    /after snapshot-chunks-done/,
  );
  expect(() => expectAt('snapshot-finish-done', before, before)).toThrow(/snapshot-finish-done/);
  expect(() => expectAt('snapshot-switch-begun', before, switched)).toThrow(/switch-begun/);
  expect(() => expectAt('snapshot-switch-done', before, whole)).toThrow(/switch-done/);
});
