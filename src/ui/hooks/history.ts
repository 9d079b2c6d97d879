import { useEffect, useState } from 'react';
import type { ErrorData } from '../../base/index.ts';
import { errorToData, formatHex } from '../../base/index.ts';
import { useAsk } from './ask.ts';
import type { Address, Client, History, HistoryEntry } from './client.ts';
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

  const entries = mergePages([newest.value?.entries ?? [], ...older.map((page) => page.entries)]);
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
  return { newest, entries, hasOlder: next !== undefined, loadOlder, error };
}

function mergePages(pages: readonly (readonly HistoryEntry[])[]): readonly HistoryEntry[] {
  const byId = new Map<string, HistoryEntry>();
  for (const page of pages) for (const entry of page) byId.set(formatHex(entry.id), entry);
  return [...byId.values()].sort((a, b) => b.height - a.height || b.index - a.index);
}

/** Every entry there is, page after page: exports hold all of it, not what is on the screen. */
export async function readWholeHistory(
  client: Client,
  address: Address,
  signal?: AbortSignal,
): Promise<readonly HistoryEntry[]> {
  const pages: (readonly HistoryEntry[])[] = [];
  let before: History['next'];
  do {
    const page: History = await client.call(
      'account.history',
      { address, before, limit: 100 },
      signal === undefined ? {} : { signal },
    );
    pages.push(page.entries);
    before = page.next;
  } while (before !== undefined);
  return mergePages(pages);
}
