import { describe, expect, it } from 'vitest';
import { misfitOf } from './engine.ts';
import * as room from './index.ts';
import { combineEngine, describeEngineError } from './index.ts';
import { FOUR, keyOf, membershipOf, options } from './testing/committee.ts';

const errorOf = (changes: Partial<typeof options>, membership = FOUR) => {
  const engine = combineEngine({ ...options, ...changes }, membership);
  return engine.ok ? undefined : engine.error;
};

describe('combining the three axes', () => {
  it('the first combination works and says its name', () => {
    const engine = combineEngine(options, FOUR);
    expect(engine.ok && engine.value.name).toBe('fixed × rotating × three-phase');
    expect(engine.ok && engine.value.finality).toBe('instant');
  });

  it('a fixed membership stays as it is', () => {
    const engine = combineEngine(options, FOUR);
    const elected = membershipOf(1n);
    expect(engine.ok && engine.value.nextMembership({ current: FOUR, elected })).toBe(FOUR);
  });

  it('an unknown part is named, with those that are known', () => {
    expect(errorOf({ membership: 'guild' })).toEqual({
      code: 'part-unknown',
      axis: 'membership',
      name: 'guild',
      known: ['fixed'],
    });
    expect(errorOf({ leader: 'oracle' })).toMatchObject({ axis: 'leader', name: 'oracle' });
    expect(errorOf({ agreement: 'duel' })).toMatchObject({ axis: 'agreement', name: 'duel' });
  });

  it('parts that do not fit are refused with the reason', () => {
    const closed = { openness: 'closed' } as const;
    const open = { openness: 'open' } as const;
    const rotation = { revelation: 'known', needsClosedMembership: true } as const;
    const lottery = { revelation: 'claimed', needsClosedMembership: false } as const;
    const votes = { needsClosedMembership: true, needsKnownLeader: true };
    const chain = { needsClosedMembership: false, needsKnownLeader: false };
    expect(misfitOf(closed, rotation, votes)).toBeUndefined();
    expect(misfitOf(open, lottery, chain)).toBeUndefined();
    expect(misfitOf(open, lottery, votes)).toBe('votes-need-closed-membership');
    expect(misfitOf(open, rotation, chain)).toBe('rotation-needs-closed-membership');
    expect(misfitOf(closed, lottery, votes)).toBe('rounds-need-known-leader');
  });

  it('a membership that could decide nothing is refused', () => {
    expect(errorOf({}, { validators: [] })).toEqual({ code: 'membership-empty' });
    expect(errorOf({}, membershipOf(1n, 0n))).toEqual({ code: 'membership-power-zero', index: 1 });
    const twins = membershipOf(1n, 1n, 1n).validators.map((each, index) =>
      index === 2 ? { ...each, publicKey: keyOf(0) } : each,
    );
    expect(errorOf({}, { validators: twins })).toEqual({
      code: 'membership-key-twice',
      first: 0,
      second: 2,
    });
  });

  it('a timeout of zero would spin, and is refused', () => {
    expect(errorOf({ timeoutDeltaMs: 0 })).toEqual({
      code: 'timing-impossible',
      option: 'timeoutDeltaMs',
    });
  });

  it('every refusal has words', () => {
    const errors = [
      errorOf({ leader: 'oracle' }),
      errorOf({}, { validators: [] }),
      errorOf({}, membershipOf(0n)),
      errorOf({ proposeTimeoutMs: 0 }),
    ];
    for (const error of errors) {
      expect(error && describeEngineError(error).length).toBeGreaterThan(20);
    }
  });

  it('the doors of the room are these', () => {
    expect(Object.keys(room).sort()).toEqual([
      'PAPER_LABELS',
      'PAPER_RULES',
      'combineEngine',
      'consensusCodecsOf',
      'describeEngineError',
      'isHeaderProper',
      'proposalClaim',
      'proposalSigningBytes',
      'verifiedWalEntry',
      'voteClaim',
      'walEntryHeight',
    ]);
  });
});
