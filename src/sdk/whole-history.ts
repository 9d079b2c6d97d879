import type { Clock, ErrorData } from '../base/index.ts';
import { errorToData, formatHex, systemClock, TabellionError } from '../base/index.ts';
import type { Address, Height } from '../ledger/index.ts';
import type { Cursor, History } from '../rpc/index.ts';
import { HISTORY_PER_PAGE_MAX } from '../rpc/index.ts';
import type { Client } from './client.ts';
import { HISTORY_PATIENCE_MS } from './limits.ts';

/** How far a history was read. */
export type HistoryProgress = {
  readonly entries: number;
  /** Height of the oldest entry so far. */
  readonly downTo: Height | undefined;
  /** Whoever proves it is busy: it is asked again in a moment. */
  readonly isWaiting: boolean;
};

/** All pages of a history, newest first. */
export type WholeHistory = {
  readonly pages: readonly History[];
  /** Why it ends before its end, and where it would go on; absent when all was read. */
  readonly stop: { readonly before: Cursor; readonly error: ErrorData } | undefined;
};

export type WholeHistoryOptions = {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: HistoryProgress) => void;
  readonly clock?: Clock;
};

/** A node that proves nothing itself has to ask others, who answer so much a second. */
const PASSING: ReadonlySet<string> = new Set([
  'proof-unavailable',
  'rate-limited',
  'timed-out',
  'leader-changed',
  'connection-failed',
]);

/**
 * Reads every page of an account's history. Waits where those who prove it are busy, a bounded time
 * a page; then it ends with what was read, and says where. Rejects when nothing was read at all,
 * and with `aborted`.
 */
export async function readWholeHistory(
  client: Pick<Client, 'call'>,
  address: Address,
  options: WholeHistoryOptions = {},
): Promise<WholeHistory> {
  const { signal, onProgress } = options;
  const pages: History[] = [];
  let entries = 0;
  let downTo: Height | undefined;
  let before: Cursor | undefined;
  const seen = new Seen();
  do {
    const tell = (isWaiting: boolean) => onProgress?.({ entries, downTo, isWaiting });
    tell(false);
    let page: History;
    try {
      page = await askPatiently(
        client,
        { address, before },
        { ...options, onWait: () => tell(true) },
      );
      // A node that leads in circles is not followed.
      if (!seen.take(page, before)) throw new TabellionError('answer-malformed');
    } catch (error) {
      if (before === undefined || signal?.aborted === true) throw error;
      return { pages, stop: { before, error: errorToData(error) } };
    }
    pages.push(page);
    entries += page.entries.length;
    downTo = page.entries.at(-1)?.height ?? downTo;
    before = page.next;
  } while (before !== undefined);
  return { pages, stop: undefined };
}

async function askPatiently(
  client: Pick<Client, 'call'>,
  { address, before }: { readonly address: Address; readonly before: Cursor | undefined },
  options: WholeHistoryOptions & { readonly onWait: () => void },
): Promise<History> {
  const { signal, clock = systemClock, onWait } = options;
  for (const waitMs of [...HISTORY_PATIENCE_MS, undefined]) {
    try {
      return await client.call(
        'account.history',
        { address, before, limit: HISTORY_PER_PAGE_MAX },
        signal === undefined ? {} : { signal },
      );
    } catch (error) {
      if (waitMs === undefined || !PASSING.has(errorToData(error).code)) throw error;
      onWait();
      await pass(clock, waitMs, signal);
    }
  }
  throw new TabellionError('proof-unavailable'); // Never: the last attempt answers or throws.
}

function pass(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      cancel();
      reject(new TabellionError('aborted'));
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted === true) onAbort();
  });
}

/** What was read of the height where a page ended, and whether the next goes on from there. */
class Seen {
  #height: Height | undefined;
  readonly #ids = new Set<string>();

  /** Whether a page leads down from where it was to begin, and tells nothing a second time. */
  take({ entries, next }: History, before: Cursor | undefined): boolean {
    let last = before;
    for (const entry of entries) {
      if (!isBelow(entry, last)) return false;
      last = entry;
      if (entry.height !== this.#height) this.#ids.clear();
      this.#height = entry.height;
      const id = formatHex(entry.id);
      // Nobody proves at which index a transaction stands: one could be told at several.
      if (this.#ids.has(id)) return false;
      this.#ids.add(id);
    }
    return next === undefined || isBelow(next, before);
  }
}

type Place = Pick<Cursor, 'height' | 'index'>;

function isBelow(place: Place, before: Place | undefined): boolean {
  if (before === undefined || place.height < before.height) return true;
  return place.height === before.height && place.index < before.index;
}
