import type { Blake3Lanes } from './blake3-lanes.ts';
import { LANES } from './blake3-lanes.ts';
import { SHORT_INPUT_BYTES_MAX } from './blake3-wasm.ts';
import type { HashBatch, HashBuffer } from './types.ts';

const BLOCK_BYTES = 64;
/** Up to here a loop is quicker than the engine's own copying. */
const LOOP_BYTES_MAX = 96;

/** Inputs of as many blocks, which wait until there are four. */
type Group = {
  /** Where the first begins; the others follow, `stride` apart. */
  readonly base: number;
  readonly stride: number;
  readonly blocks: number;
  readonly lengths: Int32Array;
  readonly targets: HashBuffer[];
  readonly ats: Int32Array;
  count: number;
};

type HashInto = (
  source: Uint8Array,
  from: number,
  to: number,
  target: Uint8Array,
  at: number,
) => void;

/** A batch that digests at once. */
export function immediateBatch(hashInto: HashInto): HashBatch {
  return {
    add: (source, from, to, target, at) => hashInto(source, from, to, target.bytes, at),
    addWords: (source, from, to, target, at) => hashInto(source.bytes, from, to, target.bytes, at),
    flush: () => undefined,
  };
}

/** Hands out the memory of the lanes to batches. */
export class LaneMemory {
  readonly lanes: Blake3Lanes;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  #used: number;

  constructor(lanes: Blake3Lanes) {
    this.lanes = lanes;
    this.bytes = lanes.memory;
    this.words = new Int32Array(lanes.memory.buffer);
    this.#used = lanes.inputsAt;
  }

  /** Room for four inputs of some blocks; `undefined` when there is none left. */
  take(blocks: number): number | undefined {
    const at = this.#used;
    // Four lanes, each with the zeros after it, and three bytes to begin later.
    const bytes = LANES * (blocks + 1) * BLOCK_BYTES + BLOCK_BYTES;
    if (at + bytes > this.bytes.length) return undefined;
    this.#used += bytes;
    return at;
  }
}

/** A batch that digests four inputs of as many blocks together. */
export class LaneBatch implements HashBatch {
  readonly #memory: LaneMemory;
  readonly #prefix: Uint8Array;
  readonly #skew: number;
  readonly #fallback: HashInto;
  /** By blocks. */
  readonly #groups: (Group | undefined)[] = [];

  constructor(memory: LaneMemory, prefix: Uint8Array, skew: number, fallback: HashInto) {
    this.#memory = memory;
    this.#prefix = prefix;
    this.#skew = skew;
    this.#fallback = fallback;
  }

  #groupOf(blocks: number): Group | undefined {
    return this.#groups[blocks] ?? this.#addGroup(blocks);
  }

  #addGroup(blocks: number): Group | undefined {
    const at = this.#memory.take(blocks);
    if (at === undefined) return undefined;
    // After the prefix, words of the input are words of the memory.
    const base = at + ((4 + this.#skew - (this.#prefix.length & 3)) & 3);
    const stride = (blocks + 1) * BLOCK_BYTES;
    for (let lane = 0; lane < LANES; lane++) {
      this.#memory.bytes.set(this.#prefix, base + lane * stride);
    }
    const group: Group = {
      base,
      stride,
      blocks,
      lengths: new Int32Array(LANES),
      targets: [],
      ats: new Int32Array(LANES),
      count: 0,
    };
    while (this.#groups.length < blocks) this.#groups.push(undefined);
    this.#groups[blocks] = group;
    return group;
  }

  add(source: Uint8Array, from: number, to: number, target: HashBuffer, at: number): void {
    const length = this.#prefix.length + to - from;
    const group =
      length > SHORT_INPUT_BYTES_MAX ? undefined : this.#groupOf((length + BLOCK_BYTES - 1) >> 6);
    if (group === undefined) {
      this.#fallback(source, from, to, target.bytes, at);
      return;
    }
    const { bytes } = this.#memory;
    let write = group.base + group.count * group.stride + this.#prefix.length;
    // A long input that is all of its array is copied without a view made for it.
    if (from === 0 && to === source.length && to > LOOP_BYTES_MAX) bytes.set(source, write);
    else for (let read = from; read < to; ) bytes[write++] = source[read++] ?? 0;
    this.#added(group, length, target, at);
  }

  addWords(source: HashBuffer, from: number, to: number, target: HashBuffer, at: number): void {
    const length = this.#prefix.length + to - from;
    const group =
      length > SHORT_INPUT_BYTES_MAX || (from & 3) !== this.#skew
        ? undefined
        : this.#groupOf((length + BLOCK_BYTES - 1) >> 6);
    if (group === undefined) {
      this.#fallback(source.bytes, from, to, target.bytes, at);
      return;
    }
    const memory = this.#memory;
    let write = group.base + group.count * group.stride + this.#prefix.length;
    let read = from;
    for (; (read & 3) !== 0; ) memory.bytes[write++] = source.bytes[read++] ?? 0;
    const { words } = memory;
    const { words: sourceWords } = source;
    // What the last word has too much is set to zero, or stands behind that.
    const end = (to + 3) >> 2;
    for (let here = read >> 2, there = write >> 2; here < end; ) {
      words[there++] = sourceWords[here++] ?? 0;
    }
    this.#added(group, length, target, at);
  }

  #added(group: Group, length: number, target: HashBuffer, at: number): void {
    const lane = group.count;
    group.lengths[lane] = length;
    group.targets[lane] = target;
    group.ats[lane] = at;
    group.count = lane + 1;
    if (lane + 1 === LANES) this.#digest(group);
  }

  #digest(group: Group): void {
    const { words, lanes } = this.#memory;
    const { lengths, targets, ats, count } = group;
    // A lane that is not used digests whatever stands there, in as many blocks.
    for (let lane = 0; lane < LANES; lane++) {
      words[lane] = (lane < count ? lengths[lane] : lengths[0]) ?? 0;
    }
    group.count = 0;
    lanes.hash(group.base, group.stride, group.blocks);
    for (let lane = 0; lane < count; lane++) {
      const target = targets[lane] as HashBuffer; // As many as were added.
      const { words: targetWords } = target;
      let read = (lanes.outputsAt >> 2) + 8 * lane;
      let write = (ats[lane] ?? 0) >> 2;
      for (let word = 0; word < 8; word++) targetWords[write++] = words[read++] ?? 0;
    }
  }

  flush(): void {
    for (const group of this.#groups) {
      if (group === undefined) continue;
      if (group.count > 0) this.#digest(group);
      group.targets.length = 0; // Nobody's memory is held back.
    }
  }
}
