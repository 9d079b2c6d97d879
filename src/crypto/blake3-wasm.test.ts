import { blake3 } from '@noble/hashes/blake3.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { concatBytes, encodeUtf8, formatHex } from '../base/index.ts';
import type { ShortBlake3 } from './blake3-wasm.ts';
import { compileShortBlake3, SHORT_INPUT_BYTES_MAX } from './blake3-wasm.ts';
import { hashSuite, loadFastHashing } from './hash.ts';

function sample(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 7 + length * 13 + (at >> 3)) & 255);
}

describe('the short BLAKE3', () => {
  let short: ShortBlake3;
  beforeAll(async () => {
    short = await compileShortBlake3();
  });

  test('gives the digest of the definition at every length it takes, whatever stood there', () => {
    for (let length = 0; length <= SHORT_INPUT_BYTES_MAX; length++) {
      const input = sample(length);
      short.memory.fill(0xa5);
      short.memory.set(input, short.inputsAt);
      short.hash(short.inputsAt, length);
      expect(formatHex(short.memory.subarray(0, 32))).toBe(formatHex(blake3(input)));
    }
  });

  test('has the digests of the published vectors', () => {
    // test_vectors.json of BLAKE3: input byte n is n modulo 251.
    const published: readonly (readonly [number, string])[] = [
      [0, 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262'],
      [1, '2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213'],
      [1024, '42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7'],
    ];
    for (const [length, digest] of published) {
      short.memory.set(
        Uint8Array.from({ length }, (_, at) => at % 251),
        short.inputsAt,
      );
      short.hash(short.inputsAt, length);
      expect(formatHex(short.memory.subarray(0, 32))).toBe(digest);
    }
  });
});

describe.each(['blake3-256', 'sha2-256'] as const)('hashInto of %s', (name) => {
  const suite = hashSuite(name);
  const lengths = [0, 1, 33, 64, 130, 500, 1000, 1001, 1002, 1003, 1024, 1025, 5000];

  /** Digests by both ways, of inputs on both sides of each limit. */
  function digests(): string[] {
    return lengths.flatMap((length) => {
      const input = sample(length);
      const whole = suite.hash('state-leaf', input);
      const split = suite.hash('state-leaf', input.subarray(0, 5), input.subarray(5));
      const target = new Uint8Array(40).fill(9);
      const source = concatBytes(Uint8Array.of(1, 2), input, Uint8Array.of(3));
      suite.hashInto('state-leaf', source, 2, 2 + length, target, 4);
      expect([...target.subarray(0, 4), ...target.subarray(36)]).toEqual(new Array(8).fill(9));
      expect(formatHex(target.subarray(4, 36))).toBe(formatHex(whole));
      expect(formatHex(split)).toBe(formatHex(whole));
      return formatHex(whole);
    });
  }

  test('is hash, in place, and the same before and after the fast hashing is loaded', async () => {
    const before = digests();
    await loadFastHashing();
    const tag = encodeUtf8('tabellion/state-leaf');
    const plain = concatBytes(Uint8Array.of(tag.length), tag, sample(130));
    expect(digests()).toEqual(before);
    if (name === 'blake3-256') expect(before[4]).toBe(formatHex(blake3(plain)));
  });
});
