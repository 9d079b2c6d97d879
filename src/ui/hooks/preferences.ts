import { create } from 'zustand';
import type { NodeMode } from './client.ts';

export type Theme = 'system' | 'light' | 'dark';

type Preferences = { readonly theme: Theme };

const KEY = 'tabellion.theme';

function readTheme(): Theme {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === 'light' || theme === 'dark' ? theme : 'system';
  } catch {
    return 'system';
  }
}

export const usePreferences = create<Preferences>(() => ({ theme: readTheme() }));

/** Applies the chosen theme to the document; `system` leaves it to the browser. */
export function applyTheme(theme: Theme = usePreferences.getState().theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

/** Chooses and remembers a theme. */
export function setTheme(theme: Theme): void {
  usePreferences.setState({ theme });
  applyTheme(theme);
  try {
    if (theme === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Not remembered, but applied.
  }
}

const CACHE_KEY = 'tabellion.cache-bytes';

/** The memory that this person allows the node of this browser; absent: the node's default. */
export function readCacheBytes(): number | undefined {
  try {
    const bytes = Number(localStorage.getItem(CACHE_KEY) ?? '');
    return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/** Remembers the memory for the next start of the node. */
export function writeCacheBytes(bytes: number): void {
  try {
    localStorage.setItem(CACHE_KEY, String(bytes));
  } catch {
    // It holds until this node ends.
  }
}

const MODE_KEY = 'tabellion.mode';
const MODES: readonly NodeMode[] = ['light', 'full', 'archive'];

/** How much of the ledger this person chose to keep; absent: the node's default. */
export function readMode(): NodeMode | undefined {
  try {
    const mode = localStorage.getItem(MODE_KEY);
    return MODES.find((each) => each === mode);
  } catch {
    return undefined;
  }
}

/** Remembers the mode for a store that has to begin anew; an old one knows its own. */
export function writeMode(mode: NodeMode): void {
  try {
    localStorage.setItem(MODE_KEY, mode);
  } catch {
    // The node's own store still knows it.
  }
}
