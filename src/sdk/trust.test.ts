import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Shape } from '../codec/index.ts';
import type { Height } from '../ledger/index.ts';
import type { Trust } from '../rpc/index.ts';
import { builtinMethods, topics } from '../rpc/index.ts';
import {
  cachedValue,
  capTrust,
  isAtLeast,
  joinTrusted,
  mapTrusted,
  mintTrusted,
  reportedValue,
  trustedOf,
} from './trust.ts';

const LEVELS: readonly Trust[] = ['cached', 'reported', 'proven', 'validated'];
const methods = builtinMethods();
const height = 5 as Height; // A small number is one.

describe('an answer of a relay', () => {
  it('is worth reported at most, wherever in it a trust word stands', () => {
    const status = { stage: 'final', trust: 'validated' };
    const light = { head: { height }, trust: 'proven' };
    const cases = [
      [methods['account.get'].result, { height, trust: 'validated' }],
      [methods['transaction.get'].result, { status, trust: 'validated' }],
      [methods['transaction.statuses'].result, { statuses: [status, status] }],
      [methods['node.status'].result, { trust: 'validated', light }],
      [topics.status.event, { trust: 'validated', light }],
    ] as const;
    for (const [codec, answer] of cases) {
      const before = JSON.stringify(answer);
      const capped = JSON.stringify(capTrust<unknown>(codec.shape, answer, 'reported'));
      expect(capped).not.toMatch(/validated|proven/);
      expect(capped).toContain('reported');
      expect(JSON.stringify(answer)).toBe(before);
    }
  });

  it('keeps a word that is weaker, and absent parts absent', () => {
    const { shape } = methods['node.status'].result;
    const answer = { trust: 'cached', light: undefined };
    expect(capTrust<unknown>(shape, answer, 'reported')).toEqual(answer);
  });

  it('has no trust word inside a union, where it would not be lowered', () => {
    const found: string[] = [];
    const walk = (shape: Shape, path: string, isInUnion: boolean): void => {
      if (shape.kind === 'enumeration' && shape.name === 'Trust' && isInUnion) found.push(path);
      if (shape.kind === 'option' || shape.kind === 'list') walk(shape.item, path, isInUnion);
      if (shape.kind === 'refined') walk(shape.inner, path, isInUnion || shape.isText);
      if (shape.kind === 'struct') {
        for (const each of shape.fields) walk(each.shape, `${path}.${each.name}`, isInUnion);
      }
      if (shape.kind === 'union') {
        for (const each of shape.variants) walk(each.shape, `${path}.${each.name}`, true);
      }
    };
    for (const [name, { result }] of Object.entries(methods)) walk(result.shape, name, false);
    for (const [name, { event }] of Object.entries(topics)) walk(event.shape, name, false);
    expect(found).toEqual([]);
  });
});

describe('a trusted value', () => {
  it('is worth what its client says, and as a copy or literal reported at most', () => {
    const { shape } = methods['account.get'].result;
    for (const level of LEVELS) {
      const answer = capTrust(shape, { height, trust: level }, 'validated');
      expect(trustedOf(answer)).toMatchObject({ trust: level, height });
      const atMost = level === 'cached' ? 'cached' : 'reported';
      expect(trustedOf({ ...answer }).trust).toBe(atMost);
    }
  });

  it('gives parts of the same worth, and with another the weaker one', () => {
    for (const left of LEVELS) {
      expect(mapTrusted(mintTrusted(2, left, height), (value) => value + 1)).toEqual({
        value: 3,
        trust: left,
        height,
      });
      for (const right of LEVELS) {
        const joined = joinTrusted<number, number, Trust, number>(
          mintTrusted(2, left, height),
          mintTrusted(3, right, height),
          (one, two) => one + two,
        );
        const weaker = LEVELS[Math.min(LEVELS.indexOf(left), LEVELS.indexOf(right))];
        expect(joined).toEqual({ value: 5, trust: weaker, height });
        expect(isAtLeast(mintTrusted(2, left, height), right)).toBe(
          LEVELS.indexOf(left) >= LEVELS.indexOf(right),
        );
      }
    }
  });

  it('of two heights belongs to none', () => {
    const other = 6 as Height; // As above.
    const joined = joinTrusted(reportedValue(1, height), reportedValue(2, other), () => 3);
    expect(joined.height).toBeUndefined();
    expect(cachedValue(1, undefined)).toEqual({ value: 1, trust: 'cached', height: undefined });
  });

  it('of a level that is not just told is made by the verifiers alone', () => {
    const room = new URL('./', import.meta.url);
    const makers = readdirSync(room, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.includes('.test'))
      .filter((name) => readFileSync(new URL(name, room), 'utf8').includes('mintTrusted'));
    expect(makers.sort()).toEqual(['prover.ts', 'trust.ts', 'verify.ts']);
    expect(readFileSync(new URL('index.ts', room), 'utf8')).not.toContain('mintTrusted');
  });
});
