import { keyLengthOf, leafWords, valueLengthOf } from './leaf.ts';
import type { Chunk } from './memory.ts';
import { chunkPool } from './memory.ts';
import type { Kind, PageRoot } from './nodes.ts';

const SCRATCH_WORDS_MIN = 64 * 1024;
/** Up to here a loop is quicker than a call. */
const LOOP_WORDS_MAX = 96;

/** Memory that is written to the end of. */
export class Growing {
  words = new Int32Array(SCRATCH_WORDS_MIN);
  used = 0;

  /** Copies words; where they begin. */
  append(source: Chunk, at: number, length: number): number {
    const to = this.used;
    this.used += length;
    while (this.used > this.words.length) {
      const grown = new Int32Array(2 * this.words.length);
      grown.set(this.words);
      this.words = grown;
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

  /** What was written, as the nodes of a page. */
  finish(kind: Kind, isWhole: boolean): PageRoot {
    const { used: length } = this;
    const chunk = chunkPool.take(length);
    chunk.words.set(this.words.subarray(0, length));
    return { chunk, length, kind, isWhole };
  }
}
