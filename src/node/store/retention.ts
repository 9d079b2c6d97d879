import type { Bytes } from '../../base/index.ts';
import { concatBytes } from '../../base/index.ts';
import type { WriteOperation } from '../../storage/index.ts';
import type { Core } from './core.ts';
import { writeNamed } from './core.ts';
import { PRUNE_BLOCKS_PER_STEP } from './limits.ts';
import { orderedKey } from './records.ts';
import { HISTORY_KEY, historyRecordCodec, sealed } from './snapshot-records.ts';

/** Deletes blocks that are kept no longer, a few in a write, lowest first. */
export class Pruner {
  readonly #core: Core;
  /** Nothing is below it. */
  #cursor: Bytes = orderedKey(0);

  constructor(core: Core) {
    this.#core = core;
  }

  /** One step; whether there is nothing more below a height. What is there stays findable. */
  async step(earliest: number): Promise<boolean> {
    const { store, ledger } = this.#core;
    const to = orderedKey(earliest);
    const limit = PRUNE_BLOCKS_PER_STEP;
    const entries = await store.list('blocks', { from: this.#cursor, to, limit });
    const last = entries.at(-1);
    if (last === undefined) return true;
    const value = sealed(ledger.suite, historyRecordCodec, { earliest });
    await writeNamed(this.#core, 'prune', [
      { kind: 'put', space: 'meta', key: HISTORY_KEY, value },
      ...entries.map(({ key }): WriteOperation => ({ kind: 'delete', space: 'blocks', key })),
    ]);
    this.#cursor = concatBytes(last.key, Uint8Array.of(0)); // The least key above it.
    return entries.length < limit;
  }
}
