import { equalBytes, formatHex } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Header, Ledger, StateView } from '../ledger/index.ts';
import type { LedgerStore } from '../node/index.ts';
import { rootOfEntries } from '../state/index.ts';
import type { SignatureVerifier } from '../verifier/index.ts';
import { expectThat } from './failure.ts';

type Leaf = {
  readonly key: Uint8Array<ArrayBuffer>;
  readonly value: Uint8Array<ArrayBuffer>;
  readonly changedAt: number;
};

/**
 * Executes every block once more from genesis, on a plain map, and computes roots by their
 * definition: it shares neither tree nor store with the nodes that are killed.
 */
export class Witness implements StateView {
  readonly #ledger: Ledger;
  readonly #verifier: SignatureVerifier;
  readonly #leaves = new Map<string, Leaf>();
  readonly #hashes: Hash[] = [];
  #head: Header;

  constructor(ledger: Ledger, verifier: SignatureVerifier) {
    this.#ledger = ledger;
    this.#verifier = verifier;
    this.#apply(0, ledger.genesis.changes);
    this.#head = ledger.genesisHeader(this.#root());
    this.#hashes.push(ledger.blockHash(this.#head));
  }

  get(key: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
    return this.#leaves.get(formatHex(key))?.value;
  }

  get height(): number {
    return this.#head.height;
  }

  hashAt(height: number): Hash | undefined {
    return this.#hashes[height];
  }

  #apply(height: number, changes: Ledger['genesis']['changes']): void {
    for (const { key, value } of changes) {
      const name = formatHex(key);
      if (value === undefined) this.#leaves.delete(name);
      else this.#leaves.set(name, { key, value, changedAt: height });
    }
  }

  #root(): Hash {
    return rootOfEntries(this.#ledger.suite, [...this.#leaves.values()]);
  }

  /** Follows a store's chain to its head, and compares all that it holds with its own. */
  async compare(store: LedgerStore): Promise<void> {
    const head = store.head();
    const { height } = head.header;
    while (this.#head.height < height) await this.#execute(store, this.#head.height + 1);
    for (let at = height; at >= Math.max(0, height - 20); at--) {
      const block = await store.block(at as Header['height']); // Counted down from one.
      expectThat(block !== undefined, `block ${at} is lost`);
      const own = this.#hashes[at];
      const isSame = own !== undefined && equalBytes(block.hash, own);
      expectThat(isSame, `another block at height ${at}: a fork`);
    }
    if (this.#head.height > height) return; // An older head: its root was compared back then.
    expectThat(equalBytes(this.#root(), head.header.stateRoot), `another state root at ${height}`);
    const leaves = [...this.#leaves.values()];
    const values = await store.withState((view) => leaves.map(({ key }) => view.get(key)));
    leaves.forEach(({ key, value }, index) => {
      const found = values[index];
      const isSame = found !== undefined && equalBytes(found, value);
      expectThat(isSame, `another value of ${formatHex(key)} at ${height}`);
    });
  }

  async #execute(store: LedgerStore, height: number): Promise<void> {
    const ledger = this.#ledger;
    const stored = await store.block(height as Header['height']); // Below the store's head.
    expectThat(stored !== undefined, `block ${height} is lost`);
    const block = ledger.prepareBlock(stored.blockBytes);
    expectThat(block.ok, `block ${height} cannot be decoded`);
    const { header } = block.value.block;
    const valid = ledger.validateHeader(this.#head, header, block.value.transactions);
    expectThat(valid.ok, `the header of block ${height} does not follow`);
    const claims = block.value.transactions.map(({ claims: each }) => each);
    const verdicts = await this.#verifier.verify(claims.flat());
    let at = 0;
    const transactions = block.value.transactions.map((prepared) => {
      const own = verdicts.slice(at, at + prepared.claims.length);
      at += prepared.claims.length;
      const verified = ledger.verifyTransaction(prepared, own);
      expectThat(verified.ok, `a bad signature in block ${height}`);
      return verified.value;
    });
    const verdict = ledger.executeBlock(this, header, transactions);
    expectThat(verdict.kind === 'executed', `block ${height} does not execute`);
    expectThat(
      equalBytes(verdict.receiptsRoot, header.receiptsRoot),
      `other receipts in block ${height}`,
    );
    this.#apply(height, verdict.changes);
    this.#head = header;
    this.#hashes.push(ledger.blockHash(header));
  }
}
