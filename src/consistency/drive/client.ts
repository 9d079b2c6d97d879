import { setTimeout as wait } from 'node:timers/promises';
import { equalBytes, formatHex, TabellionError } from '../../base/index.ts';
import type { Hash } from '../../crypto/index.ts';
import type { Height } from '../../ledger/index.ts';
import { NATIVE_ASSET } from '../../ledger/index.ts';
import type { Client, MethodName, ParamsOf, ProofAnchor, ResultOf } from '../../sdk/index.ts';
import {
  createClient,
  httpTransport,
  verifyAccountProof,
  verifyTransactionProof,
  webSocketTransport,
} from '../../sdk/index.ts';
import type { Finding, Status, Submission } from '../history.ts';
import type { Person, SignedTransfer } from './people.ts';
import type { Recorder } from './recorder.ts';

/** A call without an answer after this is over for the client; the relay may be paused or dead. */
const CALL_MS = 2_500;
/** How long a strict read waits for its relay to come up with the others. */
const CATCH_UP_MS = 8_000;
const POLL_MS = 25;
const ACTIVITY_ENTRIES = 20;
const BLOCKS_LISTED = 8;

/**
 * Codes that say nothing about what was asked: the relay was away or busy, or the question got
 * lost. Anything else is an answer, or a fault that ends the run.
 */
const NO_ANSWER = new Set([
  ...['timed-out', 'aborted', 'connection-failed', 'node-not-ready', 'node-stopped'],
  ...['store-closed', 'rate-limited', 'too-many-calls'],
]);
/** A fault of the relay itself: the transaction may have got in before. */
const FAULTS = new Set(['internal-error', 'answer-malformed', 'store-full', 'store-failed']);

type Options = {
  readonly number: number;
  readonly relay: number;
  readonly rpc: string;
  readonly webSocket: string;
  readonly recorder: Recorder;
  readonly anchor: ProofAnchor;
};

/** Asks one relay, and writes down every answer. */
export class RecordingClient {
  readonly #options: Options;
  readonly #http: Client;
  readonly #socket: Client;
  readonly #proven = new Set<string>();

  constructor(options: Options) {
    this.#options = options;
    this.#http = createClient(httpTransport(options.rpc));
    this.#socket = createClient(webSocketTransport(options.webSocket));
    this.#socket.subscribe('heads', {}, ({ height, hash }) =>
      this.#told({ kind: 'head', height, hash: formatHex(hash) }),
    );
  }

  get relay(): number {
    return this.#options.relay;
  }

  /** Is told of every step of a transaction as well. */
  follow(id: Hash): void {
    this.#socket.subscribe('transaction', { id }, (status) =>
      this.#told({ kind: 'status', id: formatHex(id), status: statusOf(status) }),
    );
  }

  /** Is told of an account whenever a block changed it. */
  watch({ address }: Person): void {
    this.#socket.subscribe('account', { address }, (account) =>
      this.#told({ ...accountOf(account), isStrict: false }),
    );
  }

  close(): void {
    this.#http.close();
    this.#socket.close();
  }

  /** Submits over HTTP, or over the WebSocket. */
  async submit(transfer: SignedTransfer, way: 'http' | 'socket' = 'http'): Promise<Submission> {
    const { id, bytes } = transfer;
    const invokedAt = this.#moment();
    let submission: Submission = { kind: 'accepted' };
    try {
      const client = way === 'http' ? this.#http : this.#socket;
      await client.transaction.submit(bytes, { signal: AbortSignal.timeout(CALL_MS) });
    } catch (error) {
      const code = error instanceof TabellionError ? error.code : undefined;
      if (code === undefined || FAULTS.has(code)) throw error;
      submission = NO_ANSWER.has(code) ? { kind: 'ambiguous' } : { kind: 'refused', code };
    }
    this.#note(invokedAt, { kind: 'submitted', id, submission });
    return submission;
  }

  async head(): Promise<number | undefined> {
    const invokedAt = this.#moment();
    const answer = await this.#ask('node.status', {});
    if (answer === undefined) return undefined;
    const { height, hash } = answer.head;
    this.#note(invokedAt, { kind: 'head', height, hash: formatHex(hash) });
    return height;
  }

  /** An account; strictly, that is after waiting for the highest height known to anybody. */
  async account({ address }: Person, isStrict = false): Promise<number | undefined> {
    const invokedAt = this.#moment();
    if (isStrict && !(await this.#catchUp(this.#options.recorder.heightMax))) return undefined;
    const answer = await this.#ask('account.get', { address });
    if (answer === undefined) return undefined;
    this.#note(invokedAt, { ...accountOf(answer), isStrict });
    return answer.sequence;
  }

  /** An account by its proof, which is checked. */
  async provenAccount({ address, name }: Person): Promise<void> {
    const { anchor } = this.#options;
    const invokedAt = this.#moment();
    const question = { address, assets: undefined };
    const proof = await this.#ask('account.proof', question, 'proof-unavailable');
    // Genesis needs no certificate, and no client may take a relay's word for its hash.
    if (proof === undefined || proof.header.height === 0) return;
    const proven = await verifyAccountProof(anchor, proof, { address });
    if (!proven.ok) {
      this.#note(invokedAt, { kind: 'proof', id: name, fault: proven.error.code });
      return;
    }
    const { sequence, balances } = proven.value.value;
    const { height } = proof.header;
    const balance = balances[0]?.amount ?? 0n;
    const read = { account: name, height, sequence, balance, isStrict: false };
    this.#note(invokedAt, { kind: 'account', ...read });
  }

  async block(height: number): Promise<void> {
    const invokedAt = this.#moment();
    try {
      const at = height as Height; // From a history.
      const question = { height: at, hash: undefined, isHeaderOnly: undefined };
      const block = await this.#ask('block.get', question);
      if (block === undefined) return;
      const transactions = block.transactions.map(({ id }) => formatHex(id));
      const hash = formatHex(block.hash);
      this.#note(invokedAt, { kind: 'block', height: block.header.height, hash, transactions });
    } catch (error) {
      if (!(error instanceof TabellionError) || error.code !== 'height-unknown') throw error;
      this.#note(invokedAt, { kind: 'block', height, hash: undefined, transactions: undefined });
    }
  }

  /** Summaries of blocks, newest first. */
  async blocks(before: number): Promise<void> {
    const invokedAt = this.#moment();
    const question = { before: before as Height, limit: BLOCKS_LISTED }; // From a history.
    const answer = await this.#ask('block.list', question);
    for (const { height, hash } of answer?.blocks ?? []) {
      this.#note(invokedAt, {
        ...{ kind: 'block', height, hash: formatHex(hash), transactions: undefined },
      });
    }
  }

  async activity({ address, name }: Person): Promise<void> {
    const invokedAt = this.#moment();
    const answer = await this.#ask('account.history', {
      ...{ address, before: undefined },
      limit: ACTIVITY_ENTRIES,
    });
    if (answer === undefined) return;
    const places = answer.entries.map(({ id, height }) => ({ id: formatHex(id), height }));
    this.#note(invokedAt, { kind: 'activity', account: name, places });
  }

  /** Where a transaction is told to be final, a proof is asked for, the first time. */
  async status(hash: Hash): Promise<Status | undefined> {
    const id = formatHex(hash);
    const invokedAt = this.#moment();
    const answer = await this.#ask('transaction.status', { id: hash });
    if (answer === undefined) return undefined;
    const status = statusOf(answer);
    this.#note(invokedAt, { kind: 'status', id, status });
    if (status.stage === 'final' && !this.#proven.has(id)) {
      this.#proven.add(id);
      await this.#prove(hash);
    }
    return status;
  }

  async supply(): Promise<void> {
    const invokedAt = this.#moment();
    const answer = await this.#ask('asset.get', { asset: NATIVE_ASSET });
    if (answer !== undefined) this.#note(invokedAt, { kind: 'supply', amount: answer.supply });
  }

  /** An answer to a question that is not part of the history. */
  ask<Name extends MethodName>(name: Name, params: ParamsOf<Name>): Promise<ResultOf<Name>> {
    return this.#http.call(name, params, { signal: AbortSignal.timeout(10 * CALL_MS) });
  }

  async #prove(hash: Hash): Promise<void> {
    const id = formatHex(hash);
    const invokedAt = this.#moment();
    let fault: string | undefined;
    try {
      const proof = await this.#ask('transaction.proof', { id: hash });
      if (proof === undefined) return;
      const verdict = await verifyTransactionProof(this.#options.anchor, proof);
      if (!verdict.ok) fault = verdict.error.code;
    } catch (error) {
      if (!(error instanceof TabellionError)) throw error;
      fault = error.code;
    }
    this.#note(invokedAt, { kind: 'proof', id, fault });
  }

  async #catchUp(height: number): Promise<boolean> {
    const untilMs = performance.now() + CATCH_UP_MS;
    while (((await this.head()) ?? -1) < height) {
      if (performance.now() > untilMs) return false;
      await wait(POLL_MS);
    }
    return true;
  }

  /** An answer; undefined if there is none, or only that `isNone`. */
  async #ask<Name extends MethodName>(
    name: Name,
    params: ParamsOf<Name>,
    isNone?: string,
  ): Promise<ResultOf<Name> | undefined> {
    try {
      return await this.#http.call(name, params, { signal: AbortSignal.timeout(CALL_MS) });
    } catch (error) {
      if (!(error instanceof TabellionError)) throw error;
      if (NO_ANSWER.has(error.code) || error.code === isNone) return undefined;
      throw error;
    }
  }

  #moment(): number {
    return this.#options.recorder.moment();
  }

  #note(invokedAt: number, finding: Finding): void {
    const { recorder, number, relay } = this.#options;
    recorder.note({ client: number, relay }, invokedAt, finding);
  }

  #told(finding: Finding): void {
    const { recorder, number, relay } = this.#options;
    recorder.notePushed({ client: number, relay }, finding);
  }
}

function accountOf(view: ResultOf<'account.get'>) {
  const { address, height, sequence, balances } = view;
  const native = balances.find(({ asset }) => equalBytes(asset, NATIVE_ASSET));
  const balance = native?.amount ?? 0n;
  return { kind: 'account', account: formatHex(address), height, sequence, balance } as const;
}

function statusOf({ stage, height, index, code }: ResultOf<'transaction.status'>): Status {
  return { stage, height, index, code };
}
