import type { NodeStatus, StorageView } from '../hooks/client.ts';
import { formatBytes, formatCount, formatHeight, formatPercent, plural } from './number.ts';
import { formatEta } from './time.ts';

/** The way of a node from nothing to following, in the order in which it is gone. */
export type WayName = 'headers' | 'proof' | 'state' | 'blocks';

/** `asked`: a person has to say yes; `unneeded`: this mode does without; `stuck`: it stands still. */
export type WayState = 'next' | 'now' | 'done' | 'asked' | 'unneeded' | 'stuck';

export type WayStep = {
  readonly name: WayName;
  readonly state: WayState;
  /** What was done, in a few words. */
  readonly detail: string;
};

/** Work in hand that can be measured. */
export type Work = {
  /** 0 to 100; 100 only when nothing is missing. */
  readonly percent: number;
  readonly text: string;
};

/** Where a node is on its way, step by step. */
export function wayOf(status: NodeStatus): readonly WayStep[] {
  return [headersOf(status), proofOf(status), stateOf(status), blocksOf(status)];
}

function step(name: WayName, state: WayState, detail: string): WayStep {
  return { name, state, detail };
}

/** Whether the node runs without its store for now: what it kept there cannot be looked at. */
export function isStoreHeld({ storage }: NodeStatus): boolean {
  return storage?.kind === 'held';
}

const HELD_BACK = 'Waiting for the stored data';

function headersOf(status: NodeStatus): WayStep {
  const { light, stage, chainHeight, peers } = status;
  if (light === undefined) {
    const isDone = stage === 'following';
    return step('headers', isDone ? 'done' : 'next', isDone ? formatHeight(chainHeight) : '');
  }
  const at = formatHeight(light.head.height);
  // What was trusted since may lie in the store.
  if (light.isExpired && isStoreHeld(status)) return step('headers', 'next', HELD_BACK);
  if (light.isExpired) return step('headers', 'stuck', `Trusted block ${at} is too old`);
  if (light.stage === 'following') {
    return step('headers', 'done', `${at}, ${formatBytes(light.bytesReceived)}`);
  }
  if (light.stage === 'proving') {
    return step('headers', 'now', `${at} of ${formatHeight(light.targetHeight)}`);
  }
  return step('headers', peers === 0 ? 'next' : 'now', 'Waiting for peers');
}

function proofOf(status: NodeStatus): WayStep {
  const { light, trust } = status;
  if (light?.alarm !== undefined) {
    return step('proof', 'stuck', `Two blocks at ${formatHeight(light.alarm.height)}`);
  }
  // An alarm or a checkpoint may lie in the store: no number of hosts outweighs that.
  if (isStoreHeld(status)) return step('proof', 'next', HELD_BACK);
  const isProven = trust === 'validated' || trust === 'proven' || light?.trust === 'proven';
  if (light === undefined) return step('proof', isProven ? 'done' : 'next', '');
  if (isProven) {
    return step('proof', 'done', `${plural(light.comparedVoices, 'host')} agree`);
  }
  if (light.stage !== 'following') return step('proof', 'next', '');
  return step('proof', 'now', 'Waiting for a second host');
}

function stateOf(status: NodeStatus): WayStep {
  const { snapshot, mode, promotion, startHeight } = status;
  if (snapshot !== undefined) {
    const { bytesDone, bytesTotal } = snapshot;
    return step('state', 'now', `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}`);
  }
  if (promotion === 'waiting-consent') return step('state', 'asked', 'Waits for your word');
  if (isStoreHeld(status)) return step('state', 'unneeded', 'Reported when looked at');
  if (mode === 'light') return step('state', 'unneeded', 'Proven when looked at');
  if (status.stage === 'following') return step('state', 'done', 'Kept here');
  if (startHeight === 0) return step('state', 'unneeded', 'Grows with the blocks');
  return step('state', 'done', `Kept since ${formatHeight(startHeight)}`);
}

function blocksOf(status: NodeStatus): WayStep {
  const { chainHeight, targetHeight, startHeight, mode, stage, snapshot, promotion } = status;
  if (mode === 'light') return step('blocks', 'unneeded', 'Not kept');
  if (snapshot !== undefined || promotion === 'waiting-consent') return step('blocks', 'next', '');
  if (stage === 'following') return step('blocks', 'done', formatHeight(chainHeight));
  if (stage !== 'syncing') return step('blocks', 'next', '');
  const all = Math.max(0, targetHeight - startHeight);
  return step('blocks', 'now', `${formatCount(chainHeight - startHeight)} of ${formatCount(all)}`);
}

/** What is being worked at now, where it can be measured; `undefined` where it cannot. */
export function workOf(status: NodeStatus): Work | undefined {
  const { snapshot, stage } = status;
  if (snapshot !== undefined) {
    const { bytesDone, bytesTotal, bytesPerSecond } = snapshot;
    const percent = formatPercent(bytesDone, bytesTotal);
    const leftMs =
      bytesPerSecond === 0 ? undefined : (1000 * (bytesTotal - bytesDone)) / bytesPerSecond;
    return {
      percent,
      text: joined([
        `${percent} % of the state`,
        `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}`,
        `${formatBytes(bytesPerSecond)} a second`,
        leftMs === undefined || percent === 100 ? '' : formatEta(leftMs),
      ]),
    };
  }
  if (stage !== 'syncing' || status.mode === 'light') return undefined;
  const done = status.chainHeight - status.startHeight;
  const all = Math.max(done, status.targetHeight - status.startHeight);
  const percent = formatPercent(done, all);
  return {
    percent,
    text: joined([
      `${percent} % of work`,
      `${formatCount(done)} of ${plural(all, 'block')}`,
      status.etaMs === undefined ? '' : formatEta(status.etaMs),
    ]),
  };
}

function joined(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' · ');
}

/** What a mode costs on this device, in bytes; `undefined` where nobody told yet. */
export type ModeSizes = {
  readonly full: number | undefined;
  readonly archive: number | undefined;
};

/** Works out the size of each mode from what is kept, or from what a snapshot weighs. */
export function sizesOf(status: NodeStatus, storage: StorageView | undefined): ModeSizes {
  const bytesOf = (space: string) => storage?.spaces.find((each) => each.space === space);
  const kept = bytesOf('pages')?.bytes ?? 0;
  const hasChain = status.chainHeight > 0 && kept > 0;
  const state = status.snapshot?.bytesTotal ?? (hasChain ? kept : undefined);
  const blocks = bytesOf('blocks');
  if (state === undefined || blocks === undefined || blocks.count === 0) {
    // Before its first saving a node has everything in its journal.
    const own = status.snapshot === undefined ? bytesOf('journal')?.bytes : undefined;
    const all = status.chainHeight > 0 && own !== undefined && own > 0 ? own + kept : undefined;
    const isSinceGenesis = status.historyFrom === 0 && status.mode !== 'light';
    return { full: all ?? state, archive: isSinceGenesis ? all : undefined };
  }
  const eachBytes = (blocks.bytes + (bytesOf('index')?.bytes ?? 0)) / blocks.count;
  const all = Math.max(status.head.height, status.targetHeight);
  const recent = Math.min(all, status.keepBlocks ?? all);
  return {
    full: Math.round(state + eachBytes * recent),
    archive: Math.round(state + eachBytes * all),
  };
}

/** Up to which block the state is saved by itself; what came after is kept as blocks. */
export function savedWords({ checkpointHeight }: StorageView): string {
  if (checkpointHeight > 0) return formatHeight(checkpointHeight);
  return 'Not yet by itself: the journal holds every block, and gives the state again';
}

const LEDGER_SPACES: ReadonlySet<string> = new Set(['journal', 'blocks', 'pages', 'index']);

/** What blocks and state weigh on this device, in bytes. */
export function ledgerBytesOf(storage: StorageView | undefined): number {
  const spaces = storage?.spaces.filter((each) => LEDGER_SPACES.has(each.space)) ?? [];
  return spaces.reduce((sum, { bytes }) => sum + bytes, 0);
}
