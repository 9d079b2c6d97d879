// Instructions and sections of WebAssembly modules written by hand (specification 2.0, §5).

/** Unsigned LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest & 127) | 128);
  }
}

/** Signed LEB128 of 32 bits. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value | 0; ; rest >>= 7) {
    const low = rest & 127;
    if ((rest >> 7 === 0 && (low & 64) === 0) || (rest >> 7 === -1 && (low & 64) !== 0)) {
      return [...bytes, low];
    }
    bytes.push(low | 128);
  }
}

export const get = (local: number) => [0x20, ...unsigned(local)];
export const set = (local: number) => [0x21, ...unsigned(local)];
export const tee = (local: number) => [0x22, ...unsigned(local)];
export const constant = (value: number) => [0x41, ...signed(value)];
export const load = (offset: number) => [0x28, 0, ...unsigned(offset)];
export const store = (offset: number) => [0x36, 0, ...unsigned(offset)];
export const ADD = 0x6a;
export const SUBTRACT = 0x6b;
export const XOR = 0x73;
export const ROTATE_RIGHT = 0x78;

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function name(text: string): number[] {
  return [text.length, ...Array.from(text, (character) => character.charCodeAt(0))];
}

/**
 * A module of one function, exported as `hash` beside its `memory`.
 *
 * @param parts.parameters How many there are, of type i32; the function returns nothing.
 * @param parts.locals Counts and types of the locals after them.
 * @param parts.pages Size of the memory, in pages of 64 KB.
 */
export function moduleOf(parts: {
  readonly parameters: number;
  readonly locals: readonly (readonly [count: number, type: number])[];
  readonly pages: number;
  readonly body: readonly number[];
}): Uint8Array<ArrayBuffer> {
  const locals = parts.locals.flatMap(([count, type]) => [...unsigned(count), type]);
  const code = [parts.locals.length, ...locals, ...parts.body, 0x0b];
  const parameters = new Array<number>(parts.parameters).fill(0x7f);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, parameters.length, ...parameters, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 1, parts.pages, parts.pages]),
    ...section(7, [2, ...name('hash'), 0, 0, ...name('memory'), 2, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ]);
}
