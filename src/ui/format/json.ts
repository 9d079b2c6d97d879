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

/**
 * The same text in pieces, for what is large: the outermost levels are taken apart, each value
 * below them is one piece.
 */
export function* valuePieces(value: unknown, levels: number, indent = ''): Generator<string> {
  const isSimple = typeof value !== 'object' || value === null || value instanceof Uint8Array;
  const isList = Array.isArray(value);
  // A list has a place for what is nothing, an object has not.
  const members: readonly (readonly [string, unknown])[] = isSimple
    ? []
    : isList
      ? value.map((each) => ['', each ?? null])
      : Object.entries(value).flatMap(([name, each]) =>
          each === undefined ? [] : [[`${JSON.stringify(name)}: `, each]],
        );
  if (levels === 0 || members.length === 0) {
    yield valueText(value).replaceAll('\n', `\n${indent}`);
    return;
  }
  const inner = `${indent}  `;
  let before = isList ? '[' : '{';
  for (const [name, each] of members) {
    yield `${before}\n${inner}${name}`;
    yield* valuePieces(each, levels - 1, inner);
    before = ',';
  }
  yield `\n${indent}${isList ? ']' : '}'}`;
}
