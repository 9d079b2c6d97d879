import { judgeLightBlock } from './judge.ts';
import type { LightAnchor, LightBlock, TrustedBlock } from './types.ts';

/** A server judges no times: that is the asker's. */
const ANY_TIME = { trustingPeriodMs: undefined, clockDriftMs: 0 };

/**
 * The fewest of some light blocks that lead from a trusted one to the last of them, for a server
 * that spares its asker the search; signatures are the asker's to verify. Empty when none leads.
 *
 * @param candidates Heights rise. Useful are the target, and the last block of each membership.
 */
export function waypoints(
  anchor: LightAnchor,
  trusted: TrustedBlock,
  candidates: readonly LightBlock[],
  blocksMax: number,
): readonly LightBlock[] {
  const path: LightBlock[] = [];
  let from = trusted;
  while (path.length < blocksMax) {
    const leap = leapFrom(anchor, from, candidates);
    if (leap === undefined) break;
    path.push(leap.block);
    from = leap.trusted;
  }
  return path;
}

function leapFrom(anchor: LightAnchor, from: TrustedBlock, candidates: readonly LightBlock[]) {
  for (const block of candidates.toReversed()) {
    if (block.header.height <= from.header.height) return undefined;
    const verdict = judgeLightBlock(anchor, from, block, Number.MAX_SAFE_INTEGER, ANY_TIME);
    if (verdict.kind === 'to-verify') return { block, trusted: verdict.trusted };
  }
  return undefined;
}
