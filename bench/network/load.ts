import type { JsonObject } from '../../src/base/index.ts';
import { formatAddress } from '../../src/ledger/index.ts';
import type { Payer, Signed } from './payers.ts';
import type { RpcSocket } from './socket.ts';

/** What became of everything that was submitted. */
export type LoadResult = {
  readonly submitted: number;
  /** Submissions by how they ended: `final`, or the code of the refusal. */
  readonly verdicts: ReadonlyMap<string, number>;
  /** Milliseconds into the measured time at which each transaction was found final, in order. */
  readonly finalAtMs: readonly number[];
  /** Milliseconds from submission to the news that it is final. */
  readonly latenciesMs: readonly number[];
};

export type LoadOptions = {
  /** Under the same load, and not counted: engines compile what is used often. */
  readonly warmUpMs: number;
  readonly durationMs: number;
  readonly signedPerPayer: number;
  /** Called when the measured time begins, and when it ends. */
  onMoment(): Promise<void>;
};

/** Calls of one JSON-RPC batch. */
const BATCH_MAX = 50;
const STATUSES_MAX = 200;
/** Own transactions of one account on their way at a time. */
const IN_FLIGHT_MAX = 4;
/** What was submitted by the end has this long to be decided. */
const DRAIN_MS = 30_000;

/** Another validator has this long to commit what one calls final. */
const BEHIND_MS_MAX = 10_000;

type Sender = { readonly payer: Payer; readonly signed: Signed[]; next: number; inFlight: number };
type Pending = { readonly sender: Sender; readonly sentMs: number };

/**
 * A closed loop: each account keeps a few payments on their way, and sends the next one when an
 * earlier one is final. Accounts are spread over the sockets; verdicts are asked for in bulk after
 * each block.
 */
export async function runLoad(
  sockets: readonly RpcSocket[],
  payers: readonly Payer[],
  options: LoadOptions,
): Promise<LoadResult> {
  const results = await prepare(payers, options.signedPerPayer);
  const loops = sockets.map(
    (socket, index) =>
      new Loop(
        socket,
        results.filter((_, at) => at % sockets.length === index),
      ),
  );
  await Promise.all(loops.map((loop) => loop.open()));
  const { warmUpMs, durationMs, onMoment } = options;
  const startedMs = performance.now() + warmUpMs;
  const moments = [warmUpMs, warmUpMs + durationMs].map(async (delayMs) => {
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await onMoment();
  });
  await Promise.all([...loops.map((loop) => loop.run(startedMs, durationMs)), ...moments]);
  const verdicts = new Map<string, number>();
  for (const loop of loops) {
    for (const [code, count] of loop.verdicts) {
      verdicts.set(code, (verdicts.get(code) ?? 0) + count);
    }
  }
  await assertSequences(sockets, results);
  return {
    submitted: loops.reduce((sum, { submitted }) => sum + submitted, 0),
    verdicts,
    finalAtMs: loops.flatMap(({ finalAtMs }) => finalAtMs).sort((left, right) => left - right),
    latenciesMs: loops.flatMap(({ latenciesMs }) => latenciesMs),
  };
}

/** Signs ahead, so that the measured time holds the network's work alone. */
function prepare(payers: readonly Payer[], count: number): Sender[] {
  return payers.map((payer, index) => {
    const to = payers[(index + 1) % payers.length] ?? payer;
    const signed = Array.from({ length: count }, (_, at) =>
      payer.pay(1 + at, [{ recipient: to.address, amount: 1n }]),
    );
    return { payer, signed, next: 0, inFlight: 0 };
  });
}

/** Every account's sequence, as another validator tells it, is the number of its final payments. */
async function assertSequences(
  sockets: readonly RpcSocket[],
  senders: readonly Sender[],
): Promise<void> {
  for (const [index, { payer, next }] of senders.entries()) {
    const socket = sockets[(index + 1) % sockets.length];
    const address = formatAddress(payer.address);
    const untilMs = performance.now() + BEHIND_MS_MAX;
    // The other may be a block or two behind.
    for (;;) {
      const account = await socket?.call('account.get', { address });
      if (account?.sequence === 1 + next) break;
      if (performance.now() > untilMs) {
        throw new Error(`${1 + next} payments are final, the ledger counts ${account?.sequence}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

class Loop {
  readonly verdicts = new Map<string, number>();
  readonly finalAtMs: number[] = [];
  readonly latenciesMs: number[] = [];
  submitted = 0;
  readonly #socket: RpcSocket;
  readonly #senders: readonly Sender[];
  readonly #pending = new Map<string, Pending>();
  #startedMs = 0;
  #endMs = 0;
  #isAsking = false;
  #isStale = false;
  #onDrained: () => void = () => undefined;
  #onFailed: (error: unknown) => void = () => undefined;

  constructor(socket: RpcSocket, senders: readonly Sender[]) {
    this.#socket = socket;
    this.#senders = senders;
  }

  async open(): Promise<void> {
    await this.#socket.subscribe('heads', {}, () => {
      this.#askVerdicts().catch((error: unknown) => this.#onFailed(error));
    });
  }

  async run(startedMs: number, durationMs: number): Promise<void> {
    this.#startedMs = startedMs;
    this.#endMs = startedMs + durationMs;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#onDrained = resolve;
    this.#onFailed = reject;
    const overdue = setTimeout(
      () => {
        reject(new Error(`${this.#pending.size} transactions without a verdict`));
      },
      this.#endMs - performance.now() + DRAIN_MS,
    );
    this.#submit(this.#senders);
    await promise;
    clearTimeout(overdue);
  }

  /** Fills up what these accounts may have on their way. */
  #submit(senders: Iterable<Sender>): void {
    const nowMs = performance.now();
    const calls: { readonly sender: Sender; readonly signed: Signed }[] = [];
    for (const sender of senders) {
      while (nowMs < this.#endMs && sender.inFlight < IN_FLIGHT_MAX) {
        const signed = sender.signed[sender.next + sender.inFlight];
        if (signed === undefined) throw new Error('too few payments were signed ahead');
        sender.inFlight += 1;
        calls.push({ sender, signed });
      }
    }
    for (let at = 0; at < calls.length; at += BATCH_MAX)
      this.#send(calls.slice(at, at + BATCH_MAX));
    if (this.#pending.size === 0 && nowMs >= this.#endMs) this.#onDrained();
  }

  #send(calls: readonly { readonly sender: Sender; readonly signed: Signed }[]): void {
    const sentMs = performance.now();
    this.submitted += calls.length;
    const answers = this.#socket.batch(
      calls.map(({ signed }) => ({
        method: 'transaction.submit',
        params: { bytes: signed.hex },
      })),
    );
    for (const [index, { sender, signed }] of calls.entries()) {
      this.#pending.set(signed.id, { sender, sentMs });
      answers[index]?.then((answer) => {
        if (answer.ok) return;
        this.#onFailed(new Error(`a payment in its turn was refused: ${answer.code}`));
      });
    }
  }

  /** One question at a time; a block that comes meanwhile is asked about next. */
  async #askVerdicts(): Promise<void> {
    this.#isStale = true;
    if (this.#isAsking) return;
    this.#isAsking = true;
    while (this.#isStale) {
      this.#isStale = false;
      const ids = [...this.#pending.keys()];
      const chunks: string[][] = [];
      for (let at = 0; at < ids.length; at += STATUSES_MAX) {
        chunks.push(ids.slice(at, at + STATUSES_MAX));
      }
      const moved = new Set<Sender>();
      for (const chunk of chunks) {
        const answer = await this.#socket.call('transaction.statuses', { ids: chunk });
        // A list of status views by the method's table.
        this.#settle(answer.statuses as unknown as readonly JsonObject[], moved);
      }
      this.#submit(moved);
    }
    this.#isAsking = false;
  }

  #settle(statuses: readonly JsonObject[], moved: Set<Sender>): void {
    const nowMs = performance.now();
    for (const { id, stage, code } of statuses) {
      if (stage !== 'final' && stage !== 'failed' && stage !== 'expired') continue;
      const key = String(id);
      const pending = this.#pending.get(key);
      if (pending === undefined) continue;
      this.#pending.delete(key);
      const { sender, sentMs } = pending;
      const verdict = stage === 'final' ? stage : String(code);
      this.verdicts.set(verdict, (this.verdicts.get(verdict) ?? 0) + 1);
      sender.inFlight -= 1;
      sender.next += 1;
      if (stage === 'final' && sentMs >= this.#startedMs) this.latenciesMs.push(nowMs - sentMs);
      if (stage === 'final' && nowMs >= this.#startedMs && nowMs < this.#endMs) {
        this.finalAtMs.push(nowMs - this.#startedMs);
      }
      moved.add(sender);
    }
  }
}
