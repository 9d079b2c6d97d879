import { equalBytes } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import { isExpired } from './judge.ts';
import type { LightLimits } from './limits.ts';
import type { Known, LightBlock, LightState } from './types.ts';

/** The trusted block of a height, if it is remembered. */
export function knownAt(known: readonly Known[], height: number): Known | undefined {
  return known.find(({ trusted }) => trusted.header.height === height);
}

/** The nearest trusted block below a height. */
export function nearestBelow(known: readonly Known[], height: number): Known | undefined {
  return known.findLast(({ trusted }) => trusted.header.height < height);
}

/** Whether what is trusted below a height is too old to prove that height from. */
export function isExpiredBelow(
  { known, rules, nowMs, options }: LightState,
  height: number,
): boolean {
  const base = nearestBelow(known, height);
  return base !== undefined && rules.expires && isExpired(base.trusted, nowMs, options);
}

/**
 * Remembers a block, in order of heights; one already known stays. Beyond the bound the block goes
 * whose neighbours are nearest to each other: neither the lowest nor the newest ones.
 */
export function withKnown(known: readonly Known[], more: Known, limits: LightLimits) {
  const { height } = more.trusted.header;
  if (knownAt(known, height) !== undefined) return known;
  const at = known.findLastIndex(({ trusted }) => trusted.header.height < height) + 1;
  const all = known.toSpliced(at, 0, more);
  if (all.length <= limits.knownMax) return all;
  const heightAt = (index: number) => all[index]?.trusted.header.height ?? 0;
  let least = 1;
  for (let index = 1; index < all.length - limits.recentMax; index++) {
    const gap = heightAt(index + 1) - heightAt(index - 1);
    if (gap < heightAt(least + 1) - heightAt(least - 1)) least = index;
  }
  return all.toSpliced(least, 1);
}

/** The light block of a height, where it came with one and is remembered. */
export function lightBlockAt({ head, known }: LightState, height: number): LightBlock | undefined {
  if (height === head.trusted.header.height) return head.block;
  return knownAt(known, height)?.block;
}

/** What is trusted at a height: a block's own hash, or what the head says of its parent. */
export function trustedHashAt({ head, known }: LightState, height: number): Hash | undefined {
  const { header } = head.trusted;
  if (height > header.height) return undefined;
  if (height === header.height) return head.trusted.hash;
  if (height === header.height - 1) return header.parentHash;
  return knownAt(known, height)?.trusted.hash;
}

/** Whether somebody's head is one that is trusted here. */
export function isTrustedHead(
  state: LightState,
  told: { readonly headHeight: number; readonly headHash: Hash },
): boolean {
  const hash = trustedHashAt(state, told.headHeight);
  return hash !== undefined && equalBytes(hash, told.headHash);
}
