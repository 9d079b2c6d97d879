import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileSha256, sha256 } from './sha256.ts';

const inputs = Array.from({ length: 300 }, (_, length) =>
  Uint8Array.from({ length }, (_value, at) => (at * 31 + length) & 255),
);

describe('SHA-256', () => {
  it('is the same before the fast one is there', () => {
    for (const input of inputs) expect(sha256(input)).toEqual(new Uint8Array(nobleSha256(input)));
  });

  describe('in WebAssembly', () => {
    beforeAll(() => compileSha256());

    it('equals the JavaScript one at every length, each digest in bytes of its own', () => {
      const digests = inputs.map((input) => sha256(input));
      for (const [at, input] of inputs.entries()) {
        expect(digests[at]).toEqual(new Uint8Array(nobleSha256(input)));
      }
    });
  });
});
