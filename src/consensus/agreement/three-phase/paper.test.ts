import { afterAll, describe, expect, it } from 'vitest';
import type { Height } from '../../../ledger/index.ts';
import {
  A,
  B,
  blockOf,
  C,
  elapsed,
  engineOf,
  FOUR,
  H1,
  heard,
  judged,
  proposalOf,
  proposed,
  round,
  Seat,
  voteOf,
  votesOf,
  work,
} from '../../testing/committee.ts';
import type { PaperLabel } from './labels.ts';
import { PAPER_LABELS } from './labels.ts';

// Leaders of height 1 are 3, 2, 1, 0 in rounds 0 to 3.
const reached = new Set<PaperLabel>();
const engine = engineOf(FOUR, { onLabel: (label) => reached.add(label) });
const seat = (ownIndex: number | undefined) => new Seat(ownIndex, { engine });

/** Seat 0 in round 0, with block A proposed and valid. */
const seatWithA = () => seat(0).play(work, proposed(proposalOf(A)), judged(A));

/** Seat 0 locked on A in round 0 and gone on to round 1. */
const lockedSeat = () =>
  seatWithA().play(
    ...votesOf('prevote', [1, 2], A.blockHash),
    ...votesOf('precommit', [1, 2], undefined),
    elapsed('precommit'),
  );

describe('Algorithm 1 of arXiv 1807.04938', () => {
  it('L10: a height waits without timeouts until there is work', () => {
    const waiting = seat(0);
    expect(waiting.state.step).toBe('new-height');
    expect(waiting.on(work).state).toMatchObject({ step: 'propose', round: 0 });
    expect(waiting.on(work).did).toEqual([]);
  });

  it('L10: a vote or a proposal of another member begins the height too', () => {
    expect(seat(0).on(heard(voteOf('prevote', 1, undefined))).state.step).toBe('propose');
    expect(seat(0).on(proposed(proposalOf(A))).state.step).toBe('propose');
  });

  it('L14, L18, L19: the leader builds, signs, writes, then sends a fresh block', () => {
    const leader = seat(3).on(work);
    expect(leader.effects('build-block')).toEqual([{ kind: 'build-block', height: 1, round: 0 }]);
    leader.play({ kind: 'block-built', height: H1, round: round(0), ...A });
    expect(leader.kinds()).toEqual([
      'sign-proposal',
      'append-wal',
      'broadcast-proposal',
      'sign-vote',
      'append-wal',
      'broadcast-vote',
    ]);
    expect(leader.sent()).toEqual(['prevote 0 A']);
  });

  it('L15, L16: a leader with a valid value proposes it again with its round', () => {
    const leader = seat(2).play(
      work,
      proposed(proposalOf(A)),
      judged(A),
      ...votesOf('prevote', [0, 1], A.blockHash),
      ...votesOf('precommit', [0, 1], undefined),
      elapsed('precommit'),
    );
    expect(leader.effects('build-block')).toEqual([]);
    const [sent] = leader.effects('broadcast-proposal');
    expect(sent?.proposal.proposal).toMatchObject({ round: 1, validRound: 0 });
    expect(sent?.proposal.blockHash).toEqual(A.blockHash);
  });

  it('L21: everybody waits for the proposal, longer with each round', () => {
    const delays = (each: Seat) =>
      each
        .effects('schedule-timeout')
        .filter(({ timeout }) => timeout.kind === 'propose')
        .map(({ delayMs }) => delayMs);
    const node = seat(0).on(work);
    expect(delays(node)).toEqual([1000]);
    node.on(...votesOf('precommit', [1, 2, 3], undefined), elapsed('precommit'));
    expect(delays(node)).toEqual([1100]);
  });

  it('L22, L24: a valid fresh proposal is prevoted once its block was validated', () => {
    const node = seat(0).play(work, proposed(proposalOf(A)));
    expect(node.effects('validate-block')).toHaveLength(1);
    expect(node.sent()).toEqual([]);
    expect(node.play(judged(A)).sent()).toEqual(['prevote 0 A']);
    expect(node.state.step).toBe('prevote');
  });

  it('L26: an invalid block is prevoted nil', () => {
    const node = seat(0).play(work, proposed(proposalOf(A)), judged(A, { isValid: false }));
    expect(node.sent()).toEqual(['prevote 0 nil']);
  });

  it('L26: a fresh block whose time is off is prevoted nil', () => {
    const node = seat(0).play(work, proposed(proposalOf(A)), judged(A, { isTimely: false }));
    expect(node.sent()).toEqual(['prevote 0 nil']);
  });

  it('L26: a node locked on one block refuses a fresh other one', () => {
    const node = lockedSeat().play(proposed(proposalOf(B, { round: 1 })), judged(B));
    expect(node.state.locked?.round).toBe(0);
    expect(node.sent()).toEqual(['prevote 1 nil']);
  });

  it('L23: a node locked on a block accepts the same one as a fresh proposal', () => {
    const node = lockedSeat().play(proposed(proposalOf(A, { round: 1 })));
    expect(node.sent()).toEqual(['prevote 1 A']);
  });

  it('L28: a justified proposal waits for the prevotes of its valid round', () => {
    const node = seat(0).play(
      work,
      ...votesOf('precommit', [1, 2, 3], undefined),
      elapsed('precommit'),
      proposed(proposalOf(B, { round: 1, validRound: 0 })),
      judged(B),
    );
    expect(node.sent()).toEqual([]);
    node.play(...votesOf('prevote', [1, 2], B.blockHash));
    expect(node.sent()).toEqual([]);
    expect(node.play(...votesOf('prevote', [3], B.blockHash)).sent()).toEqual(['prevote 1 B']);
  });

  it('L29, L30: a later quorum of prevotes frees from an earlier lock', () => {
    const node = lockedSeat().play(
      ...votesOf('prevote', [1, 2, 3], B.blockHash, 1),
      ...votesOf('precommit', [1, 2, 3], undefined, 1),
      elapsed('precommit', 1),
      proposed(proposalOf(B, { round: 2, validRound: 1 })),
      judged(B),
    );
    expect(node.state.round).toBe(2);
    expect(node.sent().at(-1)).toBe('prevote 2 B');
  });

  it('L32: a quorum older than the lock does not free from it', () => {
    // Round 0 has a late quorum for B, the lock is on A in round 1.
    const node = seat(0).play(
      work,
      elapsed('propose'),
      ...votesOf('precommit', [1, 2, 3], undefined),
      elapsed('precommit'),
      proposed(proposalOf(A, { round: 1 })),
      judged(A),
      ...votesOf('prevote', [1, 2], A.blockHash, 1),
      ...votesOf('prevote', [1, 2, 3], B.blockHash, 0),
      ...votesOf('precommit', [1, 2], undefined, 1),
      elapsed('precommit', 1),
    );
    expect(node.state.locked).toMatchObject({ round: 1 });
    node.play(proposed(proposalOf(B, { round: 2, validRound: 0 })), judged(B));
    expect(node.sent()).toEqual(['prevote 2 nil']);
  });

  it('L34: a quorum of differing prevotes starts the prevote timeout, once', () => {
    const node = seatWithA().play(...votesOf('prevote', [1, 2], undefined));
    const timeouts = () =>
      node.effects('schedule-timeout').filter(({ timeout }) => timeout.kind === 'prevote');
    expect(timeouts()).toEqual([
      { kind: 'schedule-timeout', timeout: { height: 1, round: 0, kind: 'prevote' }, delayMs: 500 },
    ]);
    node.play(...votesOf('prevote', [3], A.blockHash));
    expect(timeouts()).toEqual([]);
  });

  it('L36, L38: a quorum of prevotes locks and precommits', () => {
    const node = seatWithA().play(...votesOf('prevote', [1, 2], A.blockHash));
    expect(node.sent()).toEqual(['precommit 0 A']);
    expect(node.state).toMatchObject({ step: 'precommit', locked: { round: 0 } });
  });

  it('L36: a quorum for a block that was not proposed in this round changes nothing', () => {
    const node = seatWithA().play(...votesOf('prevote', [1, 2, 3], B.blockHash));
    expect(node.sent()).toEqual([]);
    expect(node.state.locked).toBeUndefined();
  });

  it('L42: after its precommit a node learns the valid value but does not lock it', () => {
    const node = seatWithA().play(
      ...votesOf('prevote', [1, 2], undefined),
      elapsed('prevote'),
      ...votesOf('prevote', [3], A.blockHash),
    );
    expect(node.state.valid).toBeUndefined();
    // The other face of 1 is not counted, but a proposal that more asked for later is.
    const late = seat(0).play(work, elapsed('propose'), ...votesOf('prevote', [1], undefined));
    late.play(proposed(proposalOf(A)), judged(A), ...votesOf('prevote', [2, 3], A.blockHash));
    late.play(elapsed('prevote'), heard(voteOf('prevote', 1, A.blockHash)));
    expect(late.state).toMatchObject({ step: 'precommit', locked: undefined });
    expect(late.state.valid).toEqual({ round: 0, blockHash: A.blockHash });
  });

  it('L44: a quorum of nil prevotes is precommitted nil at once', () => {
    const node = seatWithA().play(...votesOf('prevote', [1, 2, 3], undefined));
    expect(node.sent()).toEqual(['precommit 0 nil']);
  });

  it('L47, L65: a quorum of differing precommits ends the round after a timeout', () => {
    const node = seatWithA().play(...votesOf('precommit', [1, 2], undefined));
    expect(node.play(elapsed('precommit')).state.round).toBe(1);
    const early = seat(0).play(work, ...votesOf('precommit', [1, 2, 3], undefined));
    expect(early.effects('schedule-timeout').map(({ timeout }) => timeout.kind)).toContain(
      'precommit',
    );
    expect(early.play(elapsed('precommit')).state).toMatchObject({ round: 1, step: 'propose' });
  });

  it('L49: a quorum of precommits decides, whatever the round, with all of them', () => {
    const node = seatWithA().play(
      elapsed('prevote'),
      ...votesOf('precommit', [1, 3], A.blockHash),
      ...votesOf('precommit', [2], A.blockHash),
    );
    const [commit] = node.effects('commit-block');
    expect(commit?.certificate.signatures.map((each) => each.validatorIndex)).toEqual([1, 2, 3]);
    expect(commit?.blockHash).toEqual(A.blockHash);
    expect(node.state.step).toBe('decided');
    expect(node.play(elapsed('precommit'), elapsed('propose')).did).toEqual([]);
  });

  it('L49: a block of an earlier round is decided when its precommits come late', () => {
    const node = lockedSeat().play(proposed(proposalOf(B, { round: 1 })), judged(B));
    node.play(...votesOf('precommit', [3], A.blockHash, 0));
    expect(node.state.step).toBe('prevote');
    const other = seatWithA().play(
      ...votesOf('precommit', [1, 2], A.blockHash),
      heard(voteOf('precommit', 1, undefined, { round: 1 })),
    );
    expect(other.play(...votesOf('precommit', [3], A.blockHash)).state.step).toBe('decided');
  });

  it('L50: precommits for a block that is not validated wait; for an invalid one, stop', () => {
    const node = seat(0).play(
      work,
      proposed(proposalOf(A)),
      ...votesOf('precommit', [1, 2, 3], A.blockHash),
    );
    expect(node.effects('commit-block')).toEqual([]);
    expect(node.play(judged(A, { isValid: false })).kinds()).toEqual(['halt']);
    expect(node.play(elapsed('propose'), elapsed('precommit')).did).toEqual([]);
  });

  it('L53: the next height begins without lock, votes and round', () => {
    const node = lockedSeat().play({
      kind: 'height-advanced',
      height: 2 as Height,
      membership: FOUR,
    });
    expect(node.state).toMatchObject({ height: 2, round: 0, step: 'new-height' });
    expect(node.state).toMatchObject({ locked: undefined, valid: undefined, rounds: [] });
  });

  it('L55: more than 1/3 in a later round takes a node there; 1/3 does not', () => {
    const node = seat(0).play(work, heard(voteOf('prevote', 1, undefined, { round: 5 })));
    expect(node.state.round).toBe(0);
    node.play(heard(voteOf('precommit', 2, undefined, { round: 5 })));
    expect(node.state).toMatchObject({ round: 5, step: 'propose' });
    expect(node.effects('request-messages')).toHaveLength(1);
  });

  it('L55: a proposal counts as a message of its leader', () => {
    // Member 2 leads round 1.
    const node = seat(0).play(work, proposed(proposalOf(A, { round: 1 })));
    expect(node.state.round).toBe(0);
    node.play(heard(voteOf('prevote', 2, undefined, { round: 1 })));
    expect(node.state.round).toBe(0);
    node.play(heard(voteOf('prevote', 1, undefined, { round: 1 })));
    expect(node.state.round).toBe(1);
  });

  it('L57: without a proposal a node prevotes nil', () => {
    expect(seat(0).play(work, elapsed('propose')).sent()).toEqual(['prevote 0 nil']);
  });

  it('L61: without a quorum for one block a node precommits nil', () => {
    const node = seatWithA().play(...votesOf('prevote', [1, 2], undefined), elapsed('prevote'));
    expect(node.sent()).toEqual(['precommit 0 nil']);
  });

  it('L57, L61, L65: timeouts of other rounds, steps and heights are stale', () => {
    const node = seatWithA();
    const { state } = node;
    node.play(elapsed('propose'), elapsed('prevote', 1), elapsed('precommit', 3));
    node.play({
      kind: 'timeout-elapsed',
      timeout: { height: 9 as Height, round: round(0), kind: 'prevote' },
    });
    expect(node.did).toEqual([]);
    expect(node.state).toBe(state);
  });

  it('a watcher decides by the same rules and signs nothing', () => {
    const watcher = seat(undefined).play(
      work,
      proposed(proposalOf(A)),
      judged(A),
      ...votesOf('prevote', [0, 1, 2], A.blockHash),
      ...votesOf('precommit', [0, 1, 2], A.blockHash),
    );
    expect(watcher.kinds()).toContain('commit-block');
    expect(watcher.all.map((effect) => effect.kind)).not.toContain('sign-vote');
    expect(watcher.all.map((effect) => effect.kind)).not.toContain('append-wal');
  });

  it('a block of a third proposal is only taken in when more than 1/3 want it', () => {
    const node = seatWithA().on(proposed(proposalOf(B)), proposed(proposalOf(C)));
    expect(node.did).toEqual([]);
    node.on(...votesOf('prevote', [1, 2], B.blockHash), proposed(proposalOf(B)));
    expect(node.effects('validate-block').map((effect) => effect.block)).toEqual([B.block]);
    expect(node.on(proposed(proposalOf(blockOf(7)))).did).toEqual([]);
  });

  afterAll(() => {
    // A rule that no test reaches is a rule that nobody tested.
    expect(PAPER_LABELS.filter((label) => !reached.has(label))).toEqual([]);
  });
});
