import { equalBytes, formatHex } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Header, Height, Ledger, StateView } from '../ledger/index.ts';
import type { LedgerStore } from '../node/index.ts';
import { rootOfEntries } from '../state/index.ts';
import type { SignatureVerifier } from '../verifier/index.ts';
import { expectThat } from './failure.ts';

type Change = {
  readonly key: Uint8Array<ArrayBuffer>;
  readonly value: Uint8Array<ArrayBuffer> | undefined;
};
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
  /** What each block changed, genesis first. */
  readonly #changes: (readonly Change[])[] = [];
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
    this.#changes.push(changes);
    for (const { key, value } of changes) {
      const name = formatHex(key);
      if (value === undefined) this.#leaves.delete(name);
      else this.#leaves.set(name, { key, value, changedAt: height });
    }
  }

  #root(): Hash {
    return rootOfEntries(this.#ledger.suite, [...this.#leaves.values()]);
  }

  /** Every key that was ever written, and its value after the block of a height. */
  #valuesAt(height: number): ReadonlyMap<string, Change> {
    const values = new Map<string, Change>();
    for (const [at, changes] of this.#changes.entries()) {
      for (const { key, value } of changes) {
        const name = formatHex(key);
        if (at <= height) values.set(name, { key, value });
        else if (!values.has(name)) values.set(name, { key, value: undefined });
      }
    }
    return values;
  }

  /** Executes what a store's chain has above the own head. */
  async follow(store: LedgerStore): Promise<void> {
    const { height } = store.head().header;
    while (this.#head.height < height) await this.#execute(store, this.#head.height + 1);
  }

  /** Follows a store's chain to its head, and compares all that it holds with its own. */
  async compare(store: LedgerStore): Promise<void> {
    await this.follow(store);
    const { header, hash } = store.head();
    const { height } = header;
    expectThat(this.#isOwn(height, hash), `another block at height ${height}: a fork`);
    for (let at = height; at >= Math.max(store.earliestHeight(), height - 20); at--) {
      const block = await store.block(at as Height); // Counted down from one.
      expectThat(block !== undefined, `block ${at} is lost`);
      expectThat(this.#isOwn(at, block.hash), `another block at height ${at}: a fork`);
    }
    const isNewest = this.#head.height === height;
    // That of an older head was compared when it was the newest.
    const isRoot = !isNewest || equalBytes(this.#root(), header.stateRoot);
    expectThat(isRoot, `another state root at ${height}`);
    const all = [...this.#valuesAt(height).values()];
    const keys = all.map(({ key }) => key);
    const values = await store.withState((view) => keys.map((key) => view.get(key)), keys);
    all.forEach(({ key, value }, index) => {
      const found = values[index];
      const isSame =
        found === undefined || value === undefined ? found === value : equalBytes(found, value);
      expectThat(isSame, `another value of ${formatHex(key)} at ${height}`);
    });
  }

  #isOwn(height: number, hash: Hash): boolean {
    const own = this.#hashes[height];
    return own !== undefined && equalBytes(hash, own);
  }

  async #execute(store: LedgerStore, height: number): Promise<void> {
    const ledger = this.#ledger;
    const stored = await store.block(height as Height); // Below the store's head.
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
