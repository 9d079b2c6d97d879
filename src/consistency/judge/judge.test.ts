import { describe, expect, it } from 'vitest';
import type {
  Entry,
  FinalBlock,
  Finding,
  Record,
  Status,
  Submission,
  Transfer,
} from '../history.ts';
import { describeEntry, judge } from './judge.ts';

// A small true history, then one lie at a time: a judge that misses one is no judge.

const FEE = 10n;
const ACCEPTED: Submission = { kind: 'accepted' };

function transferOf(id: string, sender: string, sequence: number, amount: bigint): Transfer {
  const recipient = sender === 'ada' ? 'bob' : 'ada';
  return { id, sender, recipient, sequence, amount, fee: FEE, validUntil: 5 };
}

const TRANSFERS: readonly Transfer[] = [
  transferOf('t1', 'ada', 0, 100n),
  transferOf('t2', 'ada', 1, 5n),
  transferOf('t3', 'bob', 0, 1_000_000n), // More than bob has.
  transferOf('t4', 'ada', 1, 7n), // The same sequence as t2.
  transferOf('t5', 'bob', 9, 1n), // Sequences before it never come.
];

const executed = (id: string, failure?: string) => ({ id, failure, feeCharged: FEE });

function chainOf(contents: readonly FinalBlock['transactions'][]): FinalBlock[] {
  return contents.map((transactions, height) => ({
    height,
    hash: `h${height}`,
    parentHash: `h${height - 1}`,
    fault: undefined,
    transactions,
  }));
}

const CHAIN = chainOf([
  ...[[], [executed('t1')], [executed('t2'), executed('t3', 'insufficient-balance')]],
  ...[[], [], []],
]);

const at = (stage: Status['stage'], height?: number, index?: number, code?: string): Status => ({
  ...{ stage, height, index, code },
});

/** Builds a history: each call comes after the one before it, by client = relay. */
class Script {
  readonly entries: Entry[] = [];
  #moment = 0;

  tell(relay: number, finding: Finding, how: { isPushed?: boolean } = {}): this {
    const [invokedAt, returnedAt] = [this.#moment++, this.#moment++];
    const isPushed = how.isPushed ?? false;
    const who = { client: relay, relay, atMs: invokedAt };
    this.entries.push({ ...finding, ...who, invokedAt, returnedAt, isPushed });
    return this;
  }

  submit(relay: number, id: string, submission = ACCEPTED): this {
    return this.tell(relay, { kind: 'submitted', id, submission });
  }

  head(relay: number, height: number, hash = `h${height}`): this {
    return this.tell(relay, { kind: 'head', height, hash });
  }

  status(relay: number, id: string, status: Status): this {
    return this.tell(relay, { kind: 'status', id, status });
  }

  account(
    relay: number,
    [account, height, sequence, balance]: readonly [string, number, number, bigint],
    isStrict = false,
  ): this {
    return this.tell(relay, {
      kind: 'account',
      ...{ account, height, sequence, balance, isStrict },
    });
  }

  get now(): number {
    return this.#moment;
  }
}

/** What everybody saw, all of it true. */
function truth(): Script {
  return new Script()
    .head(0, 0)
    .account(0, ['ada', 0, 0, 1000n], true)
    .submit(0, 't1')
    .status(0, 't1', at('seen'))
    .status(0, 't1', at('included', 1, 0))
    .status(0, 't1', at('final', 1, 0))
    .tell(0, { kind: 'proof', id: 't1', fault: undefined })
    .account(0, ['ada', 1, 1, 890n], true)
    .account(1, ['bob', 0, 0, 1000n]) // Relay 1 is behind, which is no lie.
    .account(1, ['bob', 1, 0, 1100n], true)
    .submit(0, 't2')
    .submit(1, 't3')
    .submit(1, 't4')
    .submit(1, 't5', { kind: 'ambiguous' })
    .head(1, 2)
    .status(1, 't4', at('failed', undefined, undefined, 'sequence-used'))
    .status(1, 't3', at('failed', 2, 1, 'insufficient-balance'))
    .status(0, 't2', at('final', 2, 0))
    .account(0, ['ada', 2, 2, 875n], true)
    .account(1, ['bob', 2, 1, 1095n], true)
    .tell(1, { kind: 'block', height: 2, hash: 'h2', transactions: ['t2', 't3'] })
    .tell(1, {
      kind: 'activity',
      account: 'ada',
      places: [
        { id: 't2', height: 2 },
        { id: 't1', height: 1 },
      ],
    })
    .head(0, 5)
    .head(1, 5)
    .status(1, 't5', at('expired'))
    .status(0, 't4', at('unknown')) // Never sent there.
    .tell(0, { kind: 'supply', amount: 1970n });
}

function recordOf(script: Script, changes: Partial<Record> = {}): Record {
  const balances = new Map([
    ['ada', 1000n],
    ['bob', 1000n],
  ]);
  const { entries } = script;
  const chains = [CHAIN, CHAIN];
  return { entries, transfers: TRANSFERS, restarts: [], balances, chains, ...changes };
}

/** The rules that are found broken, each once. */
function broken(script: Script, changes: Partial<Record> = {}): string[] {
  const { violations } = judge(recordOf(script, changes));
  return [...new Set(violations.map(({ rule }) => rule))].sort();
}

/** The chain with something else at one height. */
function altered(height: number, change: Partial<FinalBlock>): FinalBlock[] {
  return CHAIN.map((block) => (block.height === height ? { ...block, ...change } : block));
}

describe('the judge', () => {
  it('finds nothing wrong with the truth', () => {
    const { violations, blocks, executed: count, operations } = judge(recordOf(truth()));
    expect(violations).toEqual([]);
    expect({ blocks, count, operations }).toEqual({ blocks: 6, count: 3, operations: 12 });
  });

  it.each<readonly [string, string, (script: Script) => Script]>([
    ['a stale read after a newer one', 'no-way-back', (one) => one.account(0, ['ada', 2, 2, 875n])],
    ['a head that went back', 'no-way-back', (one) => one.head(1, 4)],
    [
      'a height that is unknown again',
      'no-way-back',
      (one) => one.tell(1, { kind: 'block', height: 4, hash: undefined, transactions: undefined }),
    ],
    [
      'a head pushed after a newer one',
      'no-way-back',
      (one) =>
        one
          .tell(1, { kind: 'head', height: 4, hash: 'h4' }, { isPushed: true })
          .tell(1, { kind: 'head', height: 3, hash: 'h3' }, { isPushed: true }),
    ],
    [
      'an account pushed after a newer one',
      'no-way-back',
      (one) => {
        const account = { kind: 'account', account: 'bob', isStrict: false } as const;
        const [newer, older] = [
          { ...account, height: 2, sequence: 1, balance: 1095n },
          { ...account, height: 1, sequence: 0, balance: 1100n },
        ];
        return one.tell(1, newer, { isPushed: true }).tell(1, older, { isPushed: true });
      },
    ],
    [
      'a balance before its block is final',
      'account-at-height',
      (one) => one.account(2, ['bob', 0, 0, 1100n]),
    ],
    ['a balance of nowhere', 'account-at-height', (one) => one.account(1, ['bob', 5, 1, 1096n])],
    ['a sequence too far', 'account-at-height', (one) => one.account(1, ['bob', 5, 2, 1095n])],
    ['a second hash at a height', 'hash-at-height', (one) => one.head(2, 3, 'other')],
    ['a height beyond the last', 'hash-at-height', (one) => one.head(2, 6)],
    [
      'a block with other transactions',
      'hash-at-height',
      (one) => one.tell(1, { kind: 'block', height: 2, hash: 'h2', transactions: ['t2'] }),
    ],
    ['a final that vanished', 'final-stays', (one) => one.status(0, 't1', at('unknown'))],
    ['a final that is pending again', 'final-stays', (one) => one.status(0, 't1', at('seen'))],
    ['a final that moved', 'final-stays', (one) => one.status(2, 't1', at('final', 2, 0))],
    ['a final of what is nowhere', 'final-stays', (one) => one.status(2, 't4', at('final', 2, 1))],
    [
      'a final that was executed in vain',
      'verdict-true',
      (one) => one.status(2, 't3', at('final', 2, 1)),
    ],
    [
      'a failure of what succeeded',
      'verdict-true',
      (one) => one.status(2, 't1', at('failed', 1, 0, 'x')),
    ],
    [
      'another reason of a failure',
      'verdict-true',
      (one) => one.status(2, 't3', at('failed', 2, 1, 'amount-zero')),
    ],
    [
      'a sequence said to be used, but not by another',
      'verdict-true',
      (one) => one.status(2, 't5', at('failed', undefined, undefined, 'sequence-used')),
    ],
    [
      'a failure in a block that does not hold it',
      'verdict-true',
      (one) => one.status(2, 't4', at('failed', 2, 2, 'sequence-used')),
    ],
    ['an expiry of what is final', 'verdict-true', (one) => one.status(2, 't2', at('expired'))],
    ['two verdicts', 'final-stays', (one) => one.status(1, 't4', at('expired'))],
    [
      'an expiry before the last height',
      'no-way-back',
      (one) => one.status(2, 't5', at('expired')).head(2, 4),
    ],
    [
      'still pending after the last height',
      'verdict-given',
      (one) => one.head(2, 5).status(2, 't5', at('seen')),
    ],
    [
      'unknown where it was taken',
      'verdict-given',
      (one) => one.submit(2, 't5').head(2, 5).status(2, 't5', at('unknown')),
    ],
    ['never heard of again', 'verdict-given', (one) => one.submit(0, 't5')],
    [
      'a final without a proof',
      'final-proven',
      (one) => one.tell(0, { kind: 'proof', id: 't2', fault: 'certificate-missing' }),
    ],
    [
      'a history with a gap',
      'activity-holds',
      (one) =>
        one
          .tell(0, { kind: 'activity', account: 'ada', places: [{ id: 't1', height: 1 }] })
          .tell(0, { kind: 'activity', account: 'ada', places: [{ id: 't1', height: 2 }] }),
    ],
    ['coins from nowhere', 'supply-holds', (one) => one.tell(0, { kind: 'supply', amount: 1980n })],
  ])('catches %s', (_, rule, lie) => {
    expect(broken(lie(truth()))).toEqual([rule]);
  });

  it('catches a strict read that misses what was final before, whatever its height says', () => {
    // True at height 1, but t2 was told to be final: a strict read must not go back, at any relay.
    const late = truth().account(2, ['ada', 1, 1, 890n], true);
    expect(broken(late)).toEqual(['linearizable']);
    const { violations } = judge(recordOf(late));
    expect(violations[0]?.text).toContain('reads sequence 1, balance 890');
    expect(describeEntry(late.entries.at(-1) as Entry)).toContain('"balance":"890"');
  });

  it('catches chains that differ, break, or are not certified', () => {
    const other = altered(3, { hash: 'other' });
    expect(broken(truth(), { chains: [CHAIN, other] })).toEqual(['chain-holds', 'chains-agree']);
    expect(broken(truth(), { chains: [CHAIN, CHAIN.slice(0, 5)] })).toEqual(['chains-agree']);
    const forged = altered(4, { fault: 'no certificate' });
    expect(broken(truth(), { chains: [CHAIN, forged] })).toEqual(['chain-holds']);
    const torn = altered(4, { parentHash: 'h2' });
    expect(broken(truth(), { chains: [torn, torn] })).toEqual(['chain-holds']);
  });

  it('catches what blocks must not hold', () => {
    const withContent = (...transactions: FinalBlock['transactions']) => {
      const chain = altered(3, { transactions });
      return broken(truth(), { chains: [chain, chain] });
    };
    expect(withContent(executed('stranger'))).toEqual(['only-submitted']);
    // In a block after the others; it was told to have failed and expired, and sequences jump.
    expect(withContent(executed('t4'))).toContain('sequence-steps');
    expect(withContent(executed('t5'))).toEqual(
      expect.arrayContaining(['sequence-steps', 'verdict-true']),
    );
    expect(withContent(executed('t1'))).toEqual(
      expect.arrayContaining(['only-submitted', 'sequence-steps']),
    );
    const refused = truth();
    const entries = refused.entries.map((entry) =>
      entry.kind === 'submitted' && entry.id === 't1'
        ? { ...entry, submission: { kind: 'refused', code: 'expired' } as const }
        : entry,
    );
    expect(broken(refused, { entries })).toContain('only-submitted');
  });

  it('catches fees and outcomes that do not follow from the balances', () => {
    const chain = altered(1, { transactions: [{ ...executed('t1'), feeCharged: 11n }] });
    expect(broken(truth(), { chains: [chain, chain] })).toContain('supply-holds');
    const free = altered(2, { transactions: [executed('t2'), executed('t3')] });
    expect(broken(truth(), { chains: [free, free] })).toContain('supply-holds');
    const late = TRANSFERS.map((one) => ({ ...one, validUntil: 0 }));
    expect(broken(truth(), { transfers: late })).toContain('only-submitted');
  });

  it('lets a restarted relay forget what was in its memory, and nothing in its blocks', () => {
    const asked = truth().submit(2, 't5').status(1, 't4', at('unknown'));
    const after = asked.head(2, 5).status(2, 't5', at('unknown'));
    expect(broken(after)).toEqual(['final-stays', 'verdict-given']);
    const restarts = [1, 2].map((relay) => ({ relay, at: truth().now + 2 }));
    expect(broken(after, { restarts: [...restarts] })).toEqual([]);
    const lost = truth().status(1, 't3', at('unknown'));
    expect(broken(lost, { restarts: [...restarts] })).toEqual(['final-stays']);
  });
});
