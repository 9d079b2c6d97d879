import { create } from 'zustand';
import { NODE_MODES } from '../../sdk/index.ts';

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

/** A setting of the node, kept for its next start; the page remembers what it read or wrote. */
function createSetting<Value extends number | string>(
  key: string,
  parse: (text: string) => Value | undefined,
) {
  let latest: Value | undefined;
  const read = (): Value | undefined => {
    try {
      const text = localStorage.getItem(key);
      return text === null ? undefined : parse(text);
    } catch {
      return undefined; // Storage is forbidden.
    }
  };
  const write = (value: Value): void => {
    latest = value;
    try {
      localStorage.setItem(key, String(value));
    } catch {
      // It holds until this node ends.
    }
  };
  return {
    read: () => {
      const value = read();
      latest = value ?? latest;
      return value;
    },
    write,
    restore: () => {
      if (latest !== undefined && read() === undefined) write(latest);
    },
  };
}

const cacheBytes = createSetting('tabellion.cache-bytes', (text) => {
  const bytes = Number(text);
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
});

/** The memory that this person allows the node of this browser; absent: the node's default. */
export const readCacheBytes = cacheBytes.read;

/** Remembers the memory for the next start of the node. */
export const writeCacheBytes = cacheBytes.write;

const mode = createSetting('tabellion.mode', (text) => NODE_MODES.find((each) => each === text));

/** How much of the ledger this person chose to keep; absent: the node's default. */
export const readMode = mode.read;

/** Remembers the mode for a store that has to begin anew; an old one knows its own. */
export const writeMode = mode.write;

/** Writes again what the browser deleted under this page. */
export function restorePreferences(): void {
  setTheme(usePreferences.getState().theme);
  cacheBytes.restore();
  mode.restore();
}
