import { formatHex } from '../../base/index.ts';

/** Readable text of any decoded value: bytes as hex, big integers as decimal digits. */
export function valueText(value: unknown): string {
  return JSON.stringify(
    value,
    (_, each: unknown) => {
      if (each instanceof Uint8Array) return formatHex(each);
      return typeof each === 'bigint' ? each.toString() : each;
    },
    2,
  );
}
