import { describe, expect, it } from 'vitest';
import { timestampMs } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import { ZERO_HASH } from '../crypto/index.ts';
import type { HeaderResults } from './header.ts';
import { NATIVE_ASSET } from './ids.ts';
import { amount, gas, height, person, TestWorld } from './testing/world.ts';

const anna = person('Anna');
const hashOf = (fill: number): Hash => new Uint8Array(32).fill(fill) as Hash; // Any digest.

function build() {
  const world = new TestWorld({ balances: [{ address: anna.address, amount: 1_000_000n }] });
  const { ledger } = world;
  const parent = ledger.genesisHeader(hashOf(1));
  const action = {
    kind: 'asset.transfer',
    asset: NATIVE_ASSET,
    recipient: person('Ben').address,
    amount: amount(1),
  };
  const transactions = [world.prepare(anna, { actions: [action] })];
  const verdict = world.execute(...transactions);
  if (verdict.kind !== 'executed') throw new Error('the transaction is good');
  const { receiptsRoot, gasUsed, nextMembershipHash } = verdict;
  const results: HeaderResults = {
    receiptsRoot,
    gasUsed,
    nextMembershipHash,
    stateRoot: hashOf(2),
  };
  const header = ledger.buildHeader(parent, {
    timestampMs: timestampMs(parent.timestampMs + 1),
    proposer: new Uint8Array(32),
    transactions,
    results,
  });
  return { ledger, parent, transactions, results, header };
}

describe('a header', () => {
  it('follows its parent and binds what its block did', () => {
    const { ledger, parent, transactions, results, header } = build();
    expect(ledger.validateHeader(parent, header, transactions)).toMatchObject({ ok: true });
    expect(ledger.validateResults(header, results)).toMatchObject({ ok: true });
  });

  it.each([
    ['version-unsupported', { version: 2 }],
    ['wrong-network', { chainId: ZERO_HASH }],
    ['height-mismatch', { height: height(2) }],
    ['parent-mismatch', { parentHash: ZERO_HASH }],
    ['timestamp-not-after-parent', { timestampMs: timestampMs(1_700_000_000_000) }],
    ['transactions-root-mismatch', { transactionsRoot: ZERO_HASH }],
  ] as const)('does not follow: %s', (code, change) => {
    const { ledger, parent, transactions, header } = build();
    const verdict = ledger.validateHeader(parent, { ...header, ...change }, transactions);
    expect(verdict).toMatchObject({ ok: false, error: { code } });
  });

  it.each([
    ['gas-mismatch', { gasUsed: gas(1) }],
    ['receipts-root-mismatch', { receiptsRoot: ZERO_HASH }],
    ['state-root-mismatch', { stateRoot: ZERO_HASH }],
    ['membership-mismatch', { nextMembershipHash: ZERO_HASH }],
  ] as const)('does not bind its results: %s', (code, change) => {
    const { ledger, results, header } = build();
    const verdict = ledger.validateResults({ ...header, ...change }, results);
    expect(verdict).toMatchObject({ ok: false, error: { code } });
  });

  it('binds the very bytes that were signed: another signature is another root', () => {
    const { ledger, parent, transactions, header } = build();
    const other = transactions.map((each) => ({ ...each, signedHash: ZERO_HASH }));
    expect(ledger.validateHeader(parent, header, other)).toMatchObject({
      error: { code: 'transactions-root-mismatch' },
    });
  });
});
