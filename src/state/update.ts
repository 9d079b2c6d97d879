import { assert, defined } from '../base/index.ts';
import type { Hash, HashSuite } from '../crypto/index.ts';
import { MissingKey } from '../ledger/index.ts';
import { Hashing } from './hashing.ts';
import type { Items } from './items.ts';
import {
  isBelow,
  isSamePath,
  keyLengthOf,
  nibbleOf,
  pathWord,
  valueLengthOf,
  weightOfLeaf,
} from './leaf.ts';
import { PATH_NIBBLES } from './limits.ts';
import type { Chunk, Kind, Page, Ref } from './nodes.ts';
import {
  Arena,
  BRANCH,
  bitCount,
  bitmapOf,
  branchCount,
  branchWeight,
  branchWords,
  childPlace,
  hashWord,
  isUpper,
  kindOfChild,
  LEAF,
  NOTHING,
  PAGE,
  placeWord,
  setKindOfChild,
  Table,
  totalsOf,
  writeBitmap,
  writeTotals,
} from './nodes.ts';

/** A node that stays where items are put beside it. */
type Staying = Ref & {
  /** Where its path, or its page's prefix with zeros after it, begins. */
  readonly path: Uint8Array;
  readonly pathAt: number;
};

/** Children of a branch in the making, by nibble. */
class Slots {
  readonly kinds: Kind[] = new Array(16).fill(NOTHING);
  readonly chunks = new Int32Array(16);
  readonly ats = new Int32Array(16);
  /** Words where the hashes of children stand that have one, in `hashes`; -1 for others. */
  readonly hashAts = new Int32Array(16);

  clear(): void {
    this.kinds.fill(NOTHING);
    this.hashAts.fill(-1);
  }
}

/**
 * Makes new versions of trees. Nodes are never changed: whatever is touched is made anew, the rest
 * is shared with the tree before.
 */
export class Builder {
  readonly #hashing: Hashing;
  readonly #slots: (Slots | undefined)[] = [];
  #table: Table;
  #arena: Arena;
  // The node that the last step made; fields, for it is asked for at every step.
  #kind: Kind = NOTHING;
  #chunk = 0;
  #at = 0;
  /** Pages in whose place other nodes came. */
  #replaced: Page[] = [];
  /** What the update added so far. */
  #weight = 0;
  #count = 0;

  constructor(suite: HashSuite) {
    this.#hashing = new Hashing(suite);
    const table = Table.of([]);
    this.#table = table;
    this.#arena = new Arena(table, 0);
  }

  /** Where the next branches go. */
  begin(table: Table, arena: Arena): void {
    this.#table = table;
    this.#arena = arena;
    this.#hashing.begin();
  }

  /**
   * The tree with some items put in place, hashes not complete yet. Throws `MissingKey` when a page
   * must be loaded first.
   *
   * @param depth Nibbles that all items share.
   */
  update(root: Ref, items: Items, depth: number): Ref {
    this.#weight = 0;
    this.#count = 0;
    this.#replaced = [];
    if (items.count === 0) return root;
    this.#update(items, root.kind, root.chunk, root.at, 0, items.count, depth);
    return { kind: this.#kind, chunk: this.#chunk, at: this.#at };
  }

  /** The pages that the last update changed: the new tree has other nodes in their place. */
  get replaced(): readonly Page[] {
    return this.#replaced;
  }

  #result(kind: Kind, chunk: number, at: number): void {
    this.#kind = kind;
    this.#chunk = chunk;
    this.#at = at;
  }

  #update(
    items: Items,
    kind: Kind,
    chunk: number,
    at: number,
    low: number,
    high: number,
    depth: number,
  ): void {
    if (kind === BRANCH) this.#updateBranch(items, chunk, at, low, high, depth);
    else if (kind === LEAF) this.#updateLeaf(items, chunk, at, low, high, depth);
    else if (kind === PAGE) this.#updatePage(items, chunk, low, high, depth);
    else {
      this.#countPut(items, low, high);
      this.#build(items, low, high, depth, undefined);
    }
  }

  #updatePage(items: Items, id: number, low: number, high: number, depth: number): void {
    const page = this.#table.page(id);
    const { bytes } = items.chunk;
    let inside = low;
    const isInside = (place: number) =>
      isBelow(bytes, 4 * pathWord(items.ats[place] ?? 0), page.prefix);
    while (inside < high && !isInside(inside)) inside += 1;
    if (inside === high) {
      this.#countPut(items, low, high);
      this.#build(items, low, high, depth, stayingPage(page, id));
      return;
    }
    if (page.root === undefined) throw new MissingKey(items.key(inside));
    this.#table.enter(id);
    const { kind } = page.root;
    this.#update(items, kind, id, 0, low, high, depth);
    if (this.#kind === kind && this.#chunk === id && this.#at === 0) this.#result(PAGE, id, 0);
    else this.#replaced.push(page);
  }

  #countPut(items: Items, low: number, high: number): void {
    for (let place = low; place < high; place++) {
      if (items.isPut[place] === 1) this.#countItem(items, place, 1);
    }
  }

  #countItem(items: Items, place: number, sign: number): void {
    this.#countLeaf(items.chunk, items.ats[place] ?? 0, sign);
  }

  #countLeaf(chunk: Chunk, at: number, sign: number): void {
    this.#weight += sign * weightOfLeaf(keyLengthOf(chunk, at), valueLengthOf(chunk, at));
    this.#count += sign;
  }

  #updateLeaf(
    items: Items,
    id: number,
    at: number,
    low: number,
    high: number,
    depth: number,
  ): void {
    const chunk = this.#table.chunk(id);
    this.#countPut(items, low, high);
    for (let place = low; place < high; place++) {
      const itemAt = items.ats[place] ?? 0;
      if (!isSamePath(items.chunk, pathWord(itemAt), chunk, pathWord(at))) continue;
      items.previousChunks[place] = chunk;
      items.previousAts[place] = at;
      this.#countLeaf(chunk, at, -1);
      if (high - low === 1 && items.isPut[place] === 1) this.#result(LEAF, items.id, itemAt);
      else this.#build(items, low, high, depth, undefined);
      return;
    }
    const path = chunk.bytes;
    const pathAt = 4 * pathWord(at);
    this.#build(items, low, high, depth, { kind: LEAF, chunk: id, at, path, pathAt });
  }

  /** A tree of items, and perhaps of one node that stays. */
  #build(
    items: Items,
    low: number,
    high: number,
    depth: number,
    staying: Staying | undefined,
  ): void {
    let present = 0;
    let only = low;
    for (let place = low; place < high && present < 2; place++) {
      if (items.isPut[place] === 0) continue;
      present += 1;
      only = place;
    }
    if (staying !== undefined && present === 0) {
      this.#result(staying.kind, staying.chunk, staying.at);
      return;
    }
    if (staying === undefined && present < 2) {
      if (present === 0) this.#result(NOTHING, 0, 0);
      else this.#result(LEAF, items.id, items.ats[only] ?? 0);
      return;
    }
    assert(depth < PATH_NIBBLES, 'two leaves of one path');
    const slots = this.#slotsAt(depth);
    const ownNibble = staying === undefined ? -1 : nibbleOf(staying.path, staying.pathAt, depth);
    let isStayingPlaced = staying === undefined;
    for (let start = low; start < high; ) {
      const nibble = items.nibble(start, depth);
      const end = items.runEnd(start, high, depth);
      const beside = nibble === ownNibble ? staying : undefined;
      if (beside !== undefined) isStayingPlaced = true;
      this.#build(items, start, end, depth + 1, beside);
      this.#put(slots, nibble);
      start = end;
    }
    if (!isStayingPlaced && staying !== undefined) {
      this.#result(staying.kind, staying.chunk, staying.at);
      this.#put(slots, ownNibble);
    }
    this.#assemble(slots, undefined, depth, false);
  }

  #slotsAt(depth: number): Slots {
    let slots = this.#slots[depth];
    if (slots === undefined) {
      while (this.#slots.length <= depth) this.#slots.push(undefined);
      slots = new Slots();
      this.#slots[depth] = slots;
    }
    slots.clear();
    return slots;
  }

  /** The last result as the child of a nibble. */
  #put(slots: Slots, nibble: number): void {
    slots.kinds[nibble] = this.#kind;
    slots.chunks[nibble] = this.#chunk;
    slots.ats[nibble] = this.#at;
    slots.hashAts[nibble] = -1;
  }

  #updateBranch(
    items: Items,
    id: number,
    at: number,
    low: number,
    high: number,
    depth: number,
  ): void {
    const source = this.#table.chunk(id);
    const { words } = source;
    const bitmap = bitmapOf(source, at);
    const children = bitCount(bitmap);
    const weightBefore = this.#weight;
    const countBefore = this.#count;
    let changed = 0;
    /** The branch anew, as long as each child is replaced by one. */
    let copy: Chunk | undefined;
    let copyId = 0;
    let copyAt = 0;
    /** The children by nibble, once one came or went. */
    let slots: Slots | undefined;
    for (let start = low; start < high; ) {
      const nibble = items.nibble(start, depth);
      const end = items.runEnd(start, high, depth);
      const place = childPlace(bitmap, nibble);
      let kind: Kind = NOTHING;
      let childChunk = 0;
      let childAt = 0;
      if ((bitmap & (1 << nibble)) !== 0) {
        kind = kindOfChild(source, at, nibble);
        const word = placeWord(at, children, place);
        childChunk = (words[word] ?? 0) || id; // 0 is the branch's own.
        childAt = words[word + 1] ?? 0;
      }
      this.#update(items, kind, childChunk, childAt, start, end, depth + 1);
      start = end;
      if (this.#chunk === childChunk && this.#at === childAt && this.#kind === kind) continue;
      const isReplaced = kind !== NOTHING && this.#kind !== NOTHING && children > 1;
      if (slots === undefined && isReplaced) {
        if (copy === undefined) {
          copyAt = this.#copyBranch(source, id, at, children);
          copy = this.#arena.chunk;
          copyId = this.#arena.id;
        }
        const word = placeWord(copyAt, children, place);
        copy.words[word] = this.#chunk;
        copy.words[word + 1] = this.#at;
        if (this.#kind !== kind) setKindOfChild(copy, copyAt, nibble, this.#kind);
        changed |= 1 << nibble;
      } else {
        // Only now, for the children's own steps used those of other depths.
        slots ??= this.#slotsOf(copy ?? source, copy ? copyId : id, copy ? copyAt : at, {
          changed,
          depth,
        });
        this.#put(slots, nibble);
      }
    }
    if (slots !== undefined) {
      this.#assemble(slots, copy ?? source, depth, isUpper(source, at));
    } else if (copy === undefined) this.#result(BRANCH, id, at);
    else {
      writeTotals(copy, copyAt, {
        weight: branchWeight(source, at) + this.#weight - weightBefore,
        count: branchCount(source, at) + this.#count - countBefore,
        isUpper: isUpper(source, at),
      });
      this.#hashing.addChildren(this.#table, copy, copyId, copyAt, { bitmap, changed, depth });
      this.#result(BRANCH, copyId, copyAt);
    }
  }

  /** Where the copy begins in the arena's chunk. */
  #copyBranch(source: Chunk, id: number, at: number, children: number): number {
    const length = branchWords(children);
    const copyAt = this.#arena.take(length);
    const { words } = this.#arena.chunk;
    const { words: sourceWords } = source;
    for (let word = 0; word < length; word++) words[copyAt + word] = sourceWords[at + word] ?? 0;
    const end = copyAt + length;
    for (let word = placeWord(copyAt, children, 0); word < end; word += 2) {
      if (words[word] === 0) words[word] = id;
    }
    return copyAt;
  }

  /** The children of a branch of which some have changed, so that their hashes are not known. */
  #slotsOf(
    chunk: Chunk,
    id: number,
    at: number,
    { changed, depth }: { readonly changed: number; readonly depth: number },
  ): Slots {
    const slots = this.#slotsAt(depth);
    const bitmap = bitmapOf(chunk, at);
    const children = bitCount(bitmap);
    let place = 0;
    for (let nibble = 0; nibble < 16; nibble++) {
      if ((bitmap & (1 << nibble)) === 0) continue;
      const word = placeWord(at, children, place);
      slots.kinds[nibble] = kindOfChild(chunk, at, nibble);
      slots.chunks[nibble] = (chunk.words[word] ?? 0) || id;
      slots.ats[nibble] = chunk.words[word + 1] ?? 0;
      slots.hashAts[nibble] = (changed & (1 << nibble)) === 0 ? hashWord(at, place) : -1;
      place += 1;
    }
    return slots;
  }

  /**
   * The node of some children: nothing, the only leaf, or a branch.
   *
   * @param hashes Where those hashes stand that are known.
   */
  #assemble(slots: Slots, hashes: Chunk | undefined, depth: number, wasUpper: boolean): void {
    let bitmap = 0;
    let last = 0;
    for (let nibble = 0; nibble < 16; nibble++) {
      if (slots.kinds[nibble] === NOTHING) continue;
      bitmap |= 1 << nibble;
      last = nibble;
    }
    const children = bitCount(bitmap);
    if (children === 0) {
      this.#result(NOTHING, 0, 0);
      return;
    }
    const refOf = (nibble: number): Ref => ({
      kind: slots.kinds[nibble] ?? NOTHING,
      chunk: slots.chunks[nibble] ?? 0,
      at: slots.ats[nibble] ?? 0,
    });
    if (children === 1 && isSingleLeaf(this.#table, refOf(last))) {
      const { kind, chunk, at } = refOf(last);
      this.#result(kind, chunk, at);
      return;
    }
    const at = this.#arena.take(branchWords(children));
    const { chunk, id } = this.#arena;
    writeBitmap(chunk, at, bitmap);
    let weight = 0;
    let count = 0;
    let upper = wasUpper;
    let changed = 0;
    let place = 0;
    for (let nibble = 0; nibble < 16; nibble++) {
      const ref = refOf(nibble);
      if (ref.kind === NOTHING) continue;
      const totals = totalsOf(this.#table, ref);
      weight += totals.weight;
      count += totals.count;
      upper ||= totals.isUpper;
      setKindOfChild(chunk, at, nibble, ref.kind);
      const word = placeWord(at, children, place);
      chunk.words[word] = ref.chunk;
      chunk.words[word + 1] = ref.at;
      const hashAt = slots.hashAts[nibble] ?? -1;
      if (hashAt < 0 || hashes === undefined) changed |= 1 << nibble;
      else chunk.words.set(hashes.words.subarray(hashAt, hashAt + 8), hashWord(at, place));
      place += 1;
    }
    writeTotals(chunk, at, { weight, count, isUpper: upper });
    this.#hashing.addChildren(this.#table, chunk, id, at, { bitmap, changed, depth });
    this.#result(BRANCH, id, at);
  }

  /** A branch of children given by nibble, hashed with the others by `complete`. */
  branchOf(children: readonly Ref[], depth: number): Ref {
    const slots = this.#slotsAt(depth);
    children.forEach((child, nibble) => {
      this.#result(child.kind, child.chunk, child.at);
      this.#put(slots, nibble);
    });
    this.#assemble(slots, undefined, depth, true);
    return { kind: this.#kind, chunk: this.#chunk, at: this.#at };
  }

  /** Computes the hashes of what was made since `begin`; that of the topmost node. */
  complete(root: Ref): Hash {
    return this.#hashing.complete(this.#table, root);
  }
}

/** Whether a node is a single leaf, loaded or not: such a node takes its parent's place. */
function isSingleLeaf(table: Table, ref: Ref): boolean {
  return ref.kind === LEAF || (ref.kind === PAGE && table.page(ref.chunk).count === 1);
}

/** A page of one leaf: nothing else lies below its prefix, so zeros may follow it. */
function stayingPage(page: Page, id: number): Staying {
  const path = new Uint8Array(32);
  page.prefix.forEach((nibble, depth) => {
    const byte = defined(path[depth >> 1], 'a prefix is part of a path');
    path[depth >> 1] = byte | ((depth & 1) === 0 ? nibble << 4 : nibble);
  });
  return { kind: PAGE, chunk: id, at: 0, path, pathAt: 0 };
}
