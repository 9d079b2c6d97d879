import { nibbleOf } from './leaf.ts';

/** Nibbles below a page's prefix that tell its leaves apart: 28 bits are a small integer. */
export const HOT_NIBBLES = 7;
/** Leaves of one page that are remembered. */
const READS_MAX = 8;

/**
 * Which leaves of a page were read, and which of them at more than one height. Stays while the page
 * is not in memory: most leaves are read once in a long time, and few at every other block.
 */
export class Reads {
  /** Path, then height of the first time, or -1 after it was read again; the newest last. */
  #noted: readonly number[] = [];

  note(path: Uint8Array, depth: number, height: number): void {
    let short = 0;
    for (let at = 0; at < HOT_NIBBLES; at++) short = (short << 4) | nibbleOf(path, 0, depth + at);
    const noted = this.#noted;
    for (let at = 0; at < noted.length; at += 2) {
      if (noted[at] !== short) continue;
      if (noted[at + 1] !== height) this.#noted = noted.with(at + 1, -1);
      return;
    }
    const kept = noted.length < 2 * READS_MAX ? noted : noted.toSpliced(this.#oldest(noted), 2);
    // A list that grows has room for sixteen more, and there is one for every page.
    this.#noted = [...kept, short, height];
  }

  /** One that was read once, or else whatever came first. */
  #oldest(noted: readonly number[]): number {
    for (let at = 0; at < noted.length; at += 2) if (noted[at + 1] !== -1) return at;
    return 0;
  }

  /** Paths below the page's prefix of what was read more than once. */
  hot(): number[] {
    const noted = this.#noted;
    return noted.filter((_, at) => (at & 1) === 0 && noted[at + 1] === -1);
  }
}
