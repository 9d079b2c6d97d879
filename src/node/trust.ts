import type { SourceTrust } from './source.ts';
import type { NodeStatus } from './status.ts';

/** Blocks by which a chain may be behind the highest head it was told, and still be at it. */
export const NEAR_BLOCKS = 5;
/** Voices that must have told their heads: what one alone withholds cannot be noticed. */
export const VOICES_COMPARED_MIN = 2;

/**
 * This node executed every block since genesis, or since the snapshot whose root was proven to it,
 * whatever the word. The word says how much its head is worth: `validated` beside what at least two
 * voices told, or where it helps to decide itself; `reported` while a single one says that nothing
 * newer is there; `cached` while nobody does (alone, paused, failed, or all tell of newer blocks,
 * true or not), or newer blocks are known to be missing.
 */
export function chainTrust(
  status: Pick<NodeStatus, 'stage' | 'head' | 'targetHeight' | 'confirmingPeers' | 'isMember'>,
): SourceTrust {
  const { stage, head, targetHeight, confirmingPeers, isMember } = status;
  if (stage !== 'following' && stage !== 'syncing') return 'cached';
  if (stage === 'following' && isMember) return 'validated';
  const isNear = head !== undefined && targetHeight - head.header.height <= NEAR_BLOCKS;
  if (!isNear || confirmingPeers === 0) return 'cached';
  return confirmingPeers < VOICES_COMPARED_MIN ? 'reported' : 'validated';
}
