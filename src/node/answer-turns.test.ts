import { beforeEach, describe, expect, it } from 'vitest';
import { AnswerTurns } from './answer-turns.ts';
import {
  ANSWER_UNITS_BURST,
  ANSWER_UNITS_PER_SECOND,
  ANSWERED_AT_ONCE_MAX,
  ANSWERED_PEERS_MAX,
  ANSWERED_PER_PEER_MAX,
} from './limits.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

let clock: VirtualClock;
let turns: AnswerTurns;
/** Who is being answered, and how to end it. */
let running: { readonly peerId: string; readonly end: () => void }[];

beforeEach(() => {
  clock = new VirtualClock(0);
  turns = new AnswerTurns(clock);
  running = [];
});

const ask = (peerId: string, signal?: AbortSignal): Promise<unknown> =>
  turns.run({ peerId, signal }, () => {
    return new Promise((resolve) => {
      running.push({ peerId, end: () => resolve(new Uint8Array(1)) });
    });
  });
const names = () => running.map(({ peerId }) => peerId);
const settle = async () => {
  for (let turn = 0; turn < 8; turn++) await Promise.resolve();
};

describe('the cost of answers', () => {
  it('is bounded for each peer, and comes back with time', () => {
    turns.charge('mallory', ANSWER_UNITS_BURST);
    expect(() => turns.charge('mallory', 1)).toThrow(
      expect.objectContaining({ code: 'request-refused', facts: { reason: 'busy' } }),
    );
    turns.charge('ada', ANSWER_UNITS_BURST);
    clock.shift(1_000);
    turns.charge('mallory', ANSWER_UNITS_PER_SECOND);
    expect(() => turns.charge('mallory', 1)).toThrow();
  });

  it('is remembered for so many peers', () => {
    for (let peer = 0; peer <= ANSWERED_PEERS_MAX; peer++) turns.charge(`peer ${peer}`, 1);
    turns.charge('peer 0', ANSWER_UNITS_BURST);
    expect(() => turns.charge(`peer ${ANSWERED_PEERS_MAX}`, ANSWER_UNITS_BURST)).toThrow();
  });
});

describe('turns', () => {
  it('are taken peer by peer, so that many questions of one hold up nobody', async () => {
    for (let count = 0; count < 10; count++) void ask('mallory');
    await settle();
    expect(names()).toEqual(Array(ANSWERED_PER_PEER_MAX).fill('mallory'));
    void ask('ada');
    await settle();
    expect(names().filter((name) => name === 'ada')).toHaveLength(1);
    for (const name of ['bob', 'cyd', 'dan', 'eve']) void ask(name);
    await settle();
    expect(running).toHaveLength(ANSWERED_AT_ONCE_MAX);
    for (let ended = 0; ended < 15; ended++) {
      running[ended]?.end();
      await settle();
    }
    const order = names();
    expect(order).toHaveLength(15);
    expect(order.indexOf('eve')).toBeLessThan(order.lastIndexOf('mallory'));
    expect(order.slice(0, 10)).toEqual(expect.arrayContaining(['ada', 'bob', 'cyd', 'dan', 'eve']));
  });

  it('end with a failure as well, and pass those by who went', async () => {
    const gone = new AbortController();
    for (let count = 0; count < ANSWERED_PER_PEER_MAX; count++) void ask('ada');
    const late = ask('ada', gone.signal);
    gone.abort();
    const failing = turns.run({ peerId: 'bob' }, () => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    running[0]?.end();
    await expect(late).rejects.toMatchObject({ code: 'aborted' });
    expect(running).toHaveLength(ANSWERED_PER_PEER_MAX);
    void ask('ada');
    await settle();
    expect(running).toHaveLength(ANSWERED_PER_PEER_MAX + 1);
  });
});
