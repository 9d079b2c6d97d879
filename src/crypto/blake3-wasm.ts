import type { Bytes } from '../base/index.ts';
import {
  ADD,
  constant,
  get,
  load,
  moduleOf,
  ROTATE_RIGHT,
  SUBTRACT,
  set,
  store,
  tee,
  unsigned,
  XOR,
} from './wasm-code.ts';

/*
 * BLAKE3 of inputs up to one chunk (1,024 bytes), as a WebAssembly module that is written here
 * instruction by instruction: the inputs of a state tree have 50 to 600 bytes, and general-purpose
 * bindings spent more on resetting, copying and fresh arrays than on compressing.
 *
 * Source: BLAKE3 specification (O'Connor, Aumasson, Neves, Wilcox-O'Hearn), §2.2 to §2.4: one
 * chunk is a chain of compressions whose first has CHUNK_START and whose last has CHUNK_END, and
 * ROOT, since it is the whole input. Longer inputs are a tree and not done here.
 */

/** The longest input: one chunk. */
export const SHORT_INPUT_BYTES_MAX = 1024;
/** Where the digest of 32 bytes is written. */
const OUTPUT_AT = 0;
/** Where callers' inputs may begin. */
const INPUTS_AT = 64;

export const IV = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];
const PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
/** The words of the state that each of the eight mixings of a round takes. */
const MIXINGS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;
const ROUNDS = 7;
export const CHUNK_START = 1;
export const CHUNK_END_AND_ROOT = 2 | 8;

// Locals: the parameters, then the chaining value and the state.
const POINTER = 0;
const REMAINING = 1;
const FLAGS = 2;
const BLOCK_LENGTH = 3;
const CHAIN = 4;
const STATE = 12;
const LOCALS_DECLARED = 2 + 8 + 16;

/** a += b + word; d = (d ^ a) >>> n: the first half of a mixing, and the second one. */
function halfMixing(
  words: { readonly a: number; readonly b: number; readonly c: number; readonly d: number },
  word: number,
  turns: readonly [number, number],
): number[] {
  const [a, b, c, d] = [STATE + words.a, STATE + words.b, STATE + words.c, STATE + words.d];
  return [
    ...[...get(a), ...get(b), ADD, ...get(POINTER), ...load(4 * word), ADD, ...tee(a)],
    ...[...get(d), XOR, ...constant(turns[0]), ROTATE_RIGHT, ...tee(d)],
    ...[...get(c), ADD, ...tee(c), ...get(b), XOR, ...constant(turns[1]), ROTATE_RIGHT, ...set(b)],
  ];
}

/** Code of one half of a mixing: which words of the state, which word of the block, which turns. */
export type HalfMixing = (
  words: { readonly a: number; readonly b: number; readonly c: number; readonly d: number },
  word: number,
  turns: readonly [number, number],
) => number[];

/** Seven rounds over the state, with the words of the block; alike for one lane and for four. */
export function rounds(halfMixing: HalfMixing): number[] {
  const code: number[] = [];
  let order = Array.from({ length: 16 }, (_, word) => word);
  for (let round = 0; round < ROUNDS; round++) {
    MIXINGS.forEach(([a, b, c, d], at) => {
      // Both inside the sixteen words.
      const [first, second] = [order[2 * at] as number, order[2 * at + 1] as number];
      code.push(...halfMixing({ a, b, c, d }, first, [16, 12]));
      code.push(...halfMixing({ a, b, c, d }, second, [8, 7]));
    });
    order = PERMUTATION.map((from) => order[from] as number);
  }
  return code;
}

/** The function (pointer, length): zeros after the input up to a block, then the chain. */
function body(): number[] {
  const code: number[] = [];
  for (let at = 0; at < 64; at += 8) {
    // i64.store (pointer + length + at) = 0
    code.push(...get(POINTER), ...get(REMAINING), ADD, 0x42, 0, 0x37, 0, ...unsigned(at));
  }
  IV.forEach((word, at) => {
    code.push(...constant(word), ...set(CHAIN + at));
  });
  code.push(...constant(CHUNK_START), ...set(FLAGS), 0x03, 0x40); // loop
  // blockLength = remaining <= 64 ? (flags |= …, remaining) : 64
  code.push(...get(REMAINING), ...constant(64), 0x4d, 0x04, 0x7f); // i32.le_u, if (result i32)
  code.push(...get(FLAGS), ...constant(CHUNK_END_AND_ROOT), 0x72, ...set(FLAGS), ...get(REMAINING));
  code.push(0x05, ...constant(64), 0x0b, ...set(BLOCK_LENGTH));
  for (let at = 0; at < 8; at++) code.push(...get(CHAIN + at), ...set(STATE + at));
  IV.slice(0, 4).forEach((word, at) => {
    code.push(...constant(word), ...set(STATE + 8 + at));
  });
  code.push(...constant(0), ...set(STATE + 12), ...constant(0), ...set(STATE + 13));
  code.push(...get(BLOCK_LENGTH), ...set(STATE + 14), ...get(FLAGS), ...set(STATE + 15));
  code.push(...rounds(halfMixing));
  for (let at = 0; at < 8; at++) {
    code.push(...get(STATE + at), ...get(STATE + 8 + at), XOR, ...set(CHAIN + at));
  }
  code.push(...constant(0), ...set(FLAGS), ...get(POINTER), ...constant(64), ADD, ...set(POINTER));
  code.push(...get(REMAINING), ...get(BLOCK_LENGTH), SUBTRACT, ...tee(REMAINING));
  code.push(0x0d, 0, 0x0b); // br_if 0, end
  for (let at = 0; at < 8; at++) {
    code.push(...constant(OUTPUT_AT), ...get(CHAIN + at), ...store(4 * at));
  }
  return code;
}

/** The bytes of the module: about 6 KB. */
function moduleBytes(): Bytes {
  return moduleOf({ parameters: 2, locals: [[LOCALS_DECLARED, 0x7f]], pages: 1, body: body() });
}

/** BLAKE3 of short inputs that stand in `memory`. */
export type ShortBlake3 = {
  /** 64 KB; the digest of the last call begins at 0, inputs at 64 or later. */
  readonly memory: Uint8Array;
  readonly inputsAt: number;
  /**
   * Digests `length` bytes (at most 1,024) at `pointer`; the 64 bytes after them are set to zero.
   */
  readonly hash: (pointer: number, length: number) => void;
};

/** Compiles the module. */
export function compileShortBlake3(): Promise<ShortBlake3> {
  return WebAssembly.instantiate(moduleBytes()).then(({ instance }) => {
    // The exports that `moduleBytes` names.
    const exports = instance.exports as {
      readonly hash: (pointer: number, length: number) => void;
      readonly memory: WebAssembly.Memory;
    };
    const { hash } = exports;
    return { memory: new Uint8Array(exports.memory.buffer), inputsAt: INPUTS_AT, hash };
  });
}
