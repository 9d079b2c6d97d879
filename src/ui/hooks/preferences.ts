import { create } from 'zustand';

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
