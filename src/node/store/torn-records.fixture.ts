import { equalBytes, formatHex, TabellionError } from '../../base/index.ts';
import type { Height } from '../../ledger/index.ts';
import type { Space } from '../../storage/index.ts';
import { MemoryStore } from '../../storage/index.ts';
import type { RecordedChain } from './chain.fixture.ts';
import { keysWritten, recordChain, stateAfter } from './chain.fixture.ts';
import type { LedgerStore } from './ledger-store.ts';
import { openLedgerStore } from './ledger-store.ts';
import { STORE_REFUSALS } from './refusals.ts';
import { fetchChunks, SNAPSHOT_OPTIONS, snapshotRequest, takeOver } from './snapshots.fixture.ts';

/** One record to damage. */
export type TornRecord = {
  readonly space: Space;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
};

/**
 * A store that took over a snapshot, kept another since, pruned, and was in the middle of taking
 * over a third when its process ended: every kind of record that there is.
 */
export class TornRecords {
  readonly #chain: RecordedChain;
  readonly #from: LedgerStore;
  readonly #store: MemoryStore;
  readonly #head: number;
  readonly records: readonly TornRecord[];

  private constructor(parts: {
    readonly chain: RecordedChain;
    readonly from: LedgerStore;
    readonly store: MemoryStore;
    readonly head: number;
    readonly records: readonly TornRecord[];
  }) {
    this.#chain = parts.chain;
    this.#from = parts.from;
    this.#store = parts.store;
    this.#head = parts.head;
    this.records = parts.records;
  }

  static async record(): Promise<TornRecords> {
    const chain = recordChain(40);
    const { ledger } = chain;
    const options = { ...SNAPSHOT_OPTIONS, snapshotsKept: 3, checkpointEveryBlocks: 1000 };
    const from = await openLedgerStore({ store: new MemoryStore(), ledger, options });
    for (const request of chain.blocks) await from.commit(request);
    await from.checkpoint();
    const store = new MemoryStore();
    const to = await openLedgerStore({ store, ledger, options });
    to.setRetention({ kind: 'recent', blocks: 3 });
    await takeOver(chain, to, from, 24);
    const head = 34;
    for (const request of chain.blocks.slice(24, head)) await to.commit(request);
    await fetchChunks(await to.beginSnapshot(await snapshotRequest(chain, from, 40)), from, 4);
    await to.close();
    const records: TornRecord[] = [];
    for (const space of ['meta', 'journal', 'blocks', 'pages', 'index'] as const) {
      for (const { key, value } of await store.list(space, { limit: 10_000 })) {
        records.push({ space, key, value });
      }
    }
    return new TornRecords({ chain, from, store: store.crash(), head, records });
  }

  /** Whether the record is one whose loss costs the last block at most. */
  #isLastJournal({ space, key }: TornRecord): boolean {
    const last = this.records.filter((each) => each.space === 'journal').at(-1);
    return space === 'journal' && last !== undefined && equalBytes(key, last.key);
  }

  /** What a store does whose record is damaged; throws when that is neither right nor named. */
  async judge(record: TornRecord, damaged: Uint8Array): Promise<string> {
    const { space, key, value } = record;
    // A copy: what opening repairs shall be whole for the next one.
    const copy = this.#store.copy();
    await copy.write([{ kind: 'put', space, key, value: damaged }], 'strict');
    try {
      return await this.#live(copy, record);
    } catch (error) {
      if (error instanceof TabellionError && STORE_REFUSALS.has(error.code)) return error.code;
      throw new Error(`${space} ${formatHex(key)} of ${value.length} bytes: ${String(error)}`, {
        cause: error,
      });
    }
  }

  async #live(store: MemoryStore, record: TornRecord): Promise<string> {
    const { ledger, blocks } = this.#chain;
    const to = await openLedgerStore({ store, ledger, options: SNAPSHOT_OPTIONS });
    const { height } = to.head().header;
    const least = this.#isLastJournal(record) ? this.#head - 1 : this.#head;
    if (height < least || height > this.#head) throw new Error(`head ${height}`);
    await this.#compare(to, height);
    for (const request of blocks.slice(height, 36)) await to.commit(request);
    await to.checkpoint();
    await this.#compare(to, 36);
    // What was begun goes on, whatever is left of it.
    await takeOver(this.#chain, to, this.#from, 40);
    await this.#compare(to, 40);
    await to.close();
    return 'recovered';
  }

  async #compare(to: LedgerStore, height: number): Promise<void> {
    const { hash } = to.head();
    const wanted = this.#chain.blocks[height - 1]?.block.hash;
    if (wanted === undefined || !equalBytes(hash, wanted)) throw new Error(`not block ${height}`);
    const keys = keysWritten(this.#chain);
    const state = stateAfter(this.#chain, height);
    const values = await to.withState((view) => keys.map((key) => view.get(key)));
    keys.forEach((key, at) => {
      const [left, right] = [values[at], state.get(key)];
      const isSame =
        left === undefined || right === undefined ? left === right : equalBytes(left, right);
      if (!isSame) throw new Error(`a wrong value at ${height}`);
    });
    for (let each = to.earliestHeight(); each <= height; each++) {
      const stored = await to.block(each as Height); // Counted from a height.
      const block = this.#chain.blocks[each - 1]?.block;
      if (stored === undefined || block === undefined || !equalBytes(stored.hash, block.hash)) {
        throw new Error(`block ${each} is missing or wrong`);
      }
    }
  }
}
