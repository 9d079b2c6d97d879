import { formatHex } from '../base/index.ts';
import type { Ledger } from '../ledger/index.ts';
import { evidenceStored, votesLogged } from '../node/index.ts';
import type { KeyValueStore } from '../storage/index.ts';
import { expectThat } from './failure.ts';

/** Every vote that any log ever held, of whichever life of a validator. */
export class VoteBook {
  readonly #choices = new Map<string, string>();

  get size(): number {
    return this.#choices.size;
  }

  /** Takes what a store's log holds; one vote that contradicts another is a failure. */
  async read(store: KeyValueStore, ledger: Ledger): Promise<void> {
    for (const { vote } of await votesLogged(store, ledger)) {
      const { validatorIndex, height, round, kind, blockHash } = vote;
      const slot = `member ${validatorIndex}: ${kind} ${height}/${round}`;
      const choice = blockHash === undefined ? 'nil' : formatHex(blockHash);
      const before = this.#choices.get(slot) ?? choice;
      expectThat(before === choice, `two votes of ${slot}: ${before} and ${choice}`);
      this.#choices.set(slot, choice);
    }
    const evidence = await evidenceStored(store);
    expectThat(evidence.length === 0, `${evidence.length} proofs that somebody voted twice`);
  }
}
