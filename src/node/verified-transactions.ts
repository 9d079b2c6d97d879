import { formatHex } from '../base/index.ts';
import type { Hash, Verified } from '../crypto/index.ts';
import type { PreparedTransaction } from '../ledger/index.ts';
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

  delete(signedHash: Hash): void {
    if (this.#kept.size > 0) this.#forget(formatHex(signedHash));
  }

  #forget(key: string): void {
    this.#bytes -= this.#kept.get(key)?.bytes.length ?? 0;
    this.#kept.delete(key);
  }
}
