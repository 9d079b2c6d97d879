import { keyLengthOf, leafWords, valueLengthOf } from './leaf.ts';
import { Chunk } from './memory.ts';
import type { Kind, Nodes } from './nodes.ts';

const SCRATCH_WORDS_MIN = 64 * 1024;
/** Up to here a loop is quicker than a call. */
const LOOP_WORDS_MAX = 96;

/** Memory that is written to the end of. */
export class Growing {
  chunk = new Chunk(SCRATCH_WORDS_MIN);
  used = 0;

  get words(): Int32Array {
    return this.chunk.words;
  }

  /** Copies words; where they begin. */
  append(source: Chunk, at: number, length: number): number {
    const to = this.used;
    this.used += length;
    while (this.used > this.words.length) {
      const grown = new Chunk(2 * this.words.length);
      grown.words.set(this.words);
      this.chunk = grown;
    }
    const { words } = this;
    const { words: from } = source;
    if (length > LOOP_WORDS_MAX) words.set(from.subarray(at, at + length), to);
    else for (let word = 0; word < length; word++) words[to + word] = from[at + word] ?? 0;
    return to;
  }

  appendLeaf(source: Chunk, at: number): number {
    return this.append(source, at, leafWords(keyLengthOf(source, at), valueLengthOf(source, at)));
  }

  /** What was written, as the nodes of a page; void as soon as something else is. */
  finish(kind: Kind, isWhole: boolean): Nodes {
    return { chunk: this.chunk, length: this.used, kind, isWhole };
  }
}
