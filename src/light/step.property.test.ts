import fc from 'fast-check';
import { expect, test } from 'vitest';
import { equalBytes } from '../base/index.ts';
import type { Height } from '../ledger/index.ts';
import { lightProgress } from './progress.ts';
import type { LightRules } from './rules.ts';
import { LIGHT_RULES } from './rules.ts';
import { chain, LENGTH, lieArbitrary, liesOf, tell } from './testing/liars.ts';
import type { Server } from './testing/village.ts';
import { createVillage, honest } from './testing/village.ts';

const peersArbitrary = fc.array(
  fc.record({
    isHonest: fc.boolean(),
    told: fc.integer({ min: 0, max: LENGTH + 20 }),
    hash: fc.nat(liesOf.length),
    lies: fc.array(lieArbitrary, { minLength: 1, maxLength: 6 }),
  }),
  { minLength: 1, maxLength: 6 },
);

/** What must hold, as a property of peers; rules are those of the client. */
const lawOf = (rules: LightRules) =>
  fc.property(
    peersArbitrary,
    fc.constantFrom(1, 4, 16),
    fc.nat(LENGTH),
    (peers, heightsPerRequest, wanted) => {
      const { anchor, genesis: trusted, endMs: nowMs } = chain;
      const options = { trustingPeriodMs: undefined, clockDriftMs: 10_000 };
      const limits = { heightsPerRequest, requestTicksMax: 3 };
      const village = createVillage({ anchor, trusted, options, nowMs, limits, rules });
      // Liars' chains reach further than the present.
      village.nowMs = nowMs + 100_000;
      for (const [at, { isHonest, told, hash, lies }] of peers.entries()) {
        let count = 0;
        const liar: Server = (heights) => {
          const lie = lies[count++ % lies.length];
          return lie === undefined ? [] : tell(lie, heights);
        };
        const server = isHonest ? honest(chain) : liar;
        const source = isHonest ? chain : (liesOf[hash] ?? chain);
        const height = isHonest ? LENGTH : told;
        village.meet(`${isHonest ? 'honest' : 'liar'} ${at}`, server, { chain: source, height });
      }
      village.send({ kind: 'height-wanted', id: 1, height: wanted as Height, nowMs }); // Within.
      village.tick(70);
      for (const effect of village.effects) {
        if (effect.kind === 'trust-block' || effect.kind === 'height-proven') {
          const { header, hash } = effect.trusted;
          expect(header.height).toBeLessThanOrEqual(LENGTH);
          expect(equalBytes(hash, chain.hashAt(header.height))).toBe(true);
        }
        if (effect.kind === 'report-peer' && effect.peerId.startsWith('honest')) {
          expect(effect.fault).toBe('none of an honest peer');
        }
        expect(effect.kind).not.toBe('raise-alarm');
      }
      const { head, targetHeight } = lightProgress(village.state());
      if (peers.some(({ isHonest }) => isHonest)) {
        expect(head.header.height).toBe(LENGTH);
        expect(targetHeight).toBeGreaterThanOrEqual(LENGTH);
      }
      // Nothing is asked without end.
      expect(village.requests.length).toBeLessThan(1500);
    },
  );

const lieOf = (kind: number) => ({ kind, source: 0, shift: 0, byte: 0 });
// Another fork is shown and then hidden, in turn: it once asked such a peer without end.
const FORK_AND_SILENCE = [
  { isHonest: false, told: LENGTH + 1, hash: 0, lies: [lieOf(4), lieOf(2)] },
  { isHonest: true, told: 0, hash: 0, lies: [lieOf(0)] },
];

test('fed by any liars, a client trusts only what the honest decided; with one honest peer, all of it', () => {
  fc.assert(lawOf(LIGHT_RULES), { numRuns: 60, examples: [[FORK_AND_SILENCE, 1, 0]] });
});

test.each<[string, Partial<LightRules>]>([
  ['signatures', { verifiesSignatures: false }],
  ['the quorum', { hasQuorum: (power) => power > 0n }],
  ['trusted power', { hasTrust: () => true }],
])('the same liars deceive a client that forgets %s', (_, forgotten) => {
  const { failed } = fc.check(lawOf({ ...LIGHT_RULES, ...forgotten }), {
    numRuns: 400,
    endOnFailure: true,
    seed: 11,
  });
  expect(failed).toBe(true);
});
