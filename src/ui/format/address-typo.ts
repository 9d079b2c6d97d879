const CHARACTERS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const PREFIX_LENGTH = 4;

/**
 * Where a single wrong character is, if changing exactly one place makes the address sound in
 * exactly one way. The correction itself is not offered: it could name somebody else's account.
 *
 * @param compact Lower-case address without spaces, of the right length.
 * @param isSound Whether a text is an address.
 * @returns The place counted from 0, or nothing when it cannot be told.
 */
export function locateTypo(
  compact: string,
  isSound: (text: string) => boolean,
): number | undefined {
  let found: number | undefined;
  for (let at = PREFIX_LENGTH; at < compact.length; at++) {
    for (const character of CHARACTERS) {
      if (character === compact[at]) continue;
      if (!isSound(`${compact.slice(0, at)}${character}${compact.slice(at + 1)}`)) continue;
      if (found !== undefined && found !== at) return undefined;
      found = at;
    }
  }
  return found;
}
