import type { Bytes } from '../base/index.ts';
import { assert } from '../base/index.ts';
import type { HashBuffer } from '../crypto/index.ts';

/** Memory of some nodes. */
export class Chunk implements HashBuffer {
  readonly bytes: Bytes;
  readonly words: Int32Array<ArrayBuffer>;

  /** @param buffer Where they lie, from byte `from` on; one of their own when absent. */
  constructor(words: number, buffer: ArrayBuffer = new ArrayBuffer(4 * words), from = 0) {
    this.bytes = new Uint8Array(buffer, from, 4 * words);
    this.words = new Int32Array(buffer, from, words);
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

/*
 * Bytes that are kept as a text of as many characters: 48 bytes for a hash, and nothing in it that
 * a collector follows, where an array takes 250.
 */

export function packed(bytes: Uint8Array): string {
  // As a list of numbers, which it is for whoever reads it.
  return String.fromCharCode.apply(undefined, bytes as unknown as number[]);
}

export function unpacked(text: string): Bytes {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/* ----------------------------------------------------------------- slabs */

const SLAB_WORDS_MIN = 1024;
const SLAB_WORDS_MAX = 256 * 1024;
/** Of all memory, what one slab takes: small trees have small ones. */
const SLAB_SHARE = 1 / 16;
/** Of a slab, what goes into it; what is larger has one of its own. */
const SHARED_SHARE = 1 / 32;
/** Slots of more words always have a slab of their own: nothing else ever comes into its memory. */
export const SHARED_WORDS_MAX = SLAB_WORDS_MAX * SHARED_SHARE;
/** Of what is used, what may lie unused between it; and what waits to be used again. */
const DEAD_SHARE = 1 / 16;
const EMPTY_SHARE = 1 / 32;
/** Of a slab, what must be unused that it is worth moving the rest. */
const DEAD_SHARE_OF_SLAB = 1 / 16;

/** A large buffer for many slots, one after the other. */
class Slab {
  readonly owner: Slabs;
  readonly chunk: Chunk;
  readonly isShared: boolean;
  /** All that were put here since it was empty. */
  slots: Slot[] = [];
  used = 0;
  live = 0;

  constructor(owner: Slabs, words: number, isShared: boolean) {
    this.owner = owner;
    this.chunk = new Chunk(words);
    this.isShared = isShared;
  }

  get words(): number {
    return this.chunk.words.length;
  }
}

/** Some bytes in a slab, wherever they are: `Slabs.settle` may move them. */
export class Slot {
  slab: Slab | undefined;
  /** Word where it begins. */
  at = 0;
  byteLength = 0;
  view: Chunk | undefined;

  /** Its memory, beginning with word 0; void after the next `settle`, or once it is freed. */
  get chunk(): Chunk {
    if (this.view !== undefined) return this.view;
    assert(this.slab !== undefined, 'a slot that holds something');
    return this.slab.owner.open(this);
  }
}

/** A copy of what a slot holds. */
export function copyOf({ slab, at, byteLength }: Slot): Bytes {
  assert(slab !== undefined, 'a slot that holds something');
  return slab.chunk.bytes.slice(4 * at, 4 * at + byteLength);
}

function wordsOf(slot: Slot): number {
  return (slot.byteLength + 3) >> 2;
}

/**
 * The memory of a tree's pages. With a buffer and two views for each page, a sixth of the main
 * thread's time at three million accounts went into making and collecting them; now there is one
 * buffer for a hundred pages, and views only of those that were read since the last block.
 *
 * Slots are put one after the other, and nothing is ever written where a slot was, nor is any
 * moved, until `settle` is called. So whoever looks into slots may do so until then, whatever comes
 * and goes meanwhile. Pages come and go in about the same order, so most slabs become empty by
 * themselves; of the others the emptiest are emptied, when too much is unused.
 */
export class Slabs {
  readonly #slabs = new Set<Slab>();
  /** Where the next slots go. */
  #current: Slab | undefined;
  /** Those in which nothing is left, as far as is known. */
  #left: Slab[] = [];
  /** Those that wait to be used again. */
  readonly #empty: Slab[] = [];
  #emptyWords = 0;
  #opened: Slot[] = [];
  /** Of all slabs, and of all slots in them. */
  #words = 0;
  #liveWords = 0;

  /** Bytes of all slabs that no slot has. */
  get spareBytes(): number {
    return 4 * (this.#words - this.#liveWords);
  }

  /** The most that may be after `settle`, were nothing else put or freed until then. */
  get spareBytesMax(): number {
    if (this.#liveWords === 0) return 0;
    return 4 * ((DEAD_SHARE + EMPTY_SHARE) * this.#liveWords + 2 * this.#size());
  }

  /** Words of the next slab. */
  #size(): number {
    const share = this.#words * SLAB_SHARE;
    return Math.min(SLAB_WORDS_MAX, Math.max(SLAB_WORDS_MIN, 1 << (31 - Math.clz32(share))));
  }

  /** Copies bytes into an empty slot. */
  put(slot: Slot, bytes: Uint8Array): void {
    assert(slot.slab === undefined && bytes.length > 0, 'an empty slot for something');
    slot.byteLength = bytes.length;
    const slab = this.#place(slot);
    // The rest of the last word: nobody looks there, but it is the same for all.
    if ((bytes.length & 3) !== 0) slab.chunk.words[slot.at + (bytes.length >> 2)] = 0;
    slab.chunk.bytes.set(bytes, 4 * slot.at);
    this.#liveWords += wordsOf(slot);
  }

  #place(slot: Slot): Slab {
    const words = wordsOf(slot);
    const slab = this.#slabFor(words);
    slot.slab = slab;
    slot.at = slab.used;
    slab.slots.push(slot);
    slab.used += words;
    slab.live += words;
    return slab;
  }

  #slabFor(words: number): Slab {
    const size = this.#size();
    if (words > size * SHARED_SHARE) return this.#add(words, false);
    const current = this.#current;
    if (current !== undefined && current.used + words <= current.words) return current;
    // Let go of between two slots: `settle` looks for it there.
    if (current?.live === 0) this.#left.push(current);
    this.#current = this.#takeEmpty(size) ?? this.#add(size, true);
    return this.#current;
  }

  #takeEmpty(words: number): Slab | undefined {
    const slab = this.#empty.pop();
    if (slab === undefined) return undefined;
    this.#emptyWords -= slab.words;
    if (slab.words === words) this.#slabs.add(slab);
    else this.#words -= slab.words; // Of when there was less, or more.
    return slab.words === words ? slab : undefined;
  }

  #add(words: number, isShared: boolean): Slab {
    const slab = new Slab(this, words, isShared);
    this.#slabs.add(slab);
    this.#words += words;
    return slab;
  }

  /** A view of a slot, until the next `settle`. */
  open(slot: Slot): Chunk {
    const { slab, at } = slot;
    assert(slab !== undefined, 'a slot that holds something');
    this.#opened.push(slot);
    slot.view = slab.isShared
      ? new Chunk(wordsOf(slot), slab.chunk.bytes.buffer, 4 * at)
      : slab.chunk;
    return slot.view;
  }

  /** Lets go of what is in a slot. */
  free(slot: Slot): void {
    const { slab } = slot;
    assert(slab !== undefined, 'a slot that holds something');
    const words = wordsOf(slot);
    slot.slab = undefined;
    slot.view = undefined;
    slab.live -= words;
    this.#liveWords -= words;
    if (slab.live === 0) this.#left.push(slab);
  }

  /** Makes all views void, and takes back what is unused. Costs what was freed and read since. */
  settle(): void {
    for (const slot of this.#opened) slot.view = undefined;
    this.#opened = [];
    for (const slab of this.#left) if (slab.live === 0) this.#takeBack(slab);
    this.#left = [];
    while (this.#deadWords() > DEAD_SHARE * this.#liveWords + this.#size()) {
      const emptiest = this.#emptiest();
      if (emptiest === undefined) break;
      this.#moveOut(emptiest);
    }
    while (this.#emptyWords > EMPTY_SHARE * this.#liveWords) {
      const { words } = this.#empty.pop() ?? { words: this.#emptyWords };
      this.#emptyWords -= words;
      this.#words -= words;
    }
  }

  /** Words between slots, where none will be put. */
  #deadWords(): number {
    const current = this.#current;
    const ahead = current === undefined ? 0 : current.words - current.used;
    return this.#words - this.#emptyWords - this.#liveWords - ahead;
  }

  #emptiest(): Slab | undefined {
    let found: Slab | undefined;
    let least = 1 - DEAD_SHARE_OF_SLAB;
    for (const slab of this.#slabs) {
      const share = slab.live / slab.words;
      if (share > least || slab === this.#current) continue;
      found = slab;
      least = share;
    }
    return found;
  }

  #moveOut(slab: Slab): void {
    for (const slot of slab.slots) {
      if (slot.slab !== slab) continue;
      const { at } = slot;
      const to = this.#place(slot);
      const words = slab.chunk.words.subarray(at, at + wordsOf(slot));
      to.chunk.words.set(words, slot.at);
    }
    this.#takeBack(slab);
  }

  /** Keeps an empty slab for slots to come, if it is as large as those that would be made. */
  #takeBack(slab: Slab): void {
    if (!this.#slabs.delete(slab)) return;
    if (slab === this.#current) this.#current = undefined;
    if (slab.isShared && slab.words === this.#size()) {
      slab.slots = [];
      slab.used = 0;
      slab.live = 0;
      this.#empty.push(slab);
      this.#emptyWords += slab.words;
    } else this.#words -= slab.words;
  }
}
