import type { NodeStatus } from '../hooks/client.ts';

/** What the node tells of its store. */
export type StorageEvent = NonNullable<NodeStatus['storage']>;

/** What became of stored data, in words: what is lost, what is not, and what can be done. */
export type StorageWords = {
  readonly title: string;
  readonly text: string;
  /** Whether something may be gone that only this browser had. */
  readonly isPersonal: boolean;
};

const SAFE = 'Your account is safe on the ledger, and your key in your device.';
const NOTES_GONE =
  'Names, contacts and drafts of this browser are gone; a file that you saved brings them back.';
const READ_AGAIN = 'The blocks are being read from peers again, and checked.';
const ASLEEP =
  'Most likely the browser put it to sleep while it was writing. Close that tab, or wait: the ' +
  'browser lets go of the data within a minute.';
const SLOW = 'It takes longer than usual, and goes on by itself.';
const UNSEEN =
  'Until then this tab runs without them. A checkpoint or an alarm that it kept cannot be looked ' +
  'at, so figures are Reported at most.';
const UNPROVABLE =
  'Until then this tab runs without them, and proves nothing: genesis is too old to go on from, ' +
  'and what was trusted since is among those data.';

/**
 * Names what happened; the codes stay in the diagnostics. `isExpired`: the node trusts nothing that
 * is new enough to go on from.
 */
export function describeStorage({ kind, code }: StorageEvent, isExpired = false): StorageWords {
  if (kind === 'partly-wiped' && code === 'page-storage-lost') {
    return {
      title: 'This browser deleted local data',
      text: `${SAFE} ${NOTES_GONE}`,
      isPersonal: true,
    };
  }
  if (kind === 'wiped' || kind === 'partly-wiped') {
    return {
      title: 'This browser deleted local data',
      text: `${SAFE} ${READ_AGAIN} Names, contacts and drafts that you still see here are kept.`,
      isPersonal: kind === 'wiped',
    };
  }
  if (kind === 'repaired' && code === 'page-mended') {
    return {
      title: 'Damaged data were repaired',
      text: `${SAFE} What was damaged came from peers again and was checked; nothing is missing.`,
      isPersonal: false,
    };
  }
  if (kind === 'repaired') {
    return {
      title: 'Stored data were damaged',
      text: `${SAFE} What does not match its checksum is never used. ${READ_AGAIN}`,
      isPersonal: false,
    };
  }
  if (kind === 'held') {
    const isAsleep = code === 'tab-asleep';
    return {
      title: isAsleep ? 'Another tab holds the stored data' : 'Opening the stored data…',
      text: `${isAsleep ? ASLEEP : SLOW} ${isExpired ? UNPROVABLE : UNSEEN}`,
      isPersonal: false,
    };
  }
  if (kind === 'quota') {
    return {
      title: 'This device is out of space',
      text: `${SAFE} The node answers from what it has, and goes on by itself when there is room.`,
      isPersonal: false,
    };
  }
  return {
    title: 'The browser closed the local data for a moment',
    text: 'The node opened them again. Nothing is missing.',
    isPersonal: false,
  };
}
