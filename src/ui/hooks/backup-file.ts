import { TabellionError } from '../../base/index.ts';
import type { Wallet } from '../../wallet/index.ts';
import { formatBackup, parseBackup } from './backup.ts';
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

/** Saves everything that only this browser has as one file. */
export function saveBackup(wallet: Wallet): void {
  const backup = {
    wallet: wallet.exportData(),
    drafts: allDrafts(),
    settings: {
      theme: usePreferences.getState().theme,
      mode: readMode(),
      cacheBytesMax: readCacheBytes(),
    },
    relays: useLive.getState().chain?.relays ?? [],
  };
  const text = formatBackup(backup, new Date().toISOString());
  download('tabellion-backup.json', text, 'application/json');
}

/**
 * Adds what a saved file holds to what is here; on equal names what is here now wins.
 *
 * @throws TabellionError `import-malformed`, before anything was changed.
 */
export async function readBackup(
  wallet: Wallet,
  client: Client | undefined,
  text: string,
): Promise<void> {
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
  const known = new Set(useLive.getState().chain?.relays ?? []);
  for (const multiaddr of backup.relays.filter((each) => !known.has(each))) {
    // A relay that is gone is no reason to refuse the rest; the node dials in its own time.
    void client?.call('node.addRelay', { multiaddr }).catch(() => undefined);
  }
}
