/** `tab1` and then groups of four characters: what people can read aloud and compare. */
export function groupAddress(text: string): readonly string[] {
  const groups: string[] = [text.slice(0, 4)];
  for (let at = 4; at < text.length; at += 4) groups.push(text.slice(at, at + 4));
  return groups.filter((group) => group !== '');
}

/** The first two groups and the last one: enough to recognise, never enough to trust. */
export function shortAddress(text: string): string {
  const groups = groupAddress(text);
  if (groups.length <= 4) return groups.join(' ');
  return `${groups[0]} ${groups[1]} ${groups[2]} … ${text.slice(-4)}`;
}

/** The first and last characters of a hash. */
export function shortHash(hex: string): string {
  return hex.length <= 14 ? hex : `${hex.slice(0, 8)}…${hex.slice(-4)}`;
}

/** What a person typed into the search: where it leads. */
export type SearchTarget =
  | { readonly kind: 'height'; readonly height: number }
  | { readonly kind: 'hash'; readonly hex: string }
  | { readonly kind: 'address'; readonly text: string }
  | { readonly kind: 'words'; readonly text: string };

/** Reads a search: a height may carry `#` and group separators, a hash `0x`, an address spaces. */
export function parseSearch(input: string): SearchTarget {
  const text = input.trim();
  const compact = text.replaceAll(/\s/g, '').toLowerCase();
  const digits = compact.replace(/^#/, '').replaceAll(/[.,'’_]/g, '');
  if (/^\d{1,15}$/.test(digits)) return { kind: 'height', height: Number(digits) };
  const hex = compact.replace(/^0x/, '');
  if (/^[0-9a-f]{64}$/.test(hex)) return { kind: 'hash', hex };
  if (/^tab1[0-9a-z]{20,}$/.test(compact)) return { kind: 'address', text: compact };
  return { kind: 'words', text };
}

/** A camel-case field or kebab-case code as words: `feeMax` → `Fee max`. */
export function wordsOf(name: string): string {
  const spaced = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/[-_.]/g, ' ')
    .toLowerCase();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
