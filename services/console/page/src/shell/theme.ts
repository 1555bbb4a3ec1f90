/** Light, dark, or as the system has it; remembered. */

export type Theme = 'system' | 'light' | 'dark';

const THEME_KEY = 'countersign.theme';

/** The one chosen before, put on at once. */
export function firstTheme(): Theme {
  const kept = localStorage.getItem(THEME_KEY);
  const theme = kept === 'light' || kept === 'dark' ? kept : 'system';
  putOn(theme);
  return theme;
}

/** Shows and remembers it. */
export function putOn(theme: Theme): void {
  if (theme === 'system') {
    delete document.documentElement.dataset['theme'];
    localStorage.removeItem(THEME_KEY);
  } else {
    document.documentElement.dataset['theme'] = theme;
    localStorage.setItem(THEME_KEY, theme);
  }
}

const after: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };

export function nextTheme(theme: Theme): Theme {
  return after[theme];
}
