import { encodeUtf8 } from '../base/index.ts';
import type { Height } from '../ledger/index.ts';
import type { KeyValueStore } from '../storage/index.ts';

const SIGNED_KEY = encodeUtf8('validator-signed');
/** The key says all; the value only has to exist. */
const SIGNED_VALUE = Uint8Array.of(1);

export type SigningGuardOptions = {
  readonly store: KeyValueStore;
  /** Height of the head when the guard was made. */
  readonly headHeight: Height;
  /** The height being decided now. */
  nextHeight(): Height;
};

/**
 * Keeps a validator from contradicting a former life that its log does not tell of.
 *
 * A store in which this validator never signed may belong to one that lost its data: as long as it
 * only copies blocks from peers, its former self may have voted at the height after the head, so it
 * signs one height later at the earliest. And whoever just woke up first compares its head with a
 * peer's: votes for a height that others decided long ago help nobody.
 */
export class SigningGuard {
  readonly #options: SigningGuardOptions;
  #hasSigned: boolean;
  #signFrom: number;
  #isClosed = false;
  #release: () => void = () => undefined;
  readonly #released: Promise<void>;

  private constructor(options: SigningGuardOptions, hasSigned: boolean) {
    this.#options = options;
    this.#hasSigned = hasSigned;
    const { headHeight } = options;
    this.#signFrom = hasSigned || headHeight === 0 ? 0 : headHeight + 2;
    this.#released = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  /** Reads whether this store's validator ever signed. */
  static async load(options: SigningGuardOptions): Promise<SigningGuard> {
    const record = await options.store.get('meta', SIGNED_KEY);
    return new SigningGuard(options, record !== undefined);
  }

  /** A block came from peers, decided without us. */
  imported(height: Height): void {
    if (!this.#hasSigned) this.#signFrom = height + 2;
  }

  /** This node's head was compared with others', or nobody can be asked. */
  release(): void {
    this.#release();
  }

  /** Answers no more: whoever waits is told not to sign. */
  close(): void {
    this.#isClosed = true;
    this.#release();
  }

  /** Whether to sign at a height; waits until the head was compared. */
  async admits(height: Height): Promise<boolean> {
    await this.#released;
    if (this.#isClosed || height < this.#signFrom) return false;
    // Decided by others while we waited: a vote for it comes too late.
    return height === this.#options.nextHeight();
  }

  /** To be awaited before a first signature leaves. */
  async remember(): Promise<void> {
    if (this.#hasSigned) return;
    const put = { kind: 'put', space: 'meta', key: SIGNED_KEY, value: SIGNED_VALUE } as const;
    await this.#options.store.write([put], 'strict');
    this.#hasSigned = true;
  }
}
