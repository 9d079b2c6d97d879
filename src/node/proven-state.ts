import type { Bytes } from '../base/index.ts';
import { equalBytes, formatHex, TabellionError } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { HashSuite } from '../crypto/index.ts';
import type { MissingKeys, StateView } from '../ledger/index.ts';
import { MissingKey } from '../ledger/index.ts';
import type { TrustedBlock } from '../light/index.ts';
import type { StateProof } from '../state/index.ts';
import { STATE_KEY_BYTES_MAX, verifyProof } from '../state/index.ts';
import {
  PROOF_ROUNDS_MAX,
  PROVEN_BYTES_KEPT_MAX,
  PROVEN_KEYS_MAX,
  PROVEN_VALUES_KEPT_MAX,
} from './limits.ts';
import { stateAnswerCodec, stateRequestCodec } from './proof-messages.ts';
import type { PeerQuestions } from './questions.ts';

/** What was proven of the state after one block, by key in hexadecimal. */
class Values {
  readonly head: TrustedBlock;
  readonly #values = new Map<string, Bytes | undefined>();
  #bytes = 0;

  constructor(head: TrustedBlock) {
    this.head = head;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  get(key: string): Bytes | undefined {
    return this.#values.get(key);
  }

  /** A value proven later is the same one. The oldest goes when there are too many. */
  add(key: string, value: Bytes | undefined): void {
    if (this.#values.has(key)) return;
    this.#values.set(key, value);
    this.#bytes += key.length + (value?.length ?? 0);
    for (const [oldest, kept] of this.#values) {
      const isFull =
        this.#values.size > PROVEN_VALUES_KEPT_MAX || this.#bytes > PROVEN_BYTES_KEPT_MAX;
      if (!isFull) return;
      this.#values.delete(oldest);
      this.#bytes -= oldest.length + (kept?.length ?? 0);
    }
  }
}

/**
 * Reads the state after a proven header: what a reading needs is asked of peers, with a proof, and
 * kept while that header is the newest.
 */
export class ProvenStates {
  readonly #suite: HashSuite;
  readonly #questions: PeerQuestions;
  #newest: Values | undefined;

  constructor(suite: HashSuite, questions: PeerQuestions) {
    this.#suite = suite;
    this.#questions = questions;
  }

  /** Nothing proven before is used any more. */
  clear(): void {
    this.#newest = undefined;
  }

  /**
   * Runs a synchronous reading on the state after `head`, as often as it takes. Rejects with
   * `proof-unavailable` when no peer proves what it needs, and with `aborted`.
   *
   * @param enter Called before every run: what the reading asks about the head is this one.
   */
  async read<Value>(
    head: TrustedBlock,
    reading: (view: StateView) => Value,
    options: { readonly signal?: AbortSignal | undefined; readonly enter: () => void },
  ): Promise<Exclude<Value, MissingKeys>> {
    const values = this.#valuesOf(head);
    for (let round = 0; round < PROOF_ROUNDS_MAX; round++) {
      options.enter();
      const run = attemptAhead(values, reading);
      if (run.kind === 'read') return run.value;
      await this.#load(values, run.keys, options.signal);
    }
    throw new TabellionError('proof-unavailable', { reason: 'too-deep' });
  }

  /** A proof of some distinct keys. Rejects as `read` does. */
  async prove(
    head: TrustedBlock,
    keys: readonly Bytes[],
    signal: AbortSignal | undefined,
  ): Promise<StateProof> {
    const { height, stateRoot } = head.header;
    const proof = await this.#questions.ask<StateProof>({
      kind: 'state',
      body: encode(stateRequestCodec, { height, keys }),
      signal,
      judge: (answer) => {
        const decoded = decode(stateAnswerCodec, answer);
        if (!decoded.ok) return { kind: 'bad', fault: 'malformed-answer' };
        const { proof: told } = decoded.value;
        if (told === undefined) return { kind: 'absent' };
        const verified = verifyProof(this.#suite, stateRoot, keys, told);
        return verified.ok ? { kind: 'good', value: told } : { kind: 'bad', fault: 'false-proof' };
      },
    });
    if (proof === undefined) throw new TabellionError('proof-unavailable', { height });
    const proven = verifyProof(this.#suite, stateRoot, keys, proof);
    if (!proven.ok) throw new TabellionError('proof-unavailable', { height });
    const values = this.#valuesOf(head);
    for (const { key, value } of proven.value) values.add(formatHex(key), value);
    return proof;
  }

  async #load(
    values: Values,
    keys: readonly Bytes[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const parts: Bytes[][] = [];
    for (let at = 0; at < keys.length; at += PROVEN_KEYS_MAX) {
      parts.push(keys.slice(at, at + PROVEN_KEYS_MAX));
    }
    const { height, stateRoot } = values.head.header;
    await Promise.all(
      parts.map(async (part) => {
        const proof = await this.prove(values.head, part, signal);
        const proven = verifyProof(this.#suite, stateRoot, part, proof);
        if (!proven.ok) throw new TabellionError('proof-unavailable', { height });
        for (const { key, value } of proven.value) values.add(formatHex(key), value);
      }),
    );
  }

  /** Of an older head, values are kept for one reading alone. */
  #valuesOf(head: TrustedBlock): Values {
    const newest = this.#newest;
    if (newest !== undefined && equalBytes(newest.head.hash, head.hash)) return newest;
    const values = new Values(head);
    if (newest === undefined || newest.head.header.height <= head.header.height) {
      this.#newest = values;
    }
    return values;
  }
}

type Run<Value> =
  | { readonly kind: 'read'; readonly value: Exclude<Value, MissingKeys> }
  | { readonly kind: 'missing'; readonly keys: readonly Bytes[] };

/**
 * Runs a reading to its end even where values are missing, as if these were absent, to learn in
 * one go what it will need; what it says then is thrown away. A reading that met no missing key
 * says the truth.
 */
function attemptAhead<Value>(values: Values, reading: (view: StateView) => Value): Run<Value> {
  const missing = new Map<string, Bytes>();
  const view: StateView = {
    get(key) {
      const text = formatHex(key);
      if (values.has(text)) return values.get(text);
      // No state holds such a key, and no peer could prove it.
      if (key.length > STATE_KEY_BYTES_MAX) throw new TabellionError('proof-unavailable');
      missing.set(text, new Uint8Array(key));
      if (missing.size >= MISSING_KEYS_MAX) throw new MissingKey(key);
      return undefined;
    },
  };
  try {
    const value = reading(view);
    // Nothing is missing, so it cannot have answered that something is.
    if (missing.size === 0) return { kind: 'read', value: value as Exclude<Value, MissingKeys> };
  } catch (error) {
    // What a reading makes of values that are not there means nothing.
    if (missing.size === 0) throw error;
  }
  return { kind: 'missing', keys: [...missing.values()] };
}

/** Keys that one run may learn of; a reading of more goes on in the next round. */
const MISSING_KEYS_MAX = 4 * PROVEN_KEYS_MAX;
