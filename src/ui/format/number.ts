const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** A size in decimal units with at most one fraction digit: `58 MB`. */
export function formatBytes(bytes: number, locale?: string): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 10 ? 0 : 1;
  return `${value.toLocaleString(locale, { maximumFractionDigits: digits })} ${UNITS[unit]}`;
}

const MEBIBYTE = 1024 * 1024;

/** Memory that a person chose, in the powers of two it is chosen in: `32 MiB`. */
export function formatMemory(bytes: number, locale?: string): string {
  return `${Math.round(bytes / MEBIBYTE).toLocaleString(locale)} MiB`;
}

/** A whole number with the separators of the reader. */
export function formatCount(count: number | bigint, locale?: string): string {
  return count.toLocaleString(locale);
}

/** `#48,211`. */
export function formatHeight(height: number, locale?: string): string {
  return `#${height.toLocaleString(locale)}`;
}

/** `1 peer`, `7 peers`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/**
 * Work done of all work, in whole percent. Never 100 while anything is missing, never below 0:
 * a person who reads 100 may act on it.
 */
export function formatPercent(done: number, all: number): number {
  if (all <= 0) return 0;
  if (done >= all) return 100;
  return Math.max(0, Math.min(99, Math.floor((100 * done) / all)));
}
