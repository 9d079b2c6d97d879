import type { Bytes } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';

const ID_BYTES = 32;

/** The ids of a block's transactions one after the other, and what else is to be known of it. */
export type NotedBlock<Facts> = { readonly ids: Bytes; readonly facts: Facts };

/**
 * Blocks whose transactions nobody asked for yet, oldest first. Forgets those before which there
 * are as many transactions as are remembered; a block without transactions is not noted at all.
 */
export class NotedBlocks<Facts> {
  readonly #countMax: number;
  #blocks: NotedBlock<Facts>[] = [];
  #count = 0;

  /** @param countMax Transactions that are remembered. */
  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** Blocks that are kept. */
  get length(): number {
    return this.#blocks.length;
  }

  note(ids: readonly Hash[], facts: Facts): void {
    if (ids.length === 0) return;
    const noted = new Uint8Array(ID_BYTES * ids.length);
    let write = 0;
    for (const id of ids) for (let at = 0; at < ID_BYTES; at++) noted[write++] = id[at] ?? 0;
    this.#blocks.push({ ids: noted, facts });
    this.#count += ids.length;
    // Seldom, for all that stay move.
    if (this.#count >= 2 * this.#countMax) this.#drop();
  }

  /** Hands over what is remembered, and begins anew. */
  take(): readonly NotedBlock<Facts>[] {
    this.#drop();
    const blocks = this.#blocks;
    this.#blocks = [];
    this.#count = 0;
    return blocks;
  }

  #drop(): void {
    let dropped = 0;
    for (const { ids } of this.#blocks) {
      const others = this.#count - ids.length / ID_BYTES;
      if (others < this.#countMax) break;
      this.#count = others;
      dropped += 1;
    }
    if (dropped > 0) this.#blocks.splice(0, dropped);
  }
}
