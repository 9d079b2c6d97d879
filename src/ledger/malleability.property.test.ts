import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equalBytes, formatHex } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { Action } from './index.ts';
import { NATIVE_ASSET } from './index.ts';
import { bentBytes } from './testing/decoder-laws.ts';
import type { Draft, Person } from './testing/world.ts';
import { amount, p256Person, passkeyPerson, person, TestWorld } from './testing/world.ts';

const ada = person('ada');
const pat = p256Person('pat');
const kay = passkeyPerson('kay');
const bob = person('bob');
const senders: { readonly [kind: string]: readonly [Person, Partial<Draft>] } = {
  ed25519: [ada, {}],
  p256: [pat, {}],
  'a passkey': [kay, {}],
  'two: a sender and a sponsor': [pat, { sponsor: ada }],
};
const balances = [ada, pat, kay].map(({ address }) => ({ address, amount: 1_000_000_000n }));

describe.each(Object.entries(senders))('bytes signed by %s', (_, [sender, rest]) => {
  const world = new TestWorld({ balances });
  const { transaction: codec } = world.ledger.codecs;
  const payment: Action = {
    kind: 'asset.transfer',
    asset: NATIVE_ASSET,
    recipient: bob.address,
    amount: amount(5),
  };
  const signed = encode(codec, world.sign(sender, { actions: [payment], ...rest }));

  /** Why a block cannot hold these bytes; `included` when it can. */
  function verdictOf(bytes: Uint8Array): string {
    const decoded = decode(codec, bytes);
    if (!decoded.ok) return `malformed: ${decoded.error.code}`;
    const verified = world.verify(decoded.value);
    if (!verified.ok) return verified.error.code;
    const verdict = world.execute(verified.value);
    return verdict.kind === 'executed' ? 'included' : verdict.kind;
  }

  it('are the only ones that a block can hold of them: nobody else can change a byte', () => {
    expect(verdictOf(signed)).toBe('included');
    const flipped = fc.tuple(fc.nat(signed.length - 1), fc.nat(7)).map(([at, bit]) => {
      const bytes = new Uint8Array(signed);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
      return bytes;
    });
    const reasons = new Set<string>();
    fc.assert(
      fc.property(fc.oneof(flipped, bentBytes(fc.constant(signed))), (bytes) => {
        const reason = verdictOf(bytes);
        reasons.add(reason);
        if (reason === 'included') expect(formatHex(bytes)).toBe(formatHex(signed));
      }),
      { numRuns: 150 },
    );
    // Signatures were reached, not only the decoder.
    expect([...reasons]).toContain('signature-invalid');
    expect(reasons.size).toBeGreaterThan(2);
  });

  it('that prepare as a transaction are kept as they came', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), bentBytes(fc.constant(signed))), (bytes) => {
        const prepared = world.ledger.prepareTransaction(bytes);
        if (!prepared.ok) {
          expect(typeof prepared.error.code).toBe('string');
          return;
        }
        const again = encode(codec, prepared.value.transaction);
        expect(equalBytes(again, bytes)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
