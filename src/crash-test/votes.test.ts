import { expect, it } from 'vitest';
import type { Height, Round, Vote } from '../ledger/index.ts';
import { VoteBook } from './votes.ts';

function hashOf(byte: number): NonNullable<Vote['blockHash']> {
  // Any 32 bytes are a hash.
  return new Uint8Array(32).fill(byte) as NonNullable<Vote['blockHash']>;
}

const vote: Vote = {
  kind: 'prevote',
  height: 7 as Height, // Any height and round will do.
  round: 0 as Round,
  validatorIndex: 2,
  blockHash: hashOf(1),
};

it('the same vote said again, and votes of other slots, contradict nothing', () => {
  const book = new VoteBook();
  book.hear(vote);
  book.hear(vote);
  book.hear({ ...vote, kind: 'precommit', blockHash: undefined });
  book.hear({ ...vote, round: 1 as Round, blockHash: undefined });
  book.hear({ ...vote, height: 8 as Height, blockHash: hashOf(2) });
  book.hear({ ...vote, validatorIndex: 3, blockHash: hashOf(2) });
  book.expectConsistent();
  expect([book.heard, book.size]).toEqual([6, 5]);
});

it('two votes of one slot are told once: for another block, or for none', () => {
  for (const blockHash of [undefined, hashOf(2)]) {
    const book = new VoteBook();
    book.hear(vote);
    book.hear({ ...vote, blockHash });
    expect(() => book.expectConsistent()).toThrow(/voted twice: member 2, prevote 7\/0/);
    book.expectConsistent();
  }
});

it('two proposals of one round contradict each other', () => {
  const book = new VoteBook();
  const { height, round } = vote;
  const proposal = { height, round, validRound: undefined, blockHash: hashOf(1) };
  book.hearProposal(proposal);
  book.hearProposal(proposal);
  book.expectConsistent();
  book.hearProposal({ ...proposal, blockHash: hashOf(2) });
  expect(() => book.expectConsistent()).toThrow(/proposed twice: 7\/0/);
});
