import { refined, text, u8 } from '../codec/index.ts';
import { DECIMALS_MAX, LABEL_BYTES_MAX, SYMBOL_LENGTH_MAX } from './limits.ts';

/** One to twelve capital letters and digits, a letter first. */
export const symbolCodec = refined<string, string>('Symbol', text({ max: SYMBOL_LENGTH_MAX }), {
  parse: (value) => (/^[A-Z][A-Z0-9]*$/.test(value) ? value : undefined),
});

/**
 * A name for people, without characters that hide or turn round what is shown: controls, and the
 * format characters of bidirectional text and zero width. Listed by number, since engines differ
 * in their Unicode tables.
 */
export const displayNameCodec = refined<string, string>(
  'DisplayName',
  text({ max: LABEL_BYTES_MAX }),
  { parse: (value) => (isPlain(value) ? value : undefined) },
);

function isPlain(value: string): boolean {
  if (value.length === 0 || value.startsWith(' ') || value.endsWith(' ')) return false;
  for (let at = 0; at < value.length; at++) {
    const unit = value.charCodeAt(at);
    const isControl = unit < 0x20 || (unit >= 0x7f && unit <= 0xa0) || unit === 0xad;
    const isFormat =
      unit === 0x061c ||
      (unit >= 0x200b && unit <= 0x200f) ||
      (unit >= 0x2028 && unit <= 0x202e) ||
      (unit >= 0x2060 && unit <= 0x206f) ||
      unit === 0xfeff;
    if (isControl || isFormat) return false;
  }
  return true;
}

/** How many digits stand behind the point: 0 to 18. */
export const decimalsCodec = refined<number, number>('Decimals', u8, {
  parse: (value) => (value <= DECIMALS_MAX ? value : undefined),
});
