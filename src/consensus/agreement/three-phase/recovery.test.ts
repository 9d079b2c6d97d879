import { describe, expect, it } from 'vitest';
import type { Height, Vote } from '../../../ledger/index.ts';
import {
  A,
  B,
  describeVote,
  elapsed,
  FOUR,
  H1,
  heard,
  judged,
  proposalOf,
  proposed,
  round,
  Seat,
  signed,
  voteOf,
  votesOf,
  work,
} from '../../testing/committee.ts';
import type { ConsensusEvent } from '../../types.ts';
import type { VerifiedWalEntry } from '../../wal.ts';

/** Everything a seat wrote, in order. */
function logOf(seat: Seat): readonly VerifiedWalEntry[] {
  return seat.all.flatMap((effect) => (effect.kind === 'append-wal' ? effect.entries : []));
}

function reborn(ownIndex: number, entries: readonly VerifiedWalEntry[]): Seat {
  return new Seat(ownIndex).on({ kind: 'recovered', entries });
}

const slotOf = (vote: Vote) => `${vote.kind} ${vote.round}`;

/** Locks A in round 0, refuses B in round 1, leads round 3 of height 1 as member 0. */
const LIFE: readonly ConsensusEvent[] = [
  work,
  proposed(proposalOf(A)),
  judged(A),
  ...votesOf('prevote', [1, 2], A.blockHash),
  ...votesOf('precommit', [1, 2], undefined),
  elapsed('precommit'),
  proposed(proposalOf(B, { round: 1 })),
  judged(B),
  ...votesOf('prevote', [1, 2, 3], undefined, 1),
  ...votesOf('precommit', [1, 2, 3], undefined, 1),
  elapsed('precommit', 1),
  elapsed('propose', 2),
  ...votesOf('precommit', [1, 2, 3], undefined, 2),
  elapsed('precommit', 2),
];

describe('recovery from the write-ahead log', () => {
  it('writes each vote before it sends it, with the events that led to it', () => {
    const seat = new Seat(0).play(...LIFE.slice(0, 3));
    expect(seat.kinds().slice(-3)).toEqual(['sign-vote', 'append-wal', 'broadcast-vote']);
    expect(logOf(seat).map((entry) => entry.kind)).toEqual([
      'work-available',
      'proposal-received',
      'block-validated',
      'vote-signed',
    ]);
  });

  it('folds the whole log into the state that the last vote left', () => {
    const seat = new Seat(0).play(...LIFE);
    const again = reborn(0, logOf(seat));
    expect(again.state).toEqual({ ...seat.state, unwritten: [] });
    expect(again.state.locked).toEqual({ round: 0, blockHash: A.blockHash });
  });

  it('sends the votes of its round again and asks for no second ones', () => {
    const seat = new Seat(0).play(...LIFE.slice(0, 5));
    const again = reborn(0, logOf(seat));
    expect(again.sent()).toEqual(['prevote 0 A', 'precommit 0 A']);
    expect(again.effects('sign-vote')).toEqual([]);
    expect(again.play(elapsed('propose'), elapsed('prevote')).effects('sign-vote')).toEqual([]);
  });

  it('asks again for what was not answered', () => {
    const entries: readonly VerifiedWalEntry[] = [
      { kind: 'work-available', height: H1 },
      { kind: 'proposal-received', proposal: proposalOf(A) },
    ];
    const again = reborn(0, entries);
    expect(again.kinds()).toEqual(['validate-block', 'schedule-timeout', 'schedule-timeout']);
    const leader = reborn(3, entries.slice(0, 1));
    expect(leader.kinds()).toEqual(['build-block', 'schedule-timeout', 'schedule-timeout']);
  });

  it('cut after any entry, it never signs what contradicts the log', () => {
    const entries = logOf(new Seat(0).play(...LIFE));
    for (let length = 0; length <= entries.length; length++) {
      const kept = entries.slice(0, length);
      const signedBefore = new Map<string, string>();
      for (const entry of kept) {
        if (entry.kind !== 'vote-signed') continue;
        signedBefore.set(slotOf(entry.vote.vote), describeVote(entry.vote.vote));
      }
      // The world goes on quite differently: B everywhere, and every timeout elapses.
      const again = reborn(0, kept).play(
        elapsed('propose'),
        elapsed('prevote'),
        ...votesOf('prevote', [1, 2, 3], B.blockHash),
        proposed(proposalOf(B)),
        judged(B),
        ...votesOf('precommit', [1, 2, 3], undefined),
        elapsed('precommit'),
        proposed(proposalOf(B, { round: 1 })),
        judged(B),
        elapsed('propose', 1),
        elapsed('prevote', 1),
      );
      for (const effect of again.all) {
        if (effect.kind !== 'sign-vote' && effect.kind !== 'broadcast-vote') continue;
        const vote = effect.kind === 'sign-vote' ? effect.vote : effect.vote.vote;
        const before = signedBefore.get(slotOf(vote));
        if (before !== undefined) expect(describeVote(vote)).toBe(before);
      }
    }
  });

  it('a lock outlives the crash: another fresh block is refused', () => {
    const seat = new Seat(0).play(...LIFE.slice(0, 5));
    const again = reborn(0, logOf(seat)).play(
      ...votesOf('precommit', [1, 2], undefined),
      elapsed('precommit'),
      proposed(proposalOf(B, { round: 1 })),
      judged(B),
    );
    expect(again.sent()).toEqual(['prevote 1 nil']);
  });

  it('a proposal that was signed is sent again, not built again', () => {
    const leader = new Seat(3).play(work, {
      kind: 'block-built',
      height: H1,
      round: round(0),
      ...A,
    });
    const again = reborn(3, logOf(leader));
    expect(again.effects('build-block')).toEqual([]);
    expect(again.effects('broadcast-proposal').map(({ proposal }) => proposal.blockHash)).toEqual([
      A.blockHash,
    ]);
    expect(again.sent()).toEqual(['prevote 0 A']);
  });

  it('a decision that was not committed is committed again', () => {
    const seat = new Seat(0).play(
      ...LIFE.slice(0, 3),
      ...votesOf('precommit', [1, 2], A.blockHash),
      ...votesOf('prevote', [1, 2], A.blockHash),
    );
    expect(seat.kinds()).toContain('commit-block');
    expect(reborn(0, logOf(seat)).kinds()).toEqual(['commit-block']);
  });

  it('entries of other heights are skipped', () => {
    const other = voteOf('prevote', 0, A.blockHash, { height: 7 as Height });
    const again = reborn(0, [{ kind: 'vote-signed', vote: other }]);
    expect(again.state.step).toBe('new-height');
    expect(again.did).toEqual([]);
  });

  it('what a former life signed binds, even where this one would have decided otherwise', () => {
    const vote = signed({
      kind: 'prevote',
      height: H1,
      round: round(0),
      blockHash: B.blockHash,
      validatorIndex: 0,
    });
    const again = reborn(0, [
      { kind: 'work-available', height: H1 },
      { kind: 'vote-signed', vote },
    ]);
    again.play(proposed(proposalOf(A)), judged(A), elapsed('propose'));
    expect(again.all.filter((effect) => effect.kind === 'sign-vote')).toEqual([]);
  });

  it('a vote of our own key that the log forgot is not contradicted, and its lock binds', () => {
    const seat = new Seat(0).play(
      work,
      heard(voteOf('prevote', 0, B.blockHash)),
      heard(voteOf('precommit', 0, B.blockHash)),
      proposed(proposalOf(A)),
      judged(A),
      elapsed('propose'),
    );
    expect(seat.all.filter((effect) => effect.kind === 'sign-vote')).toEqual([]);
    expect(seat.state.locked).toEqual({ round: 0, blockHash: B.blockHash });
  });

  it('below `signFrom` a validator only watches, and signs again from there', () => {
    const seat = new Seat(0, { signFrom: 2 as Height }).play(
      work,
      proposed(proposalOf(A)),
      judged(A),
      elapsed('propose'),
    );
    expect(seat.effects('sign-vote')).toEqual([]);
    seat.play({ kind: 'height-advanced', height: 2 as Height, membership: FOUR });
    expect(seat.state.ownIndex).toBe(0);
  });
});
