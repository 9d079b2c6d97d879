import fc from 'fast-check';
import { expect, test } from 'vitest';
import { equalBytes } from '../base/index.ts';
import type { Height } from '../ledger/index.ts';
import { lightProgress } from './progress.ts';
import type { LightRules } from './rules.ts';
import { LIGHT_RULES } from './rules.ts';
import type { TestChain } from './testing/chain.ts';
import { certify, createTestChain, membershipOf } from './testing/chain.ts';
import type { Answer, Server } from './testing/village.ts';
import { createVillage, honest } from './testing/village.ts';
import type { LightBlock } from './types.ts';

// Members change one by one, all at once, and back; key 4, or 14, is a traitor's.
const ERAS = [
  [1, 2, 3, 4],
  [1, 2, 13, 4],
  [11, 12, 13, 14],
  [11, 12, 3, 14, 15],
] as const;
const TRAITORS = [4, 14];
const LENGTH = 40;
const eraAt = (height: number) => ERAS[Math.min(ERAS.length - 1, Math.floor(height / 11))] ?? [];
const chain = createTestChain({ length: LENGTH, membersAt: eraAt });
// The same heights with other headers, which traitors alone sign, or with one honest member.
const forks = [1, 20, 33].map((from, at) =>
  createTestChain({
    length: LENGTH + 20,
    membersAt: eraAt,
    fork: { from, mark: at + 1 },
    signersAt: (_, members) => members.filter((key) => TRAITORS.includes(key) || key === 1),
  }),
);
// Traitors alone, with members of their own from some height on.
const usurped = [2, 25].map((from) =>
  createTestChain({
    length: LENGTH + 20,
    membersAt: (height) => (height < from ? eraAt(height) : [4, 14, 31]),
    fork: { from, mark: 9 },
    signersAt: (_, members) => members.filter((key) => TRAITORS.includes(key) || key > 30),
  }),
);
const liesOf: readonly TestChain[] = [...forks, ...usurped];

type Lie = {
  readonly kind: number;
  readonly source: number;
  readonly shift: number;
  readonly byte: number;
};
const lieArbitrary: fc.Arbitrary<Lie> = fc.record({
  kind: fc.nat(12),
  source: fc.nat(liesOf.length - 1),
  shift: fc.integer({ min: -3, max: 3 }),
  byte: fc.nat(63),
});

function blocksOf(source: TestChain, heights: readonly number[]): readonly LightBlock[] {
  return honest(source)(heights, 0) as readonly LightBlock[]; // An honest server gives blocks.
}

/** One answer of a liar, made of true and false parts. */
function tell(lie: Lie, heights: readonly number[]): Answer {
  const source = liesOf[lie.source] ?? chain;
  const [genuine, forged] = [blocksOf(chain, heights), blocksOf(source, heights)];
  const last = heights.at(-1) ?? 0;
  switch (lie.kind) {
    case 0:
      return [];
    case 1:
      return 'refused';
    case 2:
      return 'silence';
    case 3:
      return 'malformed';
    case 4:
      return forged;
    case 5:
      return blocksOf(
        chain,
        heights.map((each) => each + lie.shift),
      );
    case 6:
      return genuine.toReversed();
    case 7:
      return genuine.map((block) => ({ ...block, membership: membershipOf([4, 14, 31]) }));
    case 8:
      return genuine.map((block, at) => ({ ...block, header: forged[at]?.header ?? block.header }));
    case 9:
      // A true header and members, another certificate.
      return genuine.map((block, at) => ({
        ...block,
        certificate: forged[at]?.certificate ?? block.certificate,
      }));
    case 10: {
      // A traitor in many places.
      const members = [4, 4, 4, 4];
      const header = forged.at(-1)?.header ?? chain.headerAt(last);
      const place = { height: header.height, hash: source.hashAt(header.height) };
      const certificate = certify(chain.anchor, place, members, members);
      const block = forged.at(-1);
      return block ? [{ ...block, membership: membershipOf(members), certificate }] : [];
    }
    case 11:
      // Everybody signed it, if one does not look.
      return forged.map((block) => ({
        ...block,
        certificate: {
          ...block.certificate,
          signatures: block.membership.validators.map((_, validatorIndex) => ({
            validatorIndex,
            signature: new Uint8Array(64),
          })),
        },
      }));
    default:
      return genuine.map((block) => ({
        ...block,
        certificate: {
          ...block.certificate,
          signatures: block.certificate.signatures.map((each, at) => {
            const signature = each.signature.slice();
            if (at === 0) signature[lie.byte] = (signature[lie.byte] ?? 0) ^ 1;
            return { ...each, signature };
          }),
        },
      }));
  }
}

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

test('fed by any liars, a client trusts only what the honest decided; with one honest peer, all of it', () => {
  fc.assert(lawOf(LIGHT_RULES), { numRuns: 60 });
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
