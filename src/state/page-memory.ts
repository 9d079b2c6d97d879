import type { Bytes } from '../base/index.ts';
import { assert } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Chunk, Slabs } from './memory.ts';
import { copyOf, packed, Slot, unpacked } from './memory.ts';
import type { Kind } from './nodes.ts';
import { Reads } from './reads.ts';

/** Nodes of a page, the topmost of them at the beginning of a chunk. */
export type Nodes = {
  readonly chunk: Chunk;
  /** Words of the chunk that are used. */
  readonly length: number;
  readonly kind: Kind;
  /** Or not all of them are there, as a rule those that were changed last: others are `INSIDE`. */
  readonly isWhole: boolean;
};

/** Nodes that a page has in memory. */
export class PageRoot extends Slot implements Nodes {
  readonly kind: Kind;
  readonly isWhole: boolean;

  constructor(slabs: Slabs, { chunk, length, kind, isWhole }: Nodes) {
    super();
    this.kind = kind;
    this.isWhole = isWhole;
    slabs.put(this, chunk.bytes.subarray(0, 4 * length));
  }

  get length(): number {
    return this.byteLength >> 2;
  }
}

/** What of a page is to be in memory. */
export type PageMemory = {
  readonly root: Nodes;
  /** Where what `root` has not is found, by its path: an earlier state of the page, whole. */
  readonly under: PageRoot | undefined;
};

/** Where pages of a tree have their memory, and how many bytes of it they take. */
export type PageAccount = { readonly slabs: Slabs; bytes: number };

/** Objects of a page that is in memory, and of what changed in it; measured. */
const ROOT_OVERHEAD = 120;
const DELTA_OVERHEAD = 88;

const DIGIT_0 = 48;
const LETTER_A = 97;

/** A prefix in text, for maps and messages. */
export function prefixText(prefix: ArrayLike<number>): string {
  let text = '';
  for (let depth = 0; depth < prefix.length; depth++) text += (prefix[depth] ?? 0).toString(16);
  return text;
}

/**
 * All leaves below a prefix, as the store keeps them. Shared by all versions of the tree that have
 * this content, so loading it once loads it for all. There are as many as the state has pages,
 * loaded or not: so they are small, and of few objects each.
 */
export class Page {
  /** One hexadecimal digit a nibble. */
  readonly prefixText: string;
  readonly weight: number;
  readonly count: number;
  readonly #hash: string;
  /** The checkpoint that wrote the record of its leaves. */
  generation: number;
  /** The checkpoint that wrote what changed since, a record of its own; 0: nothing did. */
  deltaGeneration: number;
  isStored: boolean;
  /** Of the page of this prefix, whatever became of it; `undefined` when none was noted. */
  reads: Reads | undefined;
  #root: PageRoot | undefined;
  #under: PageRoot | undefined;
  #delta: Slot | undefined;
  #compact: (() => PageMemory | undefined) | undefined;
  #account: PageAccount | undefined;
  /** Whether the head is made of it. */
  isCurrent = false;
  /** Whether blocks changed it since the last plan: the head finds nodes inside of it. */
  isChanged = false;
  /** Whether what follows it, or may, has to know how it differs from its record. */
  isDeltaNeeded = false;
  /** Whether no version has it any more. */
  #isGone = false;
  /** Number of the last plan of a checkpoint that writes it; 0: none does. */
  plannedIn = 0;
  /** When it was last read, and how it stood when it was put in the queue of those to evict. */
  usedAt = 0;
  queuedAt = 0;
  /** What it then had in memory, where that was only a part. */
  queuedBytes = 0;

  constructor(fields: {
    readonly prefix: Bytes;
    readonly generation: number;
    readonly deltaGeneration: number;
    readonly weight: number;
    readonly count: number;
    readonly hash: Hash;
    readonly isStored: boolean;
  }) {
    this.prefixText = prefixText(fields.prefix);
    this.generation = fields.generation;
    this.deltaGeneration = fields.deltaGeneration;
    this.weight = fields.weight;
    this.count = fields.count;
    this.#hash = packed(fields.hash);
    this.isStored = fields.isStored;
  }

  get hash(): Hash {
    return unpacked(this.#hash) as Hash; // It was given as one.
  }

  /** One nibble a byte; made anew each time, for whoever needs more of it than `nibble` tells. */
  get prefix(): Bytes {
    const nibbles = new Uint8Array(this.depth);
    for (let at = 0; at < nibbles.length; at++) nibbles[at] = this.nibble(at);
    return nibbles;
  }

  /** Nibbles of its prefix. */
  get depth(): number {
    return this.prefixText.length;
  }

  /** One of them; `depth` is below theirs. */
  nibble(depth: number): number {
    const digit = this.prefixText.charCodeAt(depth);
    return digit < LETTER_A ? digit - DIGIT_0 : digit - LETTER_A + 10;
  }

  /** Notes that a leaf of it was read in the version of a height. */
  noteRead(path: Uint8Array, height: number): void {
    this.reads ??= new Reads();
    this.reads.note(path, this.depth, height);
  }

  /** Whether some of its nodes are in memory. */
  get isLoaded(): boolean {
    return this.#root !== undefined || this.#compact !== undefined;
  }

  /** Its topmost node, where that is in memory. */
  get root(): PageRoot | undefined {
    if (this.#compact !== undefined) this.#make(this.#compact);
    return this.#root;
  }

  /** Where what `root` has not is found, by its path: an earlier state of it, whole. */
  get under(): PageRoot | undefined {
    if (this.#compact !== undefined) this.#make(this.#compact);
    return this.#under;
  }

  #make(compact: () => PageMemory | undefined): void {
    this.#compact = undefined;
    const memory = compact();
    if (memory !== undefined) this.remember(memory);
  }

  /** All of its nodes as they are, or were before the last changes. */
  get whole(): PageRoot | undefined {
    const { root } = this;
    return root?.isWhole === true ? root : this.#under;
  }

  /** Whether only a part of it is in memory. */
  get isPartly(): boolean {
    return this.#root !== undefined && !this.#root.isWhole && this.#under === undefined;
  }

  /** What it has in memory. */
  get memory(): { readonly root: PageRoot; readonly under: PageRoot | undefined } | undefined {
    const { root } = this;
    return root === undefined ? undefined : { root, under: this.#under };
  }

  /** Bytes of what is in memory. */
  get memoryBytes(): number {
    let bytes = 0;
    if (this.#root !== undefined) bytes += ROOT_OVERHEAD + 4 * this.#root.length;
    if (this.#under !== undefined) bytes += ROOT_OVERHEAD + 4 * this.#under.length;
    return bytes + this.deltaMemoryBytes;
  }

  /** Of that, what the record of its changes takes. */
  get deltaMemoryBytes(): number {
    const { deltaBytes } = this;
    return deltaBytes === undefined ? 0 : DELTA_OVERHEAD + ((deltaBytes + 3) & ~3);
  }

  #slabs(): Slabs {
    assert(this.#account !== undefined, 'a page of a tree');
    return this.#account.slabs;
  }

  #count(bytesBefore: number): void {
    if (this.#account !== undefined) this.#account.bytes += this.memoryBytes - bytesBefore;
  }

  /** Has its memory there, and counts it there, from now on. */
  countIn(account: PageAccount): void {
    const bytes = this.memoryBytes;
    if (this.#account !== undefined) {
      assert(this.#account.slabs === account.slabs || bytes === 0, 'memory stays where it is');
      this.#account.bytes -= bytes;
    }
    this.#account = account;
    account.bytes += bytes;
  }

  /** A copy of the record of what changed since its leaves were written, where that is known. */
  get delta(): Bytes | undefined {
    return this.#delta && copyOf(this.#delta);
  }

  set delta(delta: Uint8Array | undefined) {
    const before = this.memoryBytes;
    if (this.#delta !== undefined) this.#slabs().free(this.#delta);
    this.#delta = undefined;
    if (delta !== undefined) {
      this.#delta = new Slot();
      this.#slabs().put(this.#delta, delta);
    }
    this.#count(before);
  }

  /** Bytes of that; `undefined` where it is not known. */
  get deltaBytes(): number | undefined {
    return this.#delta?.byteLength;
  }

  /** Takes nodes over from another page, or copies them to where it has its memory. */
  remember({ root, under }: PageMemory): void {
    const before = this.memoryBytes;
    this.#letGo({ root, under });
    this.#root = root instanceof PageRoot ? root : new PageRoot(this.#slabs(), root);
    this.#under = under;
    this.#count(before);
  }

  /** Gives its nodes to another page, of which they are from now on. */
  handOver(memory: PageMemory | undefined): void {
    const before = this.memoryBytes;
    this.#letGo(memory);
    this.#count(before);
  }

  /** Lets go of what is not part of what is kept. */
  #letGo(kept: PageMemory | undefined): void {
    for (const root of [this.#root, this.#under]) {
      if (root !== undefined && root !== kept?.root && root !== kept?.under) {
        this.#slabs().free(root);
      }
    }
    this.#root = undefined;
    this.#under = undefined;
    this.#compact = undefined;
  }

  /** Gives it nodes that are made when they are first asked for, or found to be nowhere. */
  rememberLater(compact: () => PageMemory | undefined): void {
    this.#compact = compact;
  }

  /**
   * Lets go of what follows from its leaves' record and from what changed, where that is known: of
   * an earlier state first, if there is one.
   */
  forgetRecorded(): void {
    const before = this.memoryBytes;
    if (this.#under !== undefined) {
      this.#slabs().free(this.#under);
      this.#under = undefined;
    } else if (this.#root !== undefined && this.#delta !== undefined) this.#letGo(undefined);
    this.#count(before);
  }

  /** Lets go of its nodes, and of what else is found again where it is stored. */
  forget(): void {
    this.handOver(undefined);
    // That record is stored for the head; for older versions it may be here alone.
    if ((this.isCurrent || this.#isGone) && !this.isDeltaNeeded) this.delta = undefined;
  }

  /**
   * Notes that what follows it knows how it differs from its record; older versions, for which it
   * is counted from now on, may still ask for that.
   */
  release(account: PageAccount): void {
    this.countIn(account);
    this.isDeltaNeeded = false;
    if (this.#isGone) this.delta = undefined;
  }

  /** Notes that no version has it any more. */
  leaveVersions(): void {
    this.#isGone = true;
    this.forget();
    if (!this.isDeltaNeeded) this.delta = undefined;
  }
}
