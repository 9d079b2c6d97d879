import type { Wallet } from '../../wallet/index.ts';
import { allDrafts, restoreDrafts } from './drafts.ts';
import { useLive } from './live.ts';
import { restorePreferences } from './preferences.ts';

/**
 * Writes again what only this browser has, whenever the node finds that the browser deleted data
 * under the page: what a person still sees is then kept indeed. Returns what ends it.
 */
export function keepPersonalData(wallet: Pick<Wallet, 'state' | 'exportData' | 'importData'>) {
  allDrafts(); // Known from now on, whether or not a form is opened.
  let handledAtMs = -1;
  return useLive.subscribe(({ status }) => {
    const event = status?.storage;
    if (event === undefined || event.atMs <= handledAtMs) return;
    handledAtMs = event.atMs;
    if (event.kind !== 'wiped' && event.kind !== 'partly-wiped') return;
    const { accounts, contacts } = wallet.state();
    try {
      // Entering what is known anyway writes it; an empty notebook says nothing worth keeping.
      if (accounts.length + contacts.length > 0) wallet.importData(wallet.exportData());
    } catch {
      // Storage is full or forbidden: it lives as long as its page.
    }
    restoreDrafts();
    restorePreferences();
  });
}
