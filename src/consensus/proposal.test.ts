import { describe, expect, it } from 'vitest';
import type { Round } from '../ledger/index.ts';
import { isHeaderProper } from './proposal.ts';
import { blockOf, FOUR, keyOf } from './testing/committee.ts';

const { block } = blockOf(0);
const made = (proposer: number, consensus = new Uint8Array()) => ({
  ...block,
  header: { ...block.header, proposer: keyOf(proposer), consensus },
});
const leader = { membership: FOUR, index: 2 };
const AGAIN = 0 as Round;

describe('a header is proper', () => {
  it('in a fresh proposal only if it names the leader of the round', () => {
    const isProper = (proposer: number) =>
      isHeaderProper(leader, { validRound: undefined, block: made(proposer) });
    expect([0, 1, 2, 3, 4].map(isProper)).toEqual([false, false, true, false, false]);
  });

  it('in a block proposed again if it names any member', () => {
    const isProper = (proposer: number) =>
      isHeaderProper(leader, { validRound: AGAIN, block: made(proposer) });
    expect([0, 1, 2, 3, 4].map(isProper)).toEqual([true, true, true, true, false]);
  });

  it('never with something in the consensus field', () => {
    for (const validRound of [undefined, AGAIN]) {
      const filled = made(2, Uint8Array.of(0));
      expect(isHeaderProper(leader, { validRound, block: filled })).toBe(false);
    }
  });
});
