import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Height } from '../../../ledger/index.ts';
import {
  CATCH_UP_PROPOSALS_MAX,
  FUTURE_ROUNDS_PER_VALIDATOR_MAX,
  NEXT_HEIGHT_PROPOSAL_ROUNDS_MAX,
  NEXT_HEIGHT_VOTES_PER_VALIDATOR_MAX,
  PAST_PROPOSAL_ROUNDS_MAX,
  PAST_ROUNDS_MAX,
  PROPOSAL_ROUNDS_AHEAD_MAX,
} from '../../limits.ts';
import {
  A,
  B,
  blockOf,
  C,
  certificateFor,
  elapsed,
  FOUR,
  H1,
  heard,
  judged,
  membershipOf,
  proposalOf,
  proposed,
  round,
  Seat,
  voteOf,
  votesOf,
  work,
} from '../../testing/committee.ts';
import type { ConsensusEvent } from '../../types.ts';

const next = 2 as Height;

describe('what others may make a node remember', () => {
  it('a second different vote becomes evidence once, the same for every order', () => {
    const one = heard(voteOf('prevote', 1, A.blockHash));
    const other = heard(voteOf('prevote', 1, B.blockHash));
    const forth = new Seat(0).on(work, one, other, other, one);
    const back = new Seat(0).on(work, other, one, one, other);
    expect(forth.effects('report-evidence')).toHaveLength(1);
    expect(forth.effects('report-evidence')).toEqual(back.effects('report-evidence'));
    expect(new Seat(0).on(work, one, one, one).effects('report-evidence')).toEqual([]);
  });

  it('the other vote of a traitor counts once more than 1/3 voted the same', () => {
    const seat = new Seat(0).play(work, proposed(proposalOf(A)), judged(A));
    seat.play(heard(voteOf('prevote', 1, undefined)), heard(voteOf('prevote', 1, A.blockHash)));
    expect(seat.state.locked).toBeUndefined();
    seat.play(heard(voteOf('prevote', 2, A.blockHash)));
    seat.play(heard(voteOf('prevote', 1, A.blockHash)));
    expect(seat.state.locked).toEqual({ round: 0, blockHash: A.blockHash });
  });

  it('a vote by nobody and a proposal against itself are blamed on their sender', () => {
    const seat = new Seat(0).on(heard(voteOf('prevote', 4, undefined), 'peer'));
    expect(seat.did).toEqual([
      { kind: 'report-peer', peerId: 'peer', fault: 'vote-unknown-validator' },
    ]);
    seat.on(proposed(proposalOf(A, { round: 1, validRound: 1 }), 'peer'));
    expect(seat.did).toEqual([
      { kind: 'report-peer', peerId: 'peer', fault: 'proposal-malformed' },
    ]);
    seat.on(proposed(proposalOf(blockOf(1, next)), 'peer'));
    expect(seat.did).toEqual([
      { kind: 'report-peer', peerId: 'peer', fault: 'proposal-malformed' },
    ]);
    expect(seat.state.step).toBe('new-height');
  });

  it('one validator fills at most two future rounds, its latest', () => {
    const seat = new Seat(0).on(work);
    for (let at = 1; at < 50; at++) seat.on(heard(voteOf('prevote', 1, undefined, { round: at })));
    expect(seat.state.rounds).toHaveLength(FUTURE_ROUNDS_PER_VALIDATOR_MAX);
    expect(seat.state.rounds.map((each) => each.round)).toEqual([48, 49]);
    seat.on(heard(voteOf('prevote', 1, undefined, { round: 7 })));
    expect(seat.state.rounds.map((each) => each.round)).toEqual([48, 49]);
  });

  it('proposals of far rounds are not kept', () => {
    const seat = new Seat(0).on(work);
    seat.on(proposed(proposalOf(A, { round: PROPOSAL_ROUNDS_AHEAD_MAX + 1 })));
    expect(seat.state.blocks).toEqual([]);
    seat.on(proposed(proposalOf(A, { round: PROPOSAL_ROUNDS_AHEAD_MAX })));
    expect(seat.state.blocks).toHaveLength(1);
  });

  it('messages of the next height wait within bounds and are heard when it begins', () => {
    const seat = new Seat(0).on(work);
    const early = blockOf(5, next);
    for (let at = 0; at < 20; at++) {
      seat.on(heard(voteOf('prevote', 1, early.blockHash, { round: at, height: next })));
      seat.on(proposed(proposalOf(early, { round: at, height: next })));
    }
    expect(seat.state.earlyVotes).toHaveLength(NEXT_HEIGHT_VOTES_PER_VALIDATOR_MAX);
    expect(seat.state.earlyProposals).toHaveLength(NEXT_HEIGHT_PROPOSAL_ROUNDS_MAX);
    seat.on({ kind: 'height-advanced', height: next, membership: FOUR });
    expect(seat.state).toMatchObject({ height: 2, step: 'propose', earlyVotes: [] });
    expect(seat.effects('validate-block')).toHaveLength(1);
  });

  it('early messages are dropped when the members change', () => {
    const seat = new Seat(0).on(work, heard(voteOf('prevote', 1, undefined, { height: next })));
    const membership = membershipOf(1n, 1n, 1n, 2n);
    seat.on({ kind: 'height-advanced', height: next, membership });
    expect(seat.state).toMatchObject({ step: 'new-height', earlyVotes: [], totalPower: 5n });
  });

  it('messages of other heights leave no trace', () => {
    const seat = new Seat(0).on(work);
    const { state } = seat;
    seat.on(
      heard(voteOf('prevote', 1, undefined, { height: 0 as Height })),
      heard(voteOf('prevote', 1, undefined, { height: 9 as Height })),
      proposed(proposalOf(A, { height: 9 as Height })),
      { kind: 'work-available', height: 9 as Height },
      { kind: 'height-advanced', height: H1, membership: FOUR },
      { kind: 'block-validated', height: H1, blockHash: C.blockHash, isValid: true },
      { kind: 'block-built', height: H1, round: round(0), ...A },
      { kind: 'vote-signed', vote: voteOf('prevote', 0, A.blockHash) },
      { kind: 'proposal-signed', proposal: proposalOf(A) },
    );
    expect(seat.state).toBe(state);
    expect(seat.did).toEqual([]);
  });

  it('many rounds keep bounded votes, and few blocks', () => {
    const seat = new Seat(0).play(work);
    for (let at = 0; at < PAST_ROUNDS_MAX + 40; at++) {
      seat.play(
        proposed(proposalOf(blockOf(at), { round: at })),
        ...votesOf('prevote', [1, 2], blockOf(at).blockHash, at),
        ...votesOf('precommit', [1, 2, 3], undefined, at),
        elapsed('precommit', at),
      );
    }
    expect(seat.state.round).toBe(PAST_ROUNDS_MAX + 40);
    expect(seat.state.rounds.length).toBeLessThanOrEqual(PAST_ROUNDS_MAX + 1);
    expect(seat.state.blocks.length).toBeLessThanOrEqual(PAST_PROPOSAL_ROUNDS_MAX + 1);
  });

  it('whatever arrives, nothing throws and no slot is signed twice', () => {
    const ballots = [undefined, A.blockHash, B.blockHash, C.blockHash];
    const small = fc.nat({ max: 4 });
    const event: fc.Arbitrary<ConsensusEvent> = fc.oneof(
      fc.constant(work),
      fc
        .tuple(fc.constantFrom('prevote', 'precommit'), small, fc.constantFrom(...ballots), small)
        .map(([kind, voter, ballot, at]) => heard(voteOf(kind, voter, ballot, { round: at }), 'p')),
      fc
        .tuple(fc.constantFrom(A, B, C), small, fc.option(small, { nil: undefined }))
        .map(([block, at, validRound]) =>
          proposed(
            proposalOf(block, validRound === undefined ? { round: at } : { round: at, validRound }),
          ),
        ),
      fc
        .tuple(fc.constantFrom(A, B, C), fc.boolean(), fc.boolean())
        .map(([block, isValid, isTimely]) => judged(block, { isValid, isTimely })),
      fc
        .tuple(fc.constantFrom('propose', 'prevote', 'precommit', 'stall'), small)
        .map(([kind, at]) => elapsed(kind, at)),
      small.map((at) => ({ kind: 'block-built', height: H1, round: round(at), ...C }) as const),
    );
    fc.assert(
      fc.property(small, fc.array(event, { maxLength: 120 }), (own, events) => {
        const seat = new Seat(own === 4 ? undefined : own).play(...events);
        const slots = seat.all.flatMap((effect) =>
          effect.kind === 'sign-vote' ? [`${effect.vote.kind} ${effect.vote.round}`] : [],
        );
        expect(new Set(slots).size).toBe(slots.length);
      }),
      { numRuns: 300 },
    );
  });
});

describe('help between nodes', () => {
  it('a certificate with its block decides a height that heard no votes', () => {
    const seat = new Seat(0).play({
      kind: 'decision-received',
      ...A,
      certificate: certificateFor(A, [1, 2, 3]),
    });
    expect(seat.effects('commit-block')).toEqual([]);
    expect(seat.play(judged(A)).effects('commit-block')).toHaveLength(1);
  });

  it('a certificate of too little power, of a twice counted member or of another block fails', () => {
    for (const [block, voters] of [
      [A, [1, 2]],
      [A, [1, 1, 2]],
      [A, [1, 2, 4]],
      [B, [1, 2, 3]],
    ] as const) {
      const seat = new Seat(0).play(
        {
          kind: 'decision-received',
          ...A,
          certificate: certificateFor(block, voters),
          from: 'peer',
        },
        judged(A),
      );
      expect(seat.did).toEqual([
        { kind: 'report-peer', peerId: 'peer', fault: 'certificate-malformed' },
      ]);
    }
  });

  it('a stalled round asks for messages, again and again', () => {
    const seat = new Seat(0).on(work, elapsed('stall'));
    expect(seat.kinds().slice(-2)).toEqual(['request-messages', 'schedule-timeout']);
    expect(seat.on(elapsed('stall', 1)).did).toEqual([]);
  });

  it('messages for a peer bring a fresh node to the same place', () => {
    const helper = new Seat(0).play(
      work,
      proposed(proposalOf(A)),
      judged(A),
      ...votesOf('prevote', [1, 2], A.blockHash),
      ...votesOf('precommit', [1, 2], undefined),
      elapsed('precommit'),
      proposed(proposalOf(A, { round: 1, validRound: 0 })),
      ...votesOf('prevote', [1], A.blockHash, 1),
    );
    const { proposals, votes } = helper.engine.messagesFor(helper.state, {
      height: H1,
      round: round(0),
    });
    expect(proposals.length).toBeLessThanOrEqual(CATCH_UP_PROPOSALS_MAX);
    const fresh = new Seat(3).play(...proposals.map((each) => proposed(each)), judged(A));
    fresh.play(...votes.map((each) => heard(each)));
    expect(fresh.state.round).toBe(1);
    expect(fresh.sent()).toContain('prevote 1 A');
    const away = { height: next, round: round(0) };
    expect(helper.engine.messagesFor(helper.state, away)).toEqual({ proposals: [], votes: [] });
  });

  it('the view shows who led and who voted what', () => {
    const seat = new Seat(0).play(
      work,
      proposed(proposalOf(A)),
      judged(A),
      heard(voteOf('prevote', 2, undefined)),
    );
    const view = seat.engine.view(seat.state);
    expect(view).toMatchObject({ height: 1, round: 0, step: 'prevote', hasProposal: true });
    expect(view.prevotePower).toBe(2n);
    expect(view.validators.map((each) => each.prevote)).toEqual(['block', 'none', 'nil', 'none']);
    expect(view.validators.map((each) => each.isProposer)).toEqual([false, false, false, true]);
    expect(view.validators.map((each) => each.isSelf)).toEqual([true, false, false, false]);
  });
});
