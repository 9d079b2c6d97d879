import type { Json } from '../../base/index.ts';

/** A JSON value in words where there are any: what is empty, a switch, digits in groups. */
export function parameterText(value: Json, locale?: string): string | undefined {
  if (value === null || (Array.isArray(value) && value.length === 0)) return 'None';
  if (typeof value === 'boolean') return value ? 'Yes' : 'No';
  if (typeof value === 'number') return value.toLocaleString(locale);
  if (typeof value !== 'string') return undefined;
  return /^\d{1,39}$/.test(value) ? BigInt(value).toLocaleString(locale) : value;
}
