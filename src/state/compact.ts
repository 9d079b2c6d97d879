import type { Bytes } from '../base/index.ts';
import { assert, defined } from '../base/index.ts';
import type { DeltaEntry } from './delta.ts';
import { Growing } from './growing.ts';
import { branchBelow, branchInside, pathOfPrefix, setNibble } from './inside.ts';
import {
  changedAtOf,
  encodeLeaf,
  keyLengthOf,
  keyOf,
  leafValue,
  valueLengthOf,
  weightOfLeaf,
  writeLength,
} from './leaf.ts';
import type { Chunk } from './memory.ts';
import type { Kind, Nodes, Page, PageMemory, PageRoot, Ref, Table } from './nodes.ts';
import {
  BRANCH,
  bitCount,
  bitmapOf,
  branchCount,
  branchWeight,
  branchWords,
  clearUpper,
  INSIDE,
  kindOfChild,
  LEAF,
  memoryOf,
  NOTHING,
  PAGE,
  placeWord,
  setKindOfChild,
} from './nodes.ts';

const COUNT_BYTES_MAX = 5;
/** Nodes kept of a page when it was changed: beyond this share of all, only the newest are. */
const KEPT_SHARE = 1 / 2;

/**
 * Copies subtrees node by node. Without objects on the way: a quarter of a microsecond a leaf where
 * objects cost two.
 */
class Compactor {
  /** What is copied goes here first, for nobody knows how long it is. */
  readonly #copied = new Growing();
  #table: Table | undefined;
  #path: Uint8Array = new Uint8Array(32);

  compact(table: Table, ref: Ref, prefix: ArrayLike<number>, inPage: Page | undefined): Nodes {
    this.#table = table;
    this.#path = pathOfPrefix(prefix);
    this.#copied.used = 0;
    let { kind, at } = ref;
    let chunk: Chunk | undefined;
    let page = inPage;
    if (kind === PAGE) {
      page = table.page(ref.chunk);
      ({ kind, chunk } = loadedRoot(page));
      at = 0;
    } else if (kind !== NOTHING) chunk = table.chunk(ref.chunk);
    if (chunk !== undefined) this.#copy(chunk, at, kind, prefix.length, page);
    this.#table = undefined;
    return this.#copied.finish(kind, true);
  }

  /** Where the copy begins. */
  #copy(source: Chunk, at: number, kind: Kind, depth: number, page: Page | undefined): number {
    const copied = this.#copied;
    if (kind === LEAF) return copied.appendLeaf(source, at);
    const bitmap = bitmapOf(source, at);
    const children = bitCount(bitmap);
    const to = copied.append(source, at, branchWords(children));
    clearUpper(copied, to);
    let word = placeWord(at, children, 0);
    const shift = to - at;
    for (let bits = bitmap; bits !== 0; bits &= bits - 1, word += 2) {
      const nibble = 31 - Math.clz32(bits & -bits);
      let childKind = kindOfChild(source, at, nibble);
      const id = source.words[word] ?? 0;
      let childAt = source.words[word + 1] ?? 0;
      let child = source;
      let childPage = page;
      if (childKind === PAGE) {
        childPage = this.#tableOf().page(id);
        ({ kind: childKind, chunk: child } = loadedRoot(childPage));
        childAt = 0;
      } else if (childKind === INSIDE) {
        if (id < 0) childPage = this.#tableOf().page(id);
        setNibble(this.#path, depth, nibble);
        const inside = branchInside(
          defined(childPage, 'the page it is inside of'),
          this.#path,
          0,
          depth + 1,
        );
        ({ chunk: child, at: childAt } = defined(inside, 'a page that is copied is in memory'));
        childKind = BRANCH;
      } else if (id !== 0) child = this.#tableOf().chunk(id);
      setNibble(this.#path, depth, nibble);
      setKindOfChild(copied, to, nibble, childKind);
      const childTo = this.#copy(child, childAt, childKind, depth + 1, childPage);
      copied.words[word + shift] = 0;
      copied.words[word + shift + 1] = childTo;
    }
    return to;
  }

  #tableOf(): Table {
    return defined(this.#table, 'set while something is copied');
  }
}

function loadedRoot(page: Page): PageRoot {
  return defined(page.root, 'a page that is joined is in memory');
}

const compactor = new Compactor();

/**
 * Copies nodes, without page boundaries, hashes included, so that the chunks of the blocks that
 * made them can be freed. Pages below are in memory, and whole. The copy is void after the next.
 *
 * @param prefix Of the topmost of them, one nibble a byte.
 * @param page The one that the table is of, if it is of one.
 */
export function compact(table: Table, ref: Ref, prefix: ArrayLike<number>, page?: Page): Nodes {
  return compactor.compact(table, ref, prefix, page);
}

/** Copies of a page what changed, and what did so lately. */
class Extractor {
  readonly #copied = new Growing();
  #table: Table | undefined;
  #former: Chunk | undefined;
  #since = 0;
  #changed: DeltaEntry[] = [];
  /** Branches that were not copied. */
  #insideCount = 0;

  extract(
    table: Table,
    ref: Ref,
    from: { readonly former: FormerMemory | undefined; readonly bytesMax: number },
    since: number,
  ): Extract {
    const { former } = from;
    const isWhole = former?.root.isWhole === true;
    // An earlier state of the page says nothing without all that changed since.
    const isKept = !isWhole && 4 * (former?.root.length ?? 0) <= from.bytesMax;
    this.#former = isKept ? former?.root.chunk : undefined;
    this.#table = table;
    this.#since = since;
    this.#changed = [];
    this.#insideCount = 0;
    this.#copied.used = 0;
    assert(ref.kind === LEAF || ref.kind === BRANCH, 'a page has leaves');
    const isFormerBranch = former?.root.kind === BRANCH;
    this.#copy(table.chunk(ref.chunk), ref.at, ref.kind, isFormerBranch ? 0 : -1);
    this.#table = undefined;
    this.#former = undefined;
    const root = this.#copied.finish(ref.kind, this.#insideCount === 0);
    const below = isWhole ? former?.root : isKept ? former?.under : undefined;
    const memory = { root, under: root.isWhole ? undefined : below };
    return { memory, changed: this.#changed };
  }

  /**
   * Copies a node that a block made.
   *
   * @param formerAt Where the branch begins that stood there before, if it is kept; or -1.
   */
  #copy(source: Chunk, at: number, kind: Kind, formerAt: number): number {
    const copied = this.#copied;
    if (kind === LEAF) {
      const changedAt = changedAtOf(source, at);
      if (changedAt > this.#since) {
        const put = { changedAt, value: leafValue(source, at) };
        this.#changed.push({ key: keyOf(source, at), put });
      }
      return copied.appendLeaf(source, at);
    }
    const bitmap = bitmapOf(source, at);
    const children = bitCount(bitmap);
    const to = copied.append(source, at, branchWords(children));
    clearUpper(copied, to);
    let word = placeWord(at, children, 0);
    const shift = to - at;
    for (let bits = bitmap; bits !== 0; bits &= bits - 1, word += 2) {
      const nibble = 31 - Math.clz32(bits & -bits);
      const kindOfIt = kindOfChild(source, at, nibble);
      const below = this.#former === undefined ? -1 : branchBelow(this.#former, formerAt, nibble);
      let childTo = 0;
      if (kindOfIt !== INSIDE) {
        assert(kindOfIt !== PAGE, 'no page lies below a page');
        const table = defined(this.#table, 'set while something is copied');
        const child = table.chunk(source.words[word] ?? 0);
        childTo = this.#copy(child, source.words[word + 1] ?? 0, kindOfIt, below);
      } else if (below >= 0) {
        childTo = this.#copyFormer(below);
        setKindOfChild(copied, to, nibble, BRANCH);
      } else this.#insideCount += 1;
      copied.words[word + shift] = 0;
      copied.words[word + shift + 1] = childTo;
    }
    return to;
  }

  /** Copies a branch that was kept, with all that is there below it. */
  #copyFormer(at: number): number {
    const source = defined(this.#former, 'where the branch was found');
    const copied = this.#copied;
    const bitmap = bitmapOf(source, at);
    const children = bitCount(bitmap);
    const to = copied.append(source, at, branchWords(children));
    let word = placeWord(at, children, 0);
    const shift = to - at;
    for (let bits = bitmap; bits !== 0; bits &= bits - 1, word += 2) {
      const kind = kindOfChild(source, at, 31 - Math.clz32(bits & -bits));
      const childAt = source.words[word + 1] ?? 0;
      let childTo = 0;
      if (kind === LEAF) childTo = copied.appendLeaf(source, childAt);
      else if (kind === BRANCH) childTo = this.#copyFormer(childAt);
      else this.#insideCount += 1;
      copied.words[word + shift + 1] = childTo;
    }
    return to;
  }
}

const extractor = new Extractor();

/** What the page before has in memory. */
type FormerMemory = { readonly root: PageRoot; readonly under: PageRoot | undefined };

/** What a page has in memory after blocks changed it, and which of its leaves they changed. */
type Extract = { readonly memory: PageMemory; readonly changed: readonly DeltaEntry[] };

/**
 * Copies of a changed page the nodes that blocks made, and of those before what was kept; all else
 * is found where it was.
 *
 * @param page The page before; its memory, if it is still there, becomes that of the new one.
 * @param since Height of the plan that made it.
 */
export function extract(table: Table, ref: Ref, page: Page, since: number): Extract {
  const from = { former: page.memory, bytesMax: KEPT_SHARE * memoryOf(page) };
  return extractor.extract(table, ref, from, since);
}

/** As `encodePage` of what `compact` copies. */
export function encodeSubtree(
  table: Table,
  ref: Ref,
  prefix: ArrayLike<number>,
  page?: Page,
): Bytes {
  return encodePage(compact(table, ref, prefix, page));
}

/** Encodes a page's leaves: key, height of the last change, value; sorted by path. */
export function encodePage({ chunk, kind }: Pick<Nodes, 'chunk' | 'kind'>): Bytes {
  const isLeaf = kind === LEAF;
  const weight = isLeaf
    ? weightOfLeaf(keyLengthOf(chunk, 0), valueLengthOf(chunk, 0))
    : branchWeight(chunk, 0);
  // A leaf is at most as long as it weighs.
  const bytes = new Uint8Array(weight + COUNT_BYTES_MAX);
  let used = writeLength(bytes, 0, isLeaf ? 1 : branchCount(chunk, 0));
  const write = (at: number, of: Kind): void => {
    if (of === LEAF) {
      used = encodeLeaf(chunk, at, bytes, used);
      return;
    }
    const bitmap = bitmapOf(chunk, at);
    let word = placeWord(at, bitCount(bitmap), 0);
    for (let bits = bitmap; bits !== 0; bits &= bits - 1, word += 2) {
      const nibble = 31 - Math.clz32(bits & -bits);
      write(chunk.words[word + 1] ?? 0, kindOfChild(chunk, at, nibble));
    }
  };
  write(0, kind);
  return bytes.slice(0, used);
}
