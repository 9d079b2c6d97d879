/** Where a reader is in a record. */
export type Cursor = { at: number };

/** A number in its one ULEB128 form, at most `max` and below 2^21; -1 when there is none. */
export function readLength(bytes: Uint8Array, cursor: Cursor, max: number): number {
  const first = bytes[cursor.at++] ?? 256; // Above every byte: the end.
  if (first < 0x80) return first <= max ? first : -1;
  let value = first & 0x7f;
  for (let shift = 7; shift <= 14; shift += 7) {
    const byte = bytes[cursor.at++] ?? 256;
    if (byte === 256) return -1;
    value |= (byte & 0x7f) << shift;
    if (byte >= 0x80) continue;
    return byte === 0 || value > max ? -1 : value;
  }
  return -1;
}
