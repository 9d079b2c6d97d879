import type { Bytes } from '../base/index.ts';
import type { HashBuffer } from '../crypto/index.ts';

/** Memory of some nodes. */
export class Chunk implements HashBuffer {
  readonly bytes: Bytes;
  readonly words: Int32Array<ArrayBuffer>;

  constructor(words: number) {
    const buffer = new ArrayBuffer(4 * words);
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
  }
}

/**
 * Memory that is used again and again: a buffer of its own for each page took half of the time of
 * reading small ones.
 */
export class Scratch {
  #chunk = new Chunk(0);

  /** At least so many words, in which anything may stand; whatever was handed out before is void. */
  take(words: number): Chunk {
    if (this.#chunk.words.length < words) this.#chunk = new Chunk(2 * words);
    return this.#chunk;
  }
}

/** Larger chunks are rare, and left to the collector. */
export const POOLED_WORDS_MAX = 32 * 1024;
/** What waits to be used again at most, in words: 8 MB. */
const FREE_WORDS_MAX = 2 * 1024 * 1024;
const STEP_WORDS_MIN = 16;

/** Words of the chunk that holds so many: an eighth of them at most is not used. */
function sizeOf(words: number): number {
  const step = Math.max(STEP_WORDS_MIN, 1 << Math.max(0, 28 - Math.clz32(words)));
  return Math.ceil(words / step) * step;
}

/**
 * Chunks of pages that were let go of, for those that come. Making a buffer for each page that is
 * read took a sixteenth of the main thread's time at three million accounts, its collection aside.
 */
class ChunkPool {
  readonly #free = new Map<number, Chunk[]>();
  #freeWords = 0;

  /** A chunk of at least so many words, in which anything may stand. */
  take(words: number): Chunk {
    if (words > POOLED_WORDS_MAX) return new Chunk(words);
    const size = sizeOf(words);
    const chunk = this.#free.get(size)?.pop();
    if (chunk === undefined) return new Chunk(size);
    this.#freeWords -= size;
    return chunk;
  }

  /** Takes back a chunk that nobody looks into any more. */
  give(chunk: Chunk): void {
    const { length } = chunk.words;
    if (length > POOLED_WORDS_MAX || length !== sizeOf(length)) return;
    // Pages of another size than those that come: none of it would be used.
    if (this.#freeWords + length > FREE_WORDS_MAX) this.clear();
    this.#freeWords += length;
    const free = this.#free.get(length);
    if (free === undefined) this.#free.set(length, [chunk]);
    else free.push(chunk);
  }

  clear(): void {
    this.#free.clear();
    this.#freeWords = 0;
  }
}

/** One for all trees: what one lets go of another may need. */
export const chunkPool = new ChunkPool();
