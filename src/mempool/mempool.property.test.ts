import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatHex } from '../base/index.ts';
import type { MempoolLimits, MempoolState, PendingTransaction } from './index.ts';
import { createMempool, listPending, mempoolSize, selectForBlock, step } from './index.ts';
import { addressOf, draft, height, sequence } from './testing/draft.ts';

const LIMITS: Partial<MempoolLimits> = {
  transactionsMax: 12,
  bytesMax: 1500,
  perSenderMax: 5,
  sequenceGapMax: 2,
  perPeerMax: 8,
  perPeerBytesMax: 1000,
  finishedMax: 20,
};
const NAMES = ['anna', 'bert', 'cleo', 'dora', 'emil'] as const;

const arrival = fc.record({
  kind: fc.constant('arrive' as const),
  from: fc.constantFrom(...NAMES),
  ahead: fc.integer({ min: -1, max: 6 }),
  fee: fc.integer({ min: 1, max: 400 }),
  gas: fc.integer({ min: 1, max: 50 }),
  size: fc.integer({ min: 1, max: 300 }),
  validFor: fc.integer({ min: 0, max: 6 }),
  peer: fc.constantFrom(undefined, 'p', 'q'),
});
const block = fc.record({
  kind: fc.constant('block' as const),
  transactionsMax: fc.integer({ min: 0, max: 6 }),
});
const invalid = fc.record({ kind: fc.constant('invalidate' as const), at: fc.nat(11) });
const deeds = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: arrival },
    { weight: 1, arbitrary: block },
    { weight: 1, arbitrary: invalid },
  ),
  { maxLength: 120 },
);

/** A ledger of sequences around a pool, and what became of every transaction. */
class World {
  readonly state: MempoolState<string> = createMempool<string>(height(0), LIMITS);
  readonly next = new Map<string, number>(NAMES.map((name) => [name, 0]));
  /** Admitted and without a verdict yet. */
  readonly open = new Set<string>();
  #names = 0;

  perform(event: Parameters<typeof step<string>>[1]): void {
    for (const effect of step(this.state, event).effects) {
      if (effect.kind === 'transaction-admitted') {
        const id = formatHex(effect.transaction.id);
        expect(this.open.has(id)).toBe(false);
        this.open.add(id);
      }
      if (effect.kind === 'transaction-dropped') {
        expect(this.open.delete(formatHex(effect.id))).toBe(true);
      }
    }
  }

  arrive(deed: typeof arrival extends fc.Arbitrary<infer Deed> ? Deed : never): void {
    const accountSequence = this.next.get(deed.from) ?? 0;
    this.perform({
      kind: 'transaction-verified',
      transaction: draft({
        from: deed.from,
        sequence: Math.max(0, accountSequence + deed.ahead),
        fee: deed.fee,
        gas: deed.gas,
        size: deed.size,
        validUntil: this.state.height + deed.validFor,
        name: `${this.#names++}`,
        ...(deed.peer === undefined ? {} : { peer: deed.peer }),
      }),
      accountSequence: sequence(accountSequence),
    });
  }

  decide(transactionsMax: number): void {
    const at = height(this.state.height + 1);
    const limits = { height: at, transactionsMax, bytesMax: 900, gasMax: 120 };
    const chosen = selectForBlock(this.state, limits);
    expect(chosen.map(({ id }) => formatHex(id))).toEqual(
      naiveSelection(this.state, this.next, limits).map(({ id }) => formatHex(id)),
    );
    for (const transaction of chosen) {
      const name = NAMES.find((each) => addressOf(each).join() === transaction.sender.join()) ?? '';
      // Each sender's own order has no hole: the block can be executed.
      expect(transaction.sequence).toBe(this.next.get(name));
      this.next.set(name, transaction.sequence + 1);
      this.open.delete(formatHex(transaction.id));
    }
    this.perform({
      kind: 'block-committed',
      height: at,
      transactionIds: chosen.map(({ id }) => id),
      accountSequences: NAMES.map((name) => ({
        address: addressOf(name),
        sequence: sequence(this.next.get(name) ?? 0),
      })),
    });
  }

  checkBounds(): void {
    const pending = listPending(this.state, 1000);
    const size = mempoolSize(this.state);
    expect(size.count).toBe(pending.length);
    expect(size.bytes).toBe(pending.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
    expect(size.count).toBeLessThanOrEqual(12);
    expect(size.bytes).toBeLessThanOrEqual(1500);
    expect(new Set(pending.map(({ id }) => formatHex(id)))).toEqual(this.open);
    for (const key of new Set(pending.map(({ sender }) => formatHex(sender)))) {
      const own = pending.filter(({ sender }) => formatHex(sender) === key);
      expect(own.length).toBeLessThanOrEqual(5);
      expect(new Set(own.map((each) => each.sequence)).size).toBe(own.length);
    }
    for (const peer of ['p', 'q']) {
      const own = pending.filter(({ receivedFrom }) => receivedFrom === peer);
      expect(own.length).toBeLessThanOrEqual(8);
    }
    expect(this.state.finished.size).toBeLessThanOrEqual(20);
    expect(pending.every(({ validUntil }) => validUntil > this.state.height)).toBe(true);
  }
}

/** The law of selection in its plainest form: look at everything, take the best, look again. */
function naiveSelection(
  state: MempoolState<string>,
  next: ReadonlyMap<string, number>,
  limits: Parameters<typeof selectForBlock>[1],
): PendingTransaction<string>[] {
  const expected = new Map(NAMES.map((name) => [addressOf(name).join(), next.get(name) ?? 0]));
  const held = new Set<string>();
  const chosen: PendingTransaction<string>[] = [];
  const all = listPending(state, 1000);
  let bytes = 0;
  let gas = 0;
  while (chosen.length < limits.transactionsMax) {
    const best = all
      .filter(({ sender }) => !held.has(sender.join()))
      .filter((each) => each.sequence === expected.get(each.sender.join()))
      // The list is in order of arrival and sorting is stable, so ties need no rule here.
      .sort((left, right) => {
        const difference =
          right.feeMax * BigInt(left.gasLimit) - left.feeMax * BigInt(right.gasLimit);
        return difference > 0n ? 1 : difference < 0n ? -1 : 0;
      })[0];
    if (best === undefined) break;
    const isTimely = best.validFrom <= limits.height && limits.height <= best.validUntil;
    const fits = bytes + best.sizeBytes <= limits.bytesMax && gas + best.gasLimit <= limits.gasMax;
    if (isTimely && fits) {
      chosen.push(best);
      bytes += best.sizeBytes;
      gas += best.gasLimit;
      expected.set(best.sender.join(), best.sequence + 1);
    } else held.add(best.sender.join());
  }
  return chosen;
}

test('whatever arrives: bounds hold, blocks are executable, and each transaction has a verdict', () => {
  fc.assert(
    fc.property(deeds, (list) => {
      const world = new World();
      for (const deed of list) {
        if (deed.kind === 'arrive') world.arrive(deed);
        else if (deed.kind === 'block') world.decide(deed.transactionsMax);
        else {
          const pending = listPending(world.state, 1000)[deed.at];
          if (pending !== undefined) {
            world.perform({ kind: 'transaction-invalidated', id: pending.id });
          }
        }
        world.checkBounds();
      }
      world.perform({ kind: 'height-advanced', height: height(1_000_000) });
      expect(world.open.size).toBe(0);
      expect(mempoolSize(world.state)).toEqual({ count: 0, bytes: 0, senders: 0 });
    }),
    { numRuns: 400 },
  );
});

test('the same events give the same effects', () => {
  fc.assert(
    fc.property(deeds, (list) => {
      const run = () => {
        const world = new World();
        for (const deed of list) {
          if (deed.kind === 'arrive') world.arrive(deed);
          else if (deed.kind === 'block') world.decide(deed.transactionsMax);
        }
        return listPending(world.state, 1000).map(({ payload }) => payload);
      };
      expect(run()).toEqual(run());
    }),
    { numRuns: 50 },
  );
});
