import type { Bytes } from '../base/index.ts';
import { CHUNK_END_AND_ROOT, CHUNK_START, IV, rounds } from './blake3-wasm.ts';
import { ADD, constant, get, load, moduleOf, SUBTRACT, set, tee, unsigned } from './wasm-code.ts';

/*
 * BLAKE3 of four short inputs at once: what `blake3-wasm.ts` does with words, done with vectors of
 * four words, one of each input. A third of the time for each digest, where inputs of as many
 * blocks come together, as the branches of one level of a state tree do.
 */

/** Inputs that are digested together. */
export const LANES = 4;
/** The lengths of the four inputs, in bytes, u32 LE each. */
const LENGTHS_AT = 0;
/** The four digests. */
const OUTPUTS_AT = 64;
/** The words of one block, of all inputs. */
const WORDS_AT = 256;
/** Where callers' inputs may begin. */
const INPUTS_AT = 512;
/** Room for inputs of every length under a dozen tags. */
const PAGES = 8;

// Locals: the parameters; where each input's block begins; flags; then vectors.
const BASE = 0;
const STRIDE = 1;
const BLOCKS = 2;
const POINTERS = 3;
const FLAGS = 7;
const REMAINING = 8;
const CHAIN = 9;
const STATE = 17;
const ROWS = 33;

const I32 = 0x7f;
const V128 = 0x7b;
const simd = (code: number) => [0xfd, ...unsigned(code)];
const loadVector = (offset: number) => [...simd(0x00), 0, ...unsigned(offset)];
const storeVector = (offset: number) => [...simd(0x0b), 0, ...unsigned(offset)];
const shuffle = (bytes: readonly number[]) => [...simd(0x0d), ...bytes];
const storeLane = (offset: number, lane: number) => [...simd(0x5a), 0, ...unsigned(offset), lane];
const SPLAT = simd(0x11);
const OR_VECTOR = simd(0x50);
const XOR_VECTOR = simd(0x51);
const SHIFT_LEFT = simd(0xab);
const SHIFT_RIGHT = simd(0xad);
const ADD_VECTOR = simd(0xae);
const SUBTRACT_VECTOR = simd(0xb1);

/** Four times the same word. */
function constantVector(word: number): number[] {
  const bytes = [0, 8, 16, 24].map((shift) => (word >>> shift) & 255);
  return [...simd(0x0c), ...bytes, ...bytes, ...bytes, ...bytes];
}

/** Words of two vectors, 0 to 3 of the first and 4 to 7 of the second. */
function pickWords(words: readonly number[]): number[] {
  return shuffle(words.flatMap((word) => [0, 1, 2, 3].map((byte) => 4 * word + byte)));
}

/** The top of the stack, each word turned right: by whole bytes with one shuffle. */
function turn(local: number, bits: number): number[] {
  if (bits % 8 === 0) {
    const bytes = Array.from({ length: 16 }, (_, at) => (at & 12) | ((at + bits / 8) & 3));
    return [...tee(local), ...get(local), ...shuffle(bytes), ...set(local)];
  }
  return [
    ...[...tee(local), ...constant(bits), ...SHIFT_RIGHT],
    ...[...get(local), ...constant(32 - bits), ...SHIFT_LEFT, ...OR_VECTOR, ...set(local)],
  ];
}

/** As in `blake3-wasm.ts`. */
function halfMixing(
  words: { readonly a: number; readonly b: number; readonly c: number; readonly d: number },
  word: number,
  turns: readonly [number, number],
): number[] {
  const [a, b, c, d] = [STATE + words.a, STATE + words.b, STATE + words.c, STATE + words.d];
  return [
    ...[...get(a), ...get(b), ...ADD_VECTOR, ...constant(0), ...loadVector(WORDS_AT + 16 * word)],
    ...[...ADD_VECTOR, ...tee(a), ...get(d), ...XOR_VECTOR, ...turn(d, turns[0])],
    ...[...get(c), ...get(d), ...ADD_VECTOR, ...tee(c), ...get(b), ...XOR_VECTOR],
    ...turn(b, turns[1]),
  ];
}

/** The blocks of the four inputs, word by word, to `WORDS_AT`. */
function gather(): number[] {
  const code: number[] = [];
  const mixed = (left: number, right: number, words: readonly number[]) => [
    ...get(ROWS + left),
    ...get(ROWS + right),
    ...pickWords(words),
  ];
  for (let quarter = 0; quarter < 4; quarter++) {
    for (let lane = 0; lane < LANES; lane++) {
      code.push(...get(POINTERS + lane), ...loadVector(16 * quarter), ...set(ROWS + lane));
    }
    const low = [0, 4, 1, 5];
    const high = [2, 6, 3, 7];
    code.push(...mixed(0, 1, low), ...set(ROWS + 4), ...mixed(0, 1, high), ...set(ROWS + 5));
    code.push(...mixed(2, 3, low), ...set(ROWS + 6), ...mixed(2, 3, high), ...set(ROWS + 7));
    for (let word = 0; word < 4; word++) {
      const [left, right] = word < 2 ? [4, 6] : [5, 7];
      const words = (word & 1) === 0 ? [0, 1, 4, 5] : [2, 3, 6, 7];
      code.push(...constant(0), ...mixed(left, right, words));
      code.push(...storeVector(WORDS_AT + 16 * (4 * quarter + word)));
    }
  }
  return code;
}

/** The function (base, stride, blocks). */
function body(): number[] {
  const code: number[] = [];
  for (let lane = 0; lane < LANES; lane++) {
    code.push(...get(BASE), ...set(POINTERS + lane));
    code.push(...get(BASE), ...get(STRIDE), ADD, ...set(BASE));
    for (let at = 0; at < 64; at += 16) {
      code.push(...get(POINTERS + lane), ...constant(0), ...load(LENGTHS_AT + 4 * lane), ADD);
      code.push(...constantVector(0), ...storeVector(at));
    }
  }
  code.push(...constant(0), ...loadVector(LENGTHS_AT), ...set(REMAINING));
  IV.forEach((word, at) => {
    code.push(...constantVector(word), ...set(CHAIN + at));
  });
  code.push(...constant(CHUNK_START), ...set(FLAGS), 0x03, 0x40); // loop
  code.push(...gather());
  for (let at = 0; at < 8; at++) code.push(...get(CHAIN + at), ...set(STATE + at));
  IV.slice(0, 4).forEach((word, at) => {
    code.push(...constantVector(word), ...set(STATE + 8 + at));
  });
  code.push(...constantVector(0), ...set(STATE + 12), ...constantVector(0), ...set(STATE + 13));
  // state 14 = blocks == 1 ? (flags |= …, remaining) : 64
  code.push(...get(BLOCKS), ...constant(1), 0x46, 0x04, V128); // i32.eq, if (result v128)
  code.push(...get(FLAGS), ...constant(CHUNK_END_AND_ROOT), 0x72, ...set(FLAGS), ...get(REMAINING));
  code.push(0x05, ...constantVector(64), 0x0b, ...set(STATE + 14));
  code.push(...get(FLAGS), ...SPLAT, ...set(STATE + 15));
  code.push(...rounds(halfMixing));
  for (let at = 0; at < 8; at++) {
    code.push(...get(STATE + at), ...get(STATE + 8 + at), ...XOR_VECTOR, ...set(CHAIN + at));
  }
  code.push(...constant(0), ...set(FLAGS));
  code.push(...get(REMAINING), ...constantVector(64), ...SUBTRACT_VECTOR, ...set(REMAINING));
  for (let lane = 0; lane < LANES; lane++) {
    code.push(...get(POINTERS + lane), ...constant(64), ADD, ...set(POINTERS + lane));
  }
  code.push(...get(BLOCKS), ...constant(1), SUBTRACT, ...tee(BLOCKS), 0x0d, 0, 0x0b); // br_if 0
  for (let at = 0; at < 8; at++) {
    for (let lane = 0; lane < LANES; lane++) {
      code.push(
        ...constant(0),
        ...get(CHAIN + at),
        ...storeLane(OUTPUTS_AT + 32 * lane + 4 * at, lane),
      );
    }
  }
  return code;
}

/** BLAKE3 of four short inputs at once, which stand in `memory`. */
export type Blake3Lanes = {
  /** 512 KB: lengths of the inputs at 0, digests of the last call at `outputsAt`. */
  readonly memory: Uint8Array;
  readonly outputsAt: number;
  readonly inputsAt: number;
  /**
   * Digests inputs of `blocks` blocks of 64 bytes each (1 to 16; an empty input has one), the
   * first at `base`, each `stride` after the one before; the 64 bytes after each are set to zero.
   */
  readonly hash: (base: number, stride: number, blocks: number) => void;
};

function moduleBytes(): Bytes {
  return moduleOf({
    parameters: 3,
    locals: [
      [CHAIN - 1 - BLOCKS - 1, I32],
      [1 + 8 + 16 + 8, V128],
    ],
    pages: PAGES,
    body: body(),
  });
}

/** Compiles the module; `undefined` where the engine has no vectors. */
export function compileBlake3Lanes(): Promise<Blake3Lanes | undefined> {
  const bytes = moduleBytes();
  if (!WebAssembly.validate(bytes)) return Promise.resolve(undefined);
  return WebAssembly.instantiate(bytes).then(({ instance }) => {
    // The exports that `moduleOf` names.
    const exports = instance.exports as {
      readonly hash: (base: number, stride: number, blocks: number) => void;
      readonly memory: WebAssembly.Memory;
    };
    const memory = new Uint8Array(exports.memory.buffer);
    return { memory, outputsAt: OUTPUTS_AT, inputsAt: INPUTS_AT, hash: exports.hash };
  });
}
