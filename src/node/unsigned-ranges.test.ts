import { describe, expect, it } from 'vitest';
import { bool, decode, encode, option, struct } from '../codec/index.ts';
import { headerCodec, heightCodec } from '../ledger/index.ts';
import { NO_REPLAY, replayRecordCodec } from './checkpoint-record.ts';
import { UNSIGNED_RANGES_MAX } from './limits.ts';
import type { Range } from './unsigned-ranges.ts';
import { cutAll, isIn, withRange } from './unsigned-ranges.ts';

const range = (from: number, to: number): Range => ({ from, to }) as Range; // Heights.
const spread = (count: number) =>
  Array.from({ length: count }, (_, at) => range(10 * at + 1, 10 * at + 5));

describe('ranges of unchecked blocks', () => {
  it('leave out what was checked between them', () => {
    const ranges = withRange([range(1, 6)], range(9, 12));
    expect(ranges).toEqual([range(1, 6), range(9, 12)]);
    const covered = [1, 6, 7, 8, 9, 12, 13].filter((at) => ranges.some((each) => isIn(each, at)));
    expect(covered).toEqual([1, 6, 9, 12]);
  });

  it('become one where one goes on', () => {
    expect(withRange([range(1, 6)], range(7, 12))).toEqual([range(1, 12)]);
    expect(withRange([range(1, 2), range(4, 6)], range(5, 12))).toEqual([
      range(1, 2),
      range(4, 12),
    ]);
    expect(withRange([], range(5, 12))).toEqual([range(5, 12)]);
  });

  it('end where nothing more was taken', () => {
    expect(cutAll([range(1, 6), range(9, 12)], 10)).toEqual([range(1, 6), range(9, 10)]);
    expect(cutAll([range(1, 6), range(9, 12)], 8)).toEqual([range(1, 6)]);
    expect(cutAll([range(2, 6)], 1)).toEqual([]);
  });

  it('are bounded: what is left out is never a block that nobody checked', () => {
    const all = spread(UNSIGNED_RANGES_MAX);
    const added = range(1_000, 1_009);
    const bounded = withRange(all, added);
    expect(bounded).toHaveLength(UNSIGNED_RANGES_MAX);
    for (const each of [...all, added]) {
      for (const at of [each.from, each.to]) {
        expect(bounded.some((known) => isIn(known, at))).toBe(true);
      }
    }
    expect(
      decode(replayRecordCodec, encode(replayRecordCodec, { ...NO_REPLAY, unsigned: bounded })),
    ).toMatchObject({ ok: true });
  });
});

describe('a record of the time of one range', () => {
  const heights = { from: heightCodec, to: heightCodec };
  const formerCodec = struct('ReplayRecord', {
    isOn: bool,
    unsigned: option(struct('UnsignedBlocks', heights)),
    unlinked: option(struct('UnlinkedBlocks', { ...heights, below: option(headerCodec) })),
    isContradicted: bool,
    mustReadAgain: bool,
    hasFailed: bool,
  });

  it.each([undefined, range(3, 9)])('is read as it was meant: %s', (unsigned) => {
    const record = { ...NO_REPLAY, isOn: true, unlinked: undefined };
    const former = encode(formerCodec, { ...record, unsigned });
    const now = { ...record, unsigned: unsigned === undefined ? [] : [unsigned] };
    expect(decode(replayRecordCodec, former)).toEqual({ ok: true, value: now });
  });
});
