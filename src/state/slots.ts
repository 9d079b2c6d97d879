import { pathOfPrefix } from './inside.ts';
import type { Kind, Page, Ref } from './nodes.ts';
import { NOTHING, PAGE } from './nodes.ts';

/** A node that stays where items are put beside it. */
export type Staying = Ref & {
  /** Where its path, or its page's prefix with zeros after it, begins. */
  readonly path: Uint8Array;
  readonly pathAt: number;
};

/** What a branch says of all leaves below it. */
export type Totals = { readonly weight: number; readonly count: number; readonly isUpper: boolean };

/** Children of a branch in the making, by nibble. */
export class Slots {
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

/** A page of one leaf: nothing else lies below its prefix, so zeros may follow it. */
export function stayingPage(page: Page, id: number): Staying {
  const path = pathOfPrefix(page.prefix);
  return { kind: PAGE, chunk: id, at: 0, path, pathAt: 0 };
}
