import type { Bytes } from '../base/index.ts';
import { formatHex } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';

const ID_BYTES = 32;

/**
 * Hexadecimal ids of transactions that can never be executed again, the oldest forgotten first.
 * Those of whole blocks are made into texts only once somebody asks: a node that syncs is asked for
 * none, and has ten thousands a second.
 */
export class FinishedIds {
  readonly #countMax: number;
  readonly #known = new Set<string>();
  /** Ids of blocks, one after the other, that are not in the set yet; oldest first. */
  #noted: Bytes[] = [];
  #notedBytes = 0;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  get size(): number {
    this.#recall();
    return this.#known.size;
  }

  has(key: string): boolean {
    this.#recall();
    return this.#known.has(key);
  }

  add(key: string): void {
    this.#recall();
    this.#keep(key);
  }

  /** As `add`, of all transactions of a block. */
  addBlock(ids: readonly Hash[]): void {
    const noted = new Uint8Array(ID_BYTES * ids.length);
    let write = 0;
    for (const id of ids) for (let at = 0; at < ID_BYTES; at++) noted[write++] = id[at] ?? 0;
    this.#noted.push(noted);
    this.#notedBytes += noted.length;
    let first = this.#noted[0];
    // The rest alone is as many as are remembered.
    while (first !== undefined && this.#notedBytes - first.length >= ID_BYTES * this.#countMax) {
      this.#noted.shift();
      this.#notedBytes -= first.length;
      first = this.#noted[0];
    }
  }

  #recall(): void {
    if (this.#noted.length === 0) return;
    for (const noted of this.#noted) {
      for (let at = 0; at < noted.length; at += ID_BYTES) {
        this.#keep(formatHex(noted.subarray(at, at + ID_BYTES)));
      }
    }
    this.#noted = [];
    this.#notedBytes = 0;
  }

  #keep(key: string): void {
    this.#known.add(key);
    if (this.#known.size <= this.#countMax) return;
    for (const oldest of this.#known) {
      this.#known.delete(oldest);
      break;
    }
  }
}
