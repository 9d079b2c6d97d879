import fc from 'fast-check';
import type { LightBlock } from '../types.ts';
import type { TestChain } from './chain.ts';
import { certify, createTestChain, membershipOf } from './chain.ts';
import type { Answer } from './village.ts';
import { honest } from './village.ts';

// Members change one by one, all at once, and back; key 4, or 14, is a traitor's.
const ERAS = [
  [1, 2, 3, 4],
  [1, 2, 13, 4],
  [11, 12, 13, 14],
  [11, 12, 3, 14, 15],
] as const;
const TRAITORS = [4, 14];
export const LENGTH = 40;
const eraAt = (height: number) => ERAS[Math.min(ERAS.length - 1, Math.floor(height / 11))] ?? [];
export const chain = createTestChain({ length: LENGTH, membersAt: eraAt });
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
export const liesOf: readonly TestChain[] = [...forks, ...usurped];

export type Lie = {
  readonly kind: number;
  readonly source: number;
  readonly shift: number;
  readonly byte: number;
};
export const lieArbitrary: fc.Arbitrary<Lie> = fc.record({
  kind: fc.nat(12),
  source: fc.nat(liesOf.length - 1),
  shift: fc.integer({ min: -3, max: 3 }),
  byte: fc.nat(63),
});

function blocksOf(source: TestChain, heights: readonly number[]): readonly LightBlock[] {
  return honest(source)(heights, 0) as readonly LightBlock[]; // An honest server gives blocks.
}

/** One answer of a liar, made of true and false parts. */
export function tell(lie: Lie, heights: readonly number[]): Answer {
  const source = liesOf[lie.source] ?? chain;
  const [genuine, forged] = [blocksOf(chain, heights), blocksOf(source, heights)];
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
      const block = forged.at(-1);
      if (block === undefined) return [];
      const { header } = block;
      const members = [4, 4, 4, 4];
      const place = { height: header.height, hash: source.hashAt(header.height) };
      const certificate = certify(chain.anchor, place, members, members);
      return [{ ...block, membership: membershipOf(members), certificate }];
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
