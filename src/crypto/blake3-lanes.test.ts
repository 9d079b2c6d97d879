import { blake3 } from '@noble/hashes/blake3.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { concatBytes, defined, formatHex } from '../base/index.ts';
import type { Blake3Lanes } from './blake3-lanes.ts';
import { compileBlake3Lanes, LANES } from './blake3-lanes.ts';
import { hashSuite, loadFastHashing } from './hash.ts';
import type { HashBuffer, HashTag } from './types.ts';

function sample(length: number, seed: number): Uint8Array {
  return Uint8Array.from(
    { length },
    (_, at) => (at * 7 + length * 13 + seed * 31 + (at >> 3)) & 255,
  );
}

function bufferOf(bytes: number): HashBuffer {
  const buffer = new ArrayBuffer(bytes);
  return { bytes: new Uint8Array(buffer), words: new Int32Array(buffer) };
}

describe('BLAKE3 in lanes', () => {
  let lanes: Blake3Lanes;
  beforeAll(async () => {
    lanes = defined(await compileBlake3Lanes(), 'this engine has vectors');
  });

  test('gives four digests of the definition at every length, whatever stood there', () => {
    const lengths = new DataView(lanes.memory.buffer);
    for (let blocks = 1; blocks <= 16; blocks++) {
      for (let least = 1; least <= 64; least++) {
        lanes.memory.fill(0xa5);
        // Lengths of their own in every lane, all of as many blocks; each place not a word's.
        const inputs = Array.from({ length: LANES }, (_, lane) => {
          const last = blocks === 1 ? (least + 17 * lane) % 65 : ((least + 17 * lane) % 64) + 1;
          return sample(64 * (blocks - 1) + last, lane);
        });
        const base = lanes.inputsAt + (least & 3);
        const stride = 64 * blocks + 64;
        inputs.forEach((input, lane) => {
          lanes.memory.set(input, base + lane * stride);
          lengths.setUint32(4 * lane, input.length, true);
        });
        lanes.hash(base, stride, blocks);
        inputs.forEach((input, lane) => {
          const at = lanes.outputsAt + 32 * lane;
          expect(formatHex(lanes.memory.subarray(at, at + 32))).toBe(formatHex(blake3(input)));
        });
      }
    }
  });
});

describe.each(['blake3-256', 'sha2-256'] as const)('batches of %s', (name) => {
  const suite = hashSuite(name);

  /** Digests of inputs of all lengths by a batch, in an order that mixes them, as `hash` has them. */
  function check(tag: HashTag, skew: number, inputs: readonly Uint8Array[]): void {
    const batch = suite.batch(tag, skew);
    const target = bufferOf(40 * inputs.length);
    target.bytes.fill(9);
    inputs.forEach((input, at) => {
      const source = bufferOf((skew + input.length + 7) & ~3);
      source.bytes.set(input, skew);
      const end = skew + input.length;
      if (at % 3 === 0)
        batch.add(concatBytes(Uint8Array.of(5), input), 1, 1 + input.length, target, 40 * at);
      else batch.addWords(source, skew, end, target, 40 * at);
      source.bytes.fill(0); // Inputs are copied when they are added.
    });
    batch.flush();
    inputs.forEach((input, at) => {
      const digest = target.bytes.subarray(40 * at, 40 * at + 32);
      expect(formatHex(digest)).toBe(formatHex(suite.hash(tag, input)));
      expect([...target.bytes.subarray(40 * at + 32, 40 * at + 40)]).toEqual(new Array(8).fill(9));
    });
  }

  function checkAll(): void {
    const all = Array.from({ length: 700 }, (_, at) => sample((at * 37) % 1100, at));
    check('state-leaf', 0, all);
    check('state-branch', 2, all);
    check('state-path', 0, all.slice(0, 3));
    check('state-path', 0, []);
    // More tags than there is memory for: the rest is digested one by one.
    for (const tag of ['block', 'key', 'asset', 'journal'] as const) check(tag, 0, all);
  }

  test('are hash, whatever comes together, before and after fast hashing is loaded', async () => {
    if (name === 'blake3-256') checkAll();
    await loadFastHashing();
    checkAll();
  });
});
