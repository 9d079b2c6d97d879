import type { Bytes } from '../../base/index.ts';
import { formatHex } from '../../base/index.ts';
import type { Page, StateTree } from '../../state/index.ts';
import { deltaStoreKey, pageStoreKey, wholeDelta } from '../../state/index.ts';
import type { Core } from './core.ts';
import { writeNamed } from './core.ts';
import type { DamagedPage } from './types.ts';

/** Asks whoever has it for the bytes of a page that is lost or spoilt here; absent: nobody has. */
export type AskForPage = (page: DamagedPage) => Promise<Bytes | undefined>;

/** Records of pages that a checkpoint made, until they lie on the disk. */
export type UnwrittenRecords = {
  /** Whether it is to write, or is writing, a record of this key. */
  holds(key: Bytes): boolean;
  /** Writes what was made so far; settles with all that was begun. */
  flush(): Promise<void>;
};

/** Puts damaged pages of the head back while a reading waits for them. */
export class Mending {
  readonly #ask: AskForPage;
  /** Readings that need the same page wait for one answer. */
  readonly #running = new Map<Page, Promise<boolean>>();
  /** Trees that gave way to that of a snapshot: nobody needs their pages any more. */
  readonly #retired = new WeakSet<StateTree>();
  /** Who waits for an answer, and is let go of when the tree is retired. */
  readonly #waiting = new Set<{ readonly tree: StateTree; readonly letGo: () => void }>();
  readonly #writing = new Set<Promise<void>>();
  /** Of the checkpoint that writes its pages now. */
  #unwritten: UnwrittenRecords | undefined;

  constructor(ask: AskForPage) {
    this.#ask = ask;
  }

  /** Whether the page is in memory afterwards; as long as the head has it, on the disk again too. */
  mend(core: Core, tree: StateTree, page: Page): Promise<boolean> {
    // Its pages are swept away, not damaged.
    if (this.#retired.has(tree)) return Promise.resolve(false);
    const running = this.#running.get(page);
    if (running !== undefined) return running;
    const mending = this.#mend(core, tree, page).finally(() => this.#running.delete(page));
    this.#running.set(page, mending);
    return mending;
  }

  /** Another tree takes the place of this one: who waits for a page of it waits no longer. */
  retire(tree: StateTree): void {
    this.#retired.add(tree);
    for (const waiting of this.#waiting) if (waiting.tree === tree) waiting.letGo();
  }

  /** A checkpoint writes its pages from now on, until it calls what is returned. */
  writes(unwritten: UnwrittenRecords): () => void {
    this.#unwritten = unwritten;
    return () => {
      if (this.#unwritten === unwritten) this.#unwritten = undefined;
    };
  }

  /**
   * Settles once pages that are being put back lie on the disk: whoever deletes what nobody needs
   * any more finds them then.
   */
  async written(): Promise<void> {
    await Promise.allSettled(this.#writing);
  }

  async #mend(core: Core, tree: StateTree, page: Page): Promise<boolean> {
    const { prefix, hash, weight, count } = page;
    const value = await this.#answer(tree, { prefix, hash, weight, count });
    // What a checkpoint made of the page before would be written over what is put back. From here
    // on nothing else is done until the page is in memory: what one makes of it then is the same.
    while (this.#unwritten?.holds(keyOf(page))) {
      await this.#unwritten.flush().catch(() => undefined); // The checkpoint fails, not this.
    }
    if (value === undefined || this.#retired.has(tree)) return false;
    const deltaKey = deltaStoreKey(page);
    // Earlier states of the page, those of kept snapshots, stand on the record of its leaves too.
    const record =
      deltaKey === undefined
        ? { key: pageStoreKey(page), value }
        : { key: deltaKey, value: wholeDelta(value) };
    // Whoever gave them: only exactly the bytes of that page go in.
    const delta = deltaKey === undefined ? undefined : record.value;
    if (!tree.insertPage(page, value, delta).ok) return false;
    // A checkpoint wrote another in its place meanwhile: nobody would ever delete this record.
    if (!page.isCurrent && !page.isChanged) return true;
    const put = { kind: 'put', space: 'pages', ...record } as const;
    const writing = writeNamed(core, 'page-repair', [put], 'strict');
    this.#writing.add(writing);
    await writing.finally(() => this.#writing.delete(writing));
    core.tracer.trace('info', 'page-mended', { prefix: formatHex(prefix), bytes: value.length });
    return true;
  }

  /** What is answered, or nothing once the tree is retired. */
  async #answer(tree: StateTree, page: DamagedPage): Promise<Bytes | undefined> {
    let letGo: () => void = () => undefined;
    const retired = new Promise<undefined>((resolve) => {
      letGo = () => resolve(undefined);
    });
    const waiting = { tree, letGo };
    this.#waiting.add(waiting);
    try {
      return await Promise.race([this.#ask(page), retired]);
    } finally {
      this.#waiting.delete(waiting);
    }
  }
}

/** Of the record that is written when the page changes, or is put back. */
function keyOf(page: Page): Bytes {
  return deltaStoreKey(page) ?? pageStoreKey(page);
}
