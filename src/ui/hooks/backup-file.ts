import { TabellionError } from '../../base/index.ts';
import type { Wallet } from '../../wallet/index.ts';
import { BACKUP_LENGTH_MAX, formatBackup, parseBackup } from './backup.ts';
import type { Client } from './client.ts';
import { download } from './download.ts';
import { allDrafts, writeDrafts } from './drafts.ts';
import { useLive } from './live.ts';
import {
  readCacheBytes,
  readMode,
  setTheme,
  usePreferences,
  writeCacheBytes,
  writeMode,
} from './preferences.ts';

/** The relays that this browser knows: of the network, added by its person, told by peers. */
async function knownRelays(client: Client | undefined): Promise<readonly string[]> {
  try {
    const info = await client?.call('chain.info', {});
    if (info !== undefined) return info.knownRelays ?? info.relays;
  } catch {
    // The node does not answer: what it told before is better than nothing.
  }
  return useLive.getState().chain?.knownRelays ?? [];
}

/** Saves everything that only this browser has as one file. */
export async function saveBackup(wallet: Wallet, client: Client | undefined): Promise<void> {
  const backup = {
    wallet: wallet.exportData(),
    drafts: allDrafts(),
    settings: {
      theme: usePreferences.getState().theme,
      mode: readMode(),
      cacheBytesMax: readCacheBytes(),
    },
    relays: await knownRelays(client),
  };
  const text = formatBackup(backup, new Date().toISOString());
  download('tabellion-backup.json', text, 'application/json');
}

/**
 * Adds what a saved file holds to what is here; on equal names what is here now wins. Answers
 * the relays of the file that are not known here: whom to dial is for the person to say.
 *
 * @throws TabellionError `import-malformed`, before anything was changed.
 */
export async function readBackup(
  wallet: Wallet,
  client: Client | undefined,
  file: Pick<Blob, 'size' | 'text'>,
): Promise<readonly string[]> {
  // A character has three bytes at most: what is too large is not even read.
  const text = file.size > BACKUP_LENGTH_MAX * 3 ? '' : await file.text();
  const backup = parseBackup(text);
  if (backup === undefined) throw new TabellionError('import-malformed');
  // The strictest reader goes first: it refuses the file before anything else is taken from it.
  wallet.importData(backup.wallet);
  writeDrafts({ ...backup.drafts, ...allDrafts() });
  const { theme, mode, cacheBytesMax } = backup.settings;
  if (theme !== undefined && usePreferences.getState().theme === 'system') setTheme(theme);
  if (mode !== undefined && readMode() === undefined) {
    writeMode(mode);
    await client?.call('node.configure', { mode }).catch(() => undefined);
  }
  if (cacheBytesMax !== undefined && readCacheBytes() === undefined) {
    writeCacheBytes(cacheBytesMax);
    await client?.call('node.configure', { cacheBytesMax }).catch(() => undefined);
  }
  const known = new Set(await knownRelays(client));
  return [...new Set(backup.relays)].filter((each) => !known.has(each));
}
