import type { Result } from '../base/index.ts';
import { formatHex, ok } from '../base/index.ts';
import type { Hash, SignatureClaim, Verified } from '../crypto/index.ts';
import type { Ledger, PreparedTransaction, TransactionError } from '../ledger/index.ts';
import type { SignatureVerifier } from '../verifier/index.ts';
import { VERIFIED_BYTES_KEPT_MAX, VERIFIED_TRANSACTIONS_KEPT_MAX } from './limits.ts';

type VerifiedTransaction = Verified<PreparedTransaction>;

/**
 * Transactions whose signatures held, by the hash of their signed bytes, until they are in a block
 * or too many others came after them.
 */
export class VerifiedTransactions {
  /** Oldest first. */
  readonly #kept = new Map<string, VerifiedTransaction>();
  #bytes = 0;

  get(signedHash: Hash): VerifiedTransaction | undefined {
    // A node that only syncs never has any.
    return this.#kept.size === 0 ? undefined : this.#kept.get(formatHex(signedHash));
  }

  add(verified: VerifiedTransaction): void {
    const key = formatHex(verified.signedHash);
    if (this.#kept.has(key)) return;
    this.#kept.set(key, verified);
    this.#bytes += verified.bytes.length;
    for (const oldest of this.#kept.keys()) {
      const isFull =
        this.#kept.size > VERIFIED_TRANSACTIONS_KEPT_MAX || this.#bytes > VERIFIED_BYTES_KEPT_MAX;
      if (!isFull) return;
      this.#forget(oldest);
    }
  }

  /**
   * All signatures of a block that no earlier check covers, in one batch. The only place where
   * transactions count as verified that nobody verified: where a checkpoint vouches for the block.
   */
  async verifyAll(
    { ledger, verifier }: { readonly ledger: Ledger; readonly verifier: SignatureVerifier },
    transactions: readonly PreparedTransaction[],
    isVouched: boolean,
  ): Promise<Result<readonly VerifiedTransaction[], TransactionError>> {
    // Looked up before waiting: what is known may be forgotten meanwhile.
    const known = transactions.map(({ signedHash }) => this.get(signedHash));
    const claims: SignatureClaim[] = [];
    for (let index = 0; index < transactions.length; index++) {
      if (known[index] === undefined) claims.push(...(transactions[index]?.claims ?? []));
    }
    const verdicts = isVouched ? claims.map(() => true) : await verifier.verify(claims);
    const verified: VerifiedTransaction[] = [];
    let from = 0;
    for (let index = 0; index < transactions.length; index++) {
      const prepared = transactions[index] as PreparedTransaction; // Inside.
      const before = known[index];
      if (before !== undefined) {
        verified.push(before);
        continue;
      }
      const to = from + prepared.claims.length;
      const fresh = ledger.verifyTransaction(prepared, verdicts.slice(from, to));
      if (!fresh.ok) return fresh;
      verified.push(fresh.value);
      from = to;
    }
    return ok(verified);
  }

  /** Lets go of those of a block. */
  deleteAll(transactions: readonly PreparedTransaction[]): void {
    if (this.#kept.size === 0) return;
    for (const { signedHash } of transactions) this.#forget(formatHex(signedHash));
  }

  #forget(key: string): void {
    this.#bytes -= this.#kept.get(key)?.bytes.length ?? 0;
    this.#kept.delete(key);
  }
}
