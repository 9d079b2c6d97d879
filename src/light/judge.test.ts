import { expect, test } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { judgeLightBlock } from './judge.ts';
import { certify, createTestChain, membershipOf } from './testing/chain.ts';
import { holds } from './testing/village.ts';
import type { LightBlock, LightOptions, TrustedBlock } from './types.ts';

const OPTIONS: LightOptions = { trustingPeriodMs: undefined, clockDriftMs: 10_000 };
// One member of four changes at 10, 20, 30 and 40: from 40 on nobody of the first is left.
const membersAt = (height: number) => {
  const changed = Math.min(4, Math.floor(height / 10));
  return [1, 2, 3, 4].map((key) => (key <= changed ? key + 10 : key));
};
const chain = createTestChain({ length: 60, membersAt });

function verdictOn(
  candidate: LightBlock,
  {
    trusted = chain.genesis,
    nowMs = chain.endMs,
    options = OPTIONS,
  }: { trusted?: TrustedBlock; nowMs?: number; options?: LightOptions } = {},
): string {
  const verdict = judgeLightBlock(chain.anchor, trusted, candidate, nowMs, options);
  if (verdict.kind !== 'to-verify') {
    return verdict.kind === 'refused' ? verdict.code : verdict.kind;
  }
  return verdict.claims.every(holds) ? 'trusted' : 'signature-invalid';
}

test('a leap needs more than 1/3 of the trusted power; two of four are enough', () => {
  expect(verdictOn(chain.blockAt(1))).toBe('trusted');
  expect(verdictOn(chain.blockAt(9))).toBe('trusted');
  expect(verdictOn(chain.blockAt(29))).toBe('trusted');
  expect(verdictOn(chain.blockAt(30))).toBe('not-enough-trust');
  expect(verdictOn(chain.blockAt(40))).toBe('not-enough-trust');
  expect(verdictOn(chain.blockAt(40), { trusted: chain.trustedAt(29) })).toBe('trusted');
});

test('exactly 1/3 of the trusted power is not enough for a leap', () => {
  const three = createTestChain({
    length: 20,
    membersAt: (height) => (height < 10 ? [1, 2, 3] : [1, 5, 6]),
  });
  const verdict = judgeLightBlock(
    three.anchor,
    three.genesis,
    three.blockAt(20),
    three.endMs,
    OPTIONS,
  );
  expect(verdict).toEqual({ kind: 'not-enough-trust' });
});

test('what follows the trusted block needs no overlap: its members were named', () => {
  const all = createTestChain({
    length: 20,
    membersAt: (height) => (height < 10 ? [1, 2, 3] : [5, 6, 7]),
  });
  const verdict = judgeLightBlock(
    all.anchor,
    all.trustedAt(9),
    all.blockAt(10),
    all.endMs,
    OPTIONS,
  );
  expect(verdict.kind).toBe('to-verify');
});

test('a certificate needs more than 2/3 of its own membership', () => {
  const half = createTestChain({ length: 20, membersAt, signersAt: () => [1, 2] });
  expect(verdictOn(half.blockAt(5))).toBe('certificate-power-too-low');
  const most = createTestChain({ length: 20, membersAt, signersAt: () => [1, 2, 3] });
  expect(verdictOn(most.blockAt(5))).toBe('trusted');
});

test('a signature of another block, of another key or altered is none', () => {
  const block = chain.blockAt(5);
  const { signatures } = block.certificate;
  const altered = (change: (signature: Bytes) => Bytes): LightBlock => ({
    ...block,
    certificate: {
      ...block.certificate,
      signatures: signatures.map((each, at) =>
        at === 2 ? { ...each, signature: change(each.signature) } : each,
      ),
    },
  });
  expect(verdictOn(altered((signature) => signature))).toBe('trusted');
  const flipped = (signature: Bytes) => signature.map((byte, at) => (at ? byte : byte ^ 1));
  expect(verdictOn(altered(flipped))).toBe('signature-invalid');
  const other = chain.blockAt(6).certificate.signatures[2]?.signature ?? new Uint8Array(64);
  expect(verdictOn(altered(() => other))).toBe('signature-invalid');
});

test('the membership is the one that the parent binds, the next one that the header binds', () => {
  const block = chain.blockAt(10);
  expect(block.nextMembership).toBeUndefined();
  const false1 = membershipOf([21, 22, 23, 24]);
  expect(verdictOn({ ...block, membership: false1 })).toBe('membership-mismatch');
  expect(verdictOn({ ...block, nextMembership: false1 })).toBe('next-membership-mismatch');
  const { nextMembership: named, ...last } = chain.blockAt(9);
  expect(named).toEqual(chain.blockAt(10).membership);
  const absent = { ...last, nextMembership: undefined };
  expect(verdictOn(absent)).toBe('next-membership-mismatch');
});

test('a member named twice, or without power, makes a membership none', () => {
  const twice = createTestChain({ length: 3, membersAt: () => [1, 2, 3, 3] });
  expect(verdictOn(twice.blockAt(2))).toBe('membership-invalid');
  const weak = createTestChain({ length: 3, powerOf: (key) => (key === 4 ? 0n : 1n) });
  expect(verdictOn(weak.blockAt(2))).toBe('membership-invalid');
});

test('headers are of this network and version, and one follows the other', () => {
  const { parent, header, ...rest } = chain.blockAt(5);
  const with2 = (more: Partial<LightBlock>) => ({ parent, header, ...rest, ...more });
  expect(verdictOn(with2({ header: { ...header, version: 2 } }))).toBe('version-unsupported');
  expect(verdictOn(with2({ parent: { ...parent, version: 2 } }))).toBe('version-unsupported');
  const chainId = chain.hashAt(1);
  expect(verdictOn(with2({ header: { ...header, chainId } }))).toBe('wrong-network');
  expect(verdictOn(with2({ parent: { ...parent, chainId } }))).toBe('wrong-network');
  expect(verdictOn(with2({ parent: chain.headerAt(3) }))).toBe('parent-mismatch');
  expect(verdictOn(with2({ parent: { ...parent, gasUsed: header.gasUsed } }))).toBe('trusted');
  const { timestampMs } = parent;
  expect(verdictOn(with2({ header: { ...header, timestampMs } }))).toBe(
    'timestamp-not-after-parent',
  );
});

test('what follows the trusted block names it as its parent', () => {
  const fork = createTestChain({ length: 20, membersAt, fork: { from: 4, mark: 1 } });
  expect(verdictOn(fork.blockAt(5), { trusted: chain.trustedAt(4) })).toBe('not-child-of-trusted');
});

test('a certificate of another block certifies nothing', () => {
  const certificate = chain.blockAt(6).certificate;
  expect(verdictOn({ ...chain.blockAt(5), certificate })).toBe('certificate-mismatch');
});

test('signers come in the order of their places, and are members', () => {
  const { certificate, ...block } = chain.blockAt(5);
  const signatures = certificate.signatures.toReversed();
  expect(verdictOn({ ...block, certificate: { ...certificate, signatures } })).toBe(
    'certificate-order-wrong',
  );
  const stranger = { validatorIndex: 9, signature: new Uint8Array(64) };
  const more = [...certificate.signatures, stranger];
  expect(verdictOn({ ...block, certificate: { ...certificate, signatures: more } })).toBe(
    'certificate-signer-unknown',
  );
});

test('a trusted member counts once, and with the power that it is trusted for', () => {
  // Key 1 is a traitor: it names itself in many places of a membership of its own.
  const members = [1, 1, 1, 9];
  const place = { height: 30, hash: chain.hashAt(30) };
  const certificate = certify(chain.anchor, place, members, members);
  const forged = { ...chain.blockAt(30), membership: membershipOf(members), certificate };
  expect(verdictOn(forged)).toBe('membership-invalid');
  // One of four, with great power in what it claims to be the membership.
  const mighty = createTestChain({ length: 30, membersAt: () => [1, 8, 9], powerOf: () => 1000n });
  expect(verdictOn(mighty.blockAt(30))).toBe('not-enough-trust');
});

test('only what is above the trusted block follows from it, in height and in time', () => {
  const trusted = chain.trustedAt(9);
  expect(verdictOn(chain.blockAt(9), { trusted })).toBe('height-not-above');
  expect(verdictOn(chain.blockAt(5), { trusted })).toBe('height-not-above');
  const late = {
    ...trusted,
    header: { ...trusted.header, timestampMs: chain.headerAt(20).timestampMs },
  };
  expect(verdictOn(chain.blockAt(15), { trusted: late })).toBe('timestamp-not-after-trusted');
});

test('the future is refused beyond the drift of clocks', () => {
  const { timestampMs } = chain.headerAt(9);
  expect(verdictOn(chain.blockAt(9), { nowMs: timestampMs - 9_999 })).toBe('trusted');
  expect(verdictOn(chain.blockAt(9), { nowMs: timestampMs - 10_000 })).toBe('from-the-future');
});

test('trust ends with the trusting period', () => {
  const { timestampMs } = chain.genesis.header;
  const options = { ...OPTIONS, trustingPeriodMs: 100_000 };
  expect(verdictOn(chain.blockAt(9), { nowMs: timestampMs + 99_999, options })).toBe('trusted');
  expect(verdictOn(chain.blockAt(9), { nowMs: timestampMs + 100_000, options })).toBe(
    'trust-expired',
  );
});
