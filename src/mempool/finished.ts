import { formatHex } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import { NotedBlocks } from './noted.ts';

const ID_BYTES = 32;

/**
 * Hexadecimal ids of transactions that can never be executed again, the oldest forgotten first.
 * Those of whole blocks are made into texts only once somebody asks: a node that syncs is asked for
 * none, and has ten thousands a second.
 */
export class FinishedIds {
  readonly #countMax: number;
  readonly #known = new Set<string>();
  /** Blocks whose ids are not in the set yet. */
  readonly #noted: NotedBlocks<undefined>;

  constructor(countMax: number) {
    this.#countMax = countMax;
    this.#noted = new NotedBlocks(countMax);
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
    this.#noted.note(ids, undefined);
  }

  #recall(): void {
    if (this.#noted.length === 0) return;
    for (const { ids } of this.#noted.take()) {
      for (let at = 0; at < ids.length; at += ID_BYTES) {
        this.#keep(formatHex(ids.subarray(at, at + ID_BYTES)));
      }
    }
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
