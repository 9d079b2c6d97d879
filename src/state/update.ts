import { assert } from '../base/index.ts';
import type { Hash, HashSuite } from '../crypto/index.ts';
import { MissingKey } from '../ledger/index.ts';
import { copyBranch, copyLeaf } from './copies.ts';
import { Hashing } from './hashing.ts';
import { branchInside } from './inside.ts';
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
import { Chunk } from './memory.ts';
import type { Kind, Page, Ref } from './nodes.ts';
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
  INSIDE,
  isUpper,
  kindOfChild,
  LEAF,
  NOTHING,
  PAGE,
  placeWord,
  setKindOfChild,
  Table,
  writeBitmap,
  writeTotals,
} from './nodes.ts';
import type { Staying, Totals } from './slots.ts';
import { Slots, stayingPage } from './slots.ts';

/** Of nodes that have none. */
const NO_CHUNK = new Chunk(0);

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
    const { kind, chunk: id } = root;
    const chunk = kind === LEAF || kind === BRANCH ? this.#table.chunk(id) : NO_CHUNK;
    this.#update(items, kind, chunk, id, root.at, 0, items.count, depth);
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

  /**
   * @param chunk Of a leaf or branch; its number, or that of the page whose memory it is.
   */
  #update(
    items: Items,
    kind: Kind,
    chunk: Chunk,
    id: number,
    at: number,
    low: number,
    high: number,
    depth: number,
  ): void {
    if (kind === BRANCH) this.#updateBranch(items, chunk, id, at, low, high, depth);
    else if (kind === LEAF) this.#updateLeaf(items, chunk, id, at, low, high, depth);
    else if (kind === PAGE) this.#updatePage(items, id, low, high, depth);
    else if (kind === INSIDE) this.#updateInside(items, id, low, high, depth);
    else {
      this.#countPut(items, low, high);
      this.#build(items, low, high, depth, undefined);
    }
  }

  #updatePage(items: Items, id: number, low: number, high: number, depth: number): void {
    const page = this.#table.page(id);
    const { bytes } = items.chunk;
    const { prefix } = page;
    let inside = low;
    const isInside = (place: number) => isBelow(bytes, 4 * pathWord(items.ats[place] ?? 0), prefix);
    while (inside < high && !isInside(inside)) inside += 1;
    if (inside === high) {
      this.#countPut(items, low, high);
      this.#build(items, low, high, depth, stayingPage(page, id));
      return;
    }
    const { root } = page;
    if (root === undefined) throw new MissingKey(items.key(inside));
    const { kind } = root;
    this.#update(items, kind, root.chunk, id, 0, low, high, depth);
    if (this.#kind === kind && this.#chunk === id && this.#at === 0) this.#result(PAGE, id, 0);
    else this.#replaced.push(page);
  }

  #updateInside(items: Items, id: number, low: number, high: number, depth: number): void {
    const { bytes } = items.chunk;
    const pathAt = 4 * pathWord(items.ats[low] ?? 0);
    const found = branchInside(this.#table.page(id), bytes, pathAt, depth);
    if (found === undefined) throw new MissingKey(items.key(low));
    const { chunk, at } = found;
    this.#updateBranch(items, chunk, id, at, low, high, depth);
    const isSame = this.#kind === BRANCH && this.#chunk === id && this.#at === at;
    if (isSame) this.#result(INSIDE, id, 0);
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
    chunk: Chunk,
    id: number,
    at: number,
    low: number,
    high: number,
    depth: number,
  ): void {
    this.#countPut(items, low, high);
    for (let place = low; place < high; place++) {
      const itemAt = items.ats[place] ?? 0;
      if (!isSamePath(items.chunk, pathWord(itemAt), chunk, pathWord(at))) continue;
      this.#countLeaf(chunk, at, -1);
      // The memory of a page is used again.
      items.previousAts[place] = id < 0 ? copyLeaf(this.#arena, chunk, at) : at;
      items.previousChunks[place] = id < 0 ? this.#arena.chunk : chunk;
      if (high - low === 1 && items.isPut[place] === 1) this.#result(LEAF, items.id, itemAt);
      else this.#build(items, low, high, depth, undefined);
      return;
    }
    let isAlone = true;
    for (let place = low; place < high && isAlone; place++) isAlone = items.isPut[place] === 0;
    if (isAlone) {
      this.#result(LEAF, id, at);
      return;
    }
    const path = chunk.bytes;
    const pathAt = 4 * pathWord(at);
    let [stayingId, stayingAt] = [id, at];
    if (id < 0) {
      stayingAt = copyLeaf(this.#arena, chunk, at);
      stayingId = this.#arena.id;
    }
    const staying: Staying = { kind: LEAF, chunk: stayingId, at: stayingAt, path, pathAt };
    this.#build(items, low, high, depth, staying);
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
    this.#assemble(slots, undefined, depth, undefined);
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
    source: Chunk,
    id: number,
    at: number,
    low: number,
    high: number,
    depth: number,
  ): void {
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
      let child = source;
      let childChunk = 0;
      let childAt = 0;
      if ((bitmap & (1 << nibble)) !== 0) {
        kind = kindOfChild(source, at, nibble);
        const word = placeWord(at, children, place);
        childChunk = words[word] ?? 0;
        childAt = words[word + 1] ?? 0;
        if (childChunk === 0)
          childChunk = id; // The branch's own.
        else if (kind === LEAF || kind === BRANCH) child = this.#table.chunk(childChunk);
      }
      this.#update(items, kind, child, childChunk, childAt, start, end, depth + 1);
      start = end;
      if (this.#chunk === childChunk && this.#at === childAt && this.#kind === kind) continue;
      const isReplaced = kind !== NOTHING && this.#kind !== NOTHING && children > 1;
      if (slots === undefined && isReplaced) {
        if (copy === undefined) {
          copyAt = this.#arena.take(branchWords(children));
          copy = this.#arena.chunk;
          copyId = this.#arena.id;
          copyBranch(this.#arena, source, id, at, copy, copyAt);
        }
        const word = placeWord(copyAt, children, place);
        copy.words[word] = this.#chunk;
        copy.words[word + 1] = this.#at;
        setKindOfChild(copy, copyAt, nibble, this.#kind);
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
      this.#assemble(slots, copy ?? source, depth, {
        weight: branchWeight(source, at) + this.#weight - weightBefore,
        count: branchCount(source, at) + this.#count - countBefore,
        isUpper: isUpper(source, at),
      });
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
      const kind = kindOfChild(chunk, at, nibble);
      const childAt = chunk.words[word + 1] ?? 0;
      if (id < 0 && kind === LEAF) {
        slots.kinds[nibble] = LEAF;
        slots.ats[nibble] = copyLeaf(this.#arena, chunk, childAt);
        slots.chunks[nibble] = this.#arena.id;
      } else {
        slots.kinds[nibble] = id < 0 ? INSIDE : kind;
        slots.chunks[nibble] = id < 0 ? id : (chunk.words[word] ?? 0) || id;
        slots.ats[nibble] = id < 0 ? 0 : childAt;
      }
      slots.hashAts[nibble] = (changed & (1 << nibble)) === 0 ? hashWord(at, place) : -1;
      place += 1;
    }
    return slots;
  }

  /**
   * The node of some children: nothing, the only leaf, or a branch.
   *
   * @param hashes Where those hashes stand that are known.
   * @param known Its totals, where they are; otherwise all children have theirs in memory.
   */
  #assemble(
    slots: Slots,
    hashes: Chunk | undefined,
    depth: number,
    known: Totals | undefined,
  ): void {
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
    if (children === 1 && this.#isSingleLeaf(slots, last)) {
      const kind = slots.kinds[last] ?? NOTHING;
      this.#result(kind, slots.chunks[last] ?? 0, slots.ats[last] ?? 0);
      return;
    }
    const at = this.#arena.take(branchWords(children));
    const { chunk, id } = this.#arena;
    writeBitmap(chunk, at, bitmap);
    let weight = 0;
    let count = 0;
    let upper = known?.isUpper ?? false;
    let changed = 0;
    let place = 0;
    for (let nibble = 0; nibble < 16; nibble++) {
      const kind = slots.kinds[nibble] ?? NOTHING;
      if (kind === NOTHING) continue;
      const childId = slots.chunks[nibble] ?? 0;
      const childAt = slots.ats[nibble] ?? 0;
      // Without an object for each child: they were a tenth of all that loading pages made.
      if (kind === LEAF) {
        const child = this.#table.chunk(childId);
        weight += weightOfLeaf(keyLengthOf(child, childAt), valueLengthOf(child, childAt));
        count += 1;
      } else if (kind === BRANCH) {
        const child = this.#table.chunk(childId);
        weight += branchWeight(child, childAt);
        count += branchCount(child, childAt);
        upper ||= isUpper(child, childAt);
      } else if (kind === PAGE) {
        const page = this.#table.page(childId);
        weight += page.weight;
        count += page.count;
        upper = true;
      } // Of one inside of a page, only the page knows them.
      setKindOfChild(chunk, at, nibble, kind);
      const word = placeWord(at, children, place);
      chunk.words[word] = childId;
      chunk.words[word + 1] = childAt;
      const hashAt = slots.hashAts[nibble] ?? -1;
      if (hashAt < 0 || hashes === undefined) changed |= 1 << nibble;
      else chunk.words.set(hashes.words.subarray(hashAt, hashAt + 8), hashWord(at, place));
      place += 1;
    }
    writeTotals(chunk, at, {
      weight: known?.weight ?? weight,
      count: known?.count ?? count,
      isUpper: upper,
    });
    this.#hashing.addChildren(this.#table, chunk, id, at, { bitmap, changed, depth });
    this.#result(BRANCH, id, at);
  }

  /** Whether a child is a single leaf, loaded or not: such a node takes its parent's place. */
  #isSingleLeaf({ kinds, chunks }: Slots, nibble: number): boolean {
    if (kinds[nibble] === LEAF) return true;
    return kinds[nibble] === PAGE && this.#table.page(chunks[nibble] ?? 0).count === 1;
  }

  /** A branch of children given by nibble, hashed with the others by `complete`. */
  branchOf(children: readonly Ref[], depth: number): Ref {
    const slots = this.#slotsAt(depth);
    children.forEach((child, nibble) => {
      this.#result(child.kind, child.chunk, child.at);
      this.#put(slots, nibble);
    });
    this.#assemble(slots, undefined, depth, undefined);
    return { kind: this.#kind, chunk: this.#chunk, at: this.#at };
  }

  /** Computes the hashes of what was made since `begin`; that of the topmost node. */
  complete(root: Ref): Hash {
    return this.#hashing.complete(this.#table, root);
  }
}
