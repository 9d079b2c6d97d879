import { describe, expect, it } from 'vitest';
import { groupAddress, parseSearch, shortAddress, shortHash, wordsOf } from './text.ts';

const ADDRESS = `tab1${'qpzry9x8gf2tvdw0s3jn54khce6mua7lqpzry9x8gf2tvdw0s3jn54khce'}`;

describe('groupAddress', () => {
  it('cuts every four characters and loses none', () => {
    const groups = groupAddress(ADDRESS);
    expect(groups.join('')).toBe(ADDRESS);
    expect(groups[0]).toBe('tab1');
    expect(groups.slice(0, -1).every((group) => group.length === 4)).toBe(true);
  });
  it('keeps short and empty texts', () => {
    expect(groupAddress('')).toEqual([]);
    expect(groupAddress('ta')).toEqual(['ta']);
  });
});

describe('shortAddress and shortHash', () => {
  it('keep both ends', () => {
    expect(shortAddress(ADDRESS)).toBe('tab1 qpzr y9x8 … khce');
    expect(shortHash('0123456789abcdef')).toBe('01234567…cdef');
  });
  it('leave what is short already', () => expect(shortHash('abc')).toBe('abc'));
});

describe('parseSearch', () => {
  it('reads heights as people write them', () => {
    for (const text of ['48211', '#48,211', '48.211', "48'211", ' 48 211 ']) {
      expect(parseSearch(text)).toEqual({ kind: 'height', height: 48_211 });
    }
  });
  it('takes 64 hexadecimal digits for a hash, also all-decimal ones', () => {
    expect(parseSearch(`0x${'AB'.repeat(32)}`)).toEqual({ kind: 'hash', hex: 'ab'.repeat(32) });
    expect(parseSearch('1'.repeat(64)).kind).toBe('hash');
  });
  it('takes an address with spaces between groups', () => {
    expect(parseSearch(groupAddress(ADDRESS).join(' '))).toEqual({
      kind: 'address',
      text: ADDRESS,
    });
  });
  it('leaves everything else as words', () => {
    expect(parseSearch('Ben')).toEqual({ kind: 'words', text: 'Ben' });
    expect(parseSearch('')).toEqual({ kind: 'words', text: '' });
  });
});

describe('wordsOf', () => {
  it('spells out names of fields and codes', () => {
    expect(wordsOf('feeMax')).toBe('Fee max');
    expect(wordsOf('weight-too-low')).toBe('Weight too low');
    expect(wordsOf('asset.transferred')).toBe('Asset transferred');
  });
});
