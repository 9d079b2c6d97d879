import type { SignatureClaim } from '../crypto/index.ts';
import type { LightRefusalCode } from './errors.ts';
import { judgeLightBlock } from './judge.ts';
import type { Chase, LightBlock, LightState, Phase, TrustedBlock } from './types.ts';

/** What a chase does next, after blocks came or claims were found to hold. */
export type Move =
  /** All of these hold if the claims do; the last may be the target. */
  | {
      readonly kind: 'verify';
      readonly path: (Phase & { readonly kind: 'verifying' })['path'];
      readonly claims: readonly SignatureClaim[];
    }
  /** Nothing found can be trusted yet: these lie between. */
  | { readonly kind: 'ask'; readonly heights: readonly number[] }
  | { readonly kind: 'refuse'; readonly code: LightRefusalCode };

type Context = Pick<LightState, 'anchor' | 'options' | 'rules' | 'limits' | 'nowMs'>;

/**
 * The longest leaps that what was found allows, one after the other: from each trusted block the
 * highest block that enough of its members signed.
 */
export function nextMove(context: Context, { base, found }: Chase): Move {
  const path: { trusted: TrustedBlock; block: LightBlock }[] = [];
  const claims: SignatureClaim[] = [];
  let from = base;
  for (;;) {
    const leap = longestLeap(context, from, found);
    if (leap === undefined) break;
    if (leap.kind === 'refused') {
      // What is proven below it counts first; it is met again from there.
      if (path.length > 0) break;
      return { kind: 'refuse', code: leap.code };
    }
    if (path.length > 0 && claims.length + leap.claims.length > context.limits.claimsMax) break;
    claims.push(...leap.claims);
    path.push({ trusted: leap.trusted, block: leap.block });
    from = leap.trusted;
  }
  if (path.length > 0) return { kind: 'verify', path, claims };
  const lowest = found[0]?.header.height ?? 0;
  const { height } = base.header;
  return { kind: 'ask', heights: pivots(height, lowest, context.limits.heightsPerRequest) };
}

type Leap =
  | {
      readonly kind: 'leap';
      readonly block: LightBlock;
      readonly trusted: TrustedBlock;
      readonly claims: readonly SignatureClaim[];
    }
  | { readonly kind: 'refused'; readonly code: LightRefusalCode };

function longestLeap(
  { anchor, options, rules, nowMs }: Context,
  from: TrustedBlock,
  found: readonly LightBlock[],
): Leap | undefined {
  for (const block of found.toReversed()) {
    if (block.header.height <= from.header.height) return undefined;
    const verdict = judgeLightBlock(anchor, from, block, nowMs, options, rules);
    if (verdict.kind === 'to-verify') return { ...verdict, kind: 'leap', block };
    if (verdict.kind === 'refused') return verdict;
  }
  return undefined;
}

/** At most `count` heights that divide what lies strictly between two heights evenly. */
export function pivots(low: number, high: number, count: number): readonly number[] {
  const gap = high - low;
  const parts = Math.min(count, gap - 1) + 1;
  const [whole, rest] = [Math.floor(gap / parts), gap % parts];
  return Array.from({ length: Math.max(0, parts - 1) }, (_, at) => {
    const part = at + 1;
    return low + whole * part + Math.floor((rest * part) / parts);
  });
}

/** What was found and what came, without what the base has passed; heights rise. */
export function merge(
  found: readonly LightBlock[],
  more: readonly LightBlock[],
  base: number,
  foundMax: number,
): readonly LightBlock[] {
  const byHeight = new Map<number, LightBlock>();
  for (const block of [...more, ...found]) {
    if (block.header.height > base) byHeight.set(block.header.height, block);
  }
  const all = [...byHeight.values()].toSorted((one, two) => one.header.height - two.header.height);
  if (all.length <= foundMax) return all;
  // The lowest are the next to be needed; the highest is the target.
  return [...all.slice(0, foundMax - 1), ...all.slice(-1)];
}
