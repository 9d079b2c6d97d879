import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressCodec, formatAddress, parseAddress } from '../../sdk/index.ts';
import { locateTypo } from './address-typo.ts';

const isSound = (text: string) => parseAddress(text).ok;
const CHARACTERS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

describe('locateTypo', () => {
  it('finds the place of one wrong character', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.integer({ min: 4, max: 61 }),
        fc.integer({ min: 1, max: 31 }),
        (bytes, at, shift) => {
          const address = addressCodec.fromJson(
            formatAddress(new Uint8Array(bytes) as Parameters<typeof formatAddress>[0]),
            '',
          );
          const text = formatAddress(address);
          const place = CHARACTERS.indexOf(text.charAt(at));
          const wrong = CHARACTERS.charAt((place + shift) % 32);
          const mistyped = `${text.slice(0, at)}${wrong}${text.slice(at + 1)}`;
          expect(isSound(mistyped)).toBe(false);
          expect(locateTypo(mistyped, isSound)).toBe(at);
        },
      ),
      { numRuns: 20 },
    );
  });
  it('says nothing when no single change would do', () => {
    expect(locateTypo(`tab1${'q'.repeat(58)}`, isSound)).toBeUndefined();
  });
  it('says nothing when two places could be meant', () => {
    const either = (text: string) => text === 'tab1xq' || text === 'tab1qx';
    expect(locateTypo('tab1qq', either)).toBeUndefined();
  });
});
