import { describe, expect, it, test } from 'vitest';
import { formatHex } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import { blockHashOf } from '../ledger/index.ts';
import {
  createLight,
  formatCheckpoint,
  judgeCheckpoint,
  lightProgress,
  parseCheckpoint,
  step,
} from './index.ts';
import { createTestChain, membershipOf } from './testing/chain.ts';
import { createVillage, honest } from './testing/village.ts';
import type { Checkpoint, LightBlock } from './types.ts';

const chain = createTestChain({
  length: 60,
  membersAt: (height) => (height < 20 ? [1, 2, 3, 4] : [5, 6, 7, 8]),
});
const OPTIONS = { trustingPeriodMs: 20_000, clockDriftMs: 1_000 };
const AT = 50;
const checkpoint: Checkpoint = { height: AT as Height, hash: chain.hashAt(AT) };
const HASH = 'ab'.repeat(32);

describe('the text of a checkpoint', () => {
  it('is a height and a hash, and comes back as it went', () => {
    for (const height of [0, 7, Number.MAX_SAFE_INTEGER] as Height[]) {
      const text = formatCheckpoint({ ...checkpoint, height });
      expect(text).toBe(`${height}:${formatHex(checkpoint.hash)}`);
      expect(parseCheckpoint(text)).toEqual({ ok: true, value: { ...checkpoint, height } });
    }
  });

  it('may be pasted with blanks around it, and in capital letters', () => {
    const parsed = parseCheckpoint(`\n ${formatCheckpoint(checkpoint).toUpperCase()}\t`);
    expect(parsed).toEqual({ ok: true, value: checkpoint });
  });

  it.each([
    ['', 'form'],
    [HASH, 'form'],
    [`1:${HASH}:2`, 'form'],
    [`1:${HASH}`.padEnd(5_000_000, '0'), 'form'],
    [`:${HASH}`, 'height'],
    [`-1:${HASH}`, 'height'],
    [`01:${HASH}`, 'height'],
    [`1.5:${HASH}`, 'height'],
    [`1e3:${HASH}`, 'height'],
    [`0x10:${HASH}`, 'height'],
    [` 1 :${HASH}`, 'height'],
    [`٣:${HASH}`, 'height'],
    [`9007199254740992:${HASH}`, 'height'],
    [`9999999999999999:${HASH}`, 'height'],
    ['1:', 'hash'],
    [`1:${HASH.slice(2)}`, 'hash'],
    [`1:${HASH.slice(1)}g`, 'hash'],
    [`1:0x${HASH.slice(2)}`, 'hash'],
  ])('%#: nothing else is one', (text, at) => {
    expect(parseCheckpoint(text)).toEqual({
      ok: false,
      error: { code: 'checkpoint-malformed', at },
    });
  });
});

describe('the block of a checkpoint', () => {
  const at = { genesis: chain.genesis, nowMs: chain.endMs, options: OPTIONS };
  const judge = (block: LightBlock, more: Partial<typeof at> = {}, named = checkpoint) =>
    judgeCheckpoint(chain.anchor, named, block, { ...at, ...more });
  const block = chain.blockAt(AT);

  it('is trusted once its signatures hold', () => {
    const verdict = judge(block);
    expect(verdict).toMatchObject({ kind: 'to-verify', trusted: chain.trustedAt(AT) });
    expect(verdict.kind === 'to-verify' && verdict.claims.length).toBe(4);
  });

  const alone = { ...block.certificate, signatures: block.certificate.signatures.slice(0, 2) };
  const strange = { ...block.header, chainId: new Uint8Array(32).fill(9) as Hash };
  test.each([
    ['another height', chain.blockAt(AT - 1), 'another-block'],
    ['another hash', { ...block, header: { ...block.header, gasUsed: 1 } }, 'another-block'],
    ['another parent', { ...block, parent: chain.headerAt(AT - 2) }, 'parent-mismatch'],
    [
      'a parent of another version',
      { ...block, parent: { ...block.parent, version: 9 } },
      'parent-mismatch',
    ],
    ['members of its own', { ...block, membership: membershipOf([9]) }, 'membership-mismatch'],
    [
      'successors of its own',
      { ...block, nextMembership: membershipOf([9]) },
      'next-membership-mismatch',
    ],
    [
      'a certificate of another block',
      { ...block, certificate: chain.blockAt(AT - 1).certificate },
      'certificate-mismatch',
    ],
    ['too few signatures', { ...block, certificate: alone }, 'certificate-power-too-low'],
  ])('is refused with %s', (_, other, code) => {
    expect(judge(other as LightBlock)).toEqual({ kind: 'refused', code });
  });

  it('is refused when it is of another network, though the hash is the one named', () => {
    const hash = blockHashOf(chain.anchor.suite, strange);
    const verdict = judge({ ...block, header: strange }, {}, { ...checkpoint, hash });
    expect(verdict).toEqual({ kind: 'refused', code: 'wrong-network' });
  });

  it('is refused when it is too old itself, or of the future', () => {
    const nowMs = block.header.timestampMs + 20_000;
    expect(judge(block, { nowMs })).toMatchObject({ code: 'trust-expired' });
    expect(judge(block, { nowMs: nowMs - 1 }).kind).toBe('to-verify');
    const early = block.header.timestampMs - 1_000;
    expect(judge(block, { nowMs: early })).toMatchObject({ code: 'from-the-future' });
  });

  it('is refused with other members than those of genesis where these never change', () => {
    const options = { ...OPTIONS, isFixed: true };
    expect(judge(block, { options })).toMatchObject({ code: 'membership-changed' });
  });
});

describe('a light client', () => {
  const given = {
    kind: 'checkpoint-given',
    trusted: chain.trustedAt(AT),
    block: chain.blockAt(AT),
  } as const;

  const expiredVillage = () => {
    const { anchor, genesis: trusted, endMs: nowMs } = chain;
    return createVillage({ anchor, trusted, nowMs, options: OPTIONS });
  };

  it('whose trust ran out goes on from a checkpoint', () => {
    const village = expiredVillage();
    village.meet('a', honest(chain), { chain });
    village.tick(5);
    expect(lightProgress(village.state())).toMatchObject({ expired: true, stage: 'waiting' });
    expect(village.requests).toEqual([]);
    village.send({ ...given, nowMs: village.nowMs });
    expect(village.requests).toEqual([{ peerId: 'a', heights: [60] }]);
    const { head, expired, stage } = lightProgress(village.state());
    expect([head.header.height, expired, stage]).toEqual([60, false, 'following']);
  });

  it('proves what is told of a checkpoint itself by the checkpoint alone', () => {
    const village = expiredVillage();
    village.send({ ...given, nowMs: village.nowMs });
    const { head, headBlock } = lightProgress(village.state());
    expect(head.hash).toEqual(checkpoint.hash);
    expect(headBlock).toEqual(given.block);
  });

  it('changes nothing of what it trusts already, and stays below its head', () => {
    const fork = createTestChain({ length: 60, fork: { from: 10, mark: 1 } });
    const options = { trustingPeriodMs: undefined, clockDriftMs: 1_000 };
    const { anchor, genesis, endMs: nowMs } = chain;
    const start = { anchor, options, nowMs, roots: [genesis] };
    const state = createLight({ ...start, trusted: chain.trustedAt(AT) });
    const other = { ...given, trusted: fork.trustedAt(AT), block: fork.blockAt(AT), nowMs };
    expect(lightProgress(step(state, other).state).head.hash).toEqual(checkpoint.hash);
    const below = { ...given, trusted: chain.trustedAt(30), block: chain.blockAt(30), nowMs };
    const next = step(state, below).state;
    expect(lightProgress(next).head.header.height).toBe(AT);
    expect(next.known.map(({ trusted }) => trusted.header.height)).toEqual([0, 30, AT]);
  });

  it('takes none while conflicting certificates stand against each other', () => {
    const options = { trustingPeriodMs: undefined, clockDriftMs: 1_000 };
    const { anchor, genesis: trusted, endMs: nowMs } = chain;
    const alarm = { trusted: chain.trustedAt(5), ours: undefined, other: chain.blockAt(5) };
    const state = createLight({ anchor, options, trusted, nowMs, alarm });
    expect(lightProgress(step(state, { ...given, nowMs }).state).head.header.height).toBe(0);
  });
});
