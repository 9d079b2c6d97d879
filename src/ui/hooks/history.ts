import { useEffect, useState } from 'react';
import type { ErrorData } from '../../base/index.ts';
import { errorToData, formatHex } from '../../base/index.ts';
import { cappedBy } from '../format/standing.ts';
import { useAsk } from './ask.ts';
import type { Address, History, HistoryEntry } from './client.ts';
import { useLive } from './live.ts';
import { useClient } from './services.ts';

const PAGE = 50;

/** The history of an account: the newest page live, older ones when asked for. */
export function useHistory(address: Address) {
  const client = useClient();
  const newest = useAsk('account.history', { address, limit: PAGE }, { isLive: true });
  const [older, setOlder] = useState<readonly History[]>([]);
  const [error, setError] = useState<ErrorData>();
  const key = formatHex(address);
  // biome-ignore lint/correctness/useExhaustiveDependencies: older pages belong to one account.
  useEffect(() => setOlder([]), [key]);

  // Older pages are not asked for again: they are worth what the node says of itself now.
  const trust = useLive((live) => live.status?.trust);
  const kept = older.map((page) => cappedBy(page, trust));
  const pages = newest.value === undefined ? [] : [newest.value, ...kept];
  const next = older.length === 0 ? newest.value?.next : older.at(-1)?.next;
  const loadOlder = async () => {
    if (client === undefined || next === undefined) return;
    try {
      const page = await client.call('account.history', { address, before: next, limit: PAGE });
      setOlder((pages) => [...pages, page]);
      setError(undefined);
    } catch (caught) {
      setError(errorToData(caught));
    }
  };
  return { newest, chapters: chaptersOf(pages), next, loadOlder, error };
}

/** Entries that stand on the same ground: as firm, and from the same source. */
export type Chapter = Pick<History, 'trust' | 'source' | 'entries' | 'completeFrom'> &
  Partial<Pick<History, 'namedBy'>>;

type OpenChapter = { -readonly [Name in keyof Chapter]: Chapter[Name] } & {
  entries: HistoryEntry[];
  /** An entry stands below an older one. */
  isMixed: boolean;
};

/** Pages under each other, newest first; neighbours of one source and trust become one chapter. */
export function chaptersOf(pages: readonly Chapter[]): readonly Chapter[] {
  const binder = new Binder();
  for (const page of pages) binder.add(page);
  return binder.chapters();
}

/** Puts pages together, one after the other, as {@link chaptersOf} does. */
export class Binder {
  readonly #chapters: OpenChapter[] = [];
  readonly #seen = new Set<string>();

  add({ trust, source, completeFrom, namedBy, entries }: Chapter): void {
    let open = this.#chapters.at(-1);
    if (open === undefined || open.trust !== trust || open.source !== source) {
      open = { trust, source, completeFrom, namedBy, entries: [], isMixed: false };
      this.#chapters.push(open);
    }
    open.completeFrom = lower(open.completeFrom, completeFrom);
    // The chapter as a whole was named by no more than its least named page.
    open.namedBy = lower(open.namedBy, namedBy);
    for (const entry of entries) {
      const id = formatHex(entry.id);
      // The newest page moves on while older ones stand: what both hold belongs to the newer.
      if (this.#seen.has(id)) continue;
      this.#seen.add(id);
      const last = open.entries.at(-1);
      open.isMixed ||= last !== undefined && newestFirst(last, entry) > 0;
      open.entries.push(entry);
    }
  }

  chapters(): readonly Chapter[] {
    return this.#chapters.map(({ isMixed, ...chapter }) =>
      isMixed ? { ...chapter, entries: chapter.entries.sort(newestFirst) } : chapter,
    );
  }
}

/** How many peers named every chapter that only peers could. */
export function namedByOf(chapters: readonly Chapter[]): number | undefined {
  const told = chapters.filter(({ source }) => source === 'peers');
  return told.length === 0 ? undefined : Math.min(...told.map(({ namedBy = 1 }) => namedBy));
}

function newestFirst(left: HistoryEntry, right: HistoryEntry): number {
  return right.height - left.height || right.index - left.index;
}

function lower<Of extends number>(left: Of | undefined, right: Of | undefined): Of | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return left < right ? left : right;
}
