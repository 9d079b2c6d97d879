import type { Bytes, Clock, Tracer } from '../base/index.ts';
import { errorToData, TabellionError } from '../base/index.ts';
import type { Height } from '../ledger/index.ts';
import type { Network, RequestKind } from '../network/index.ts';
import { HEDGE_MS, QUESTION_PEERS_MAX, QUESTION_TIMEOUT_MS } from './limits.ts';
import type { Fault } from './penalties.ts';

/** What the answer of a peer is worth. */
export type Judged<Value> =
  | { readonly kind: 'good'; readonly value: Value }
  /** It does not have it, and need not. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'bad'; readonly fault: Fault };

export type Question<Value> = {
  readonly kind: RequestKind;
  readonly body: Bytes;
  /** Only peers are asked that say they hold the block of this height. */
  readonly height?: Height;
  /** Only these are asked. */
  readonly peers?: readonly string[];
  /** These are not asked, whatever else holds of them. */
  readonly without?: ReadonlySet<string>;
  /** How many may be asked in all, other than usual. */
  readonly peersMax?: number;
  readonly signal?: AbortSignal | undefined;
  /** A peer is about to be asked. */
  onAsk?(peerId: string): void;
  judge(answer: Bytes, peerId: string): Judged<Value> | Promise<Judged<Value>>;
};

type Whom = Pick<Question<unknown>, 'height' | 'peers' | 'without' | 'peersMax'>;

export type PeerQuestionsOptions = {
  readonly clock: Clock;
  readonly tracer: Tracer;
  network(): Network | undefined;
  /** What blocks a peer says it holds; absent before it told. */
  rangeOf(peerId: string): { readonly earliest: Height; readonly head: Height } | undefined;
  reportPeer(peerId: string, fault: Fault): void;
  onBytes(count: number): void;
};

/** How a peer answered of late. */
type Record = { readonly failures: number; readonly askedAt: number };
const NEVER: Record = { failures: 0, askedAt: 0 };
/** Latency that is assumed of a peer that was not measured yet, in milliseconds. */
const LATENCY_ASSUMED_MS = 100;
/** Weight of one failure beside latency. */
const FAILURE_MS = 1_000;

/**
 * Asks one peer after the other until one gives a good answer. One that is slow gets another asked
 * beside it, so that nobody's silence costs more than a moment.
 */
export class PeerQuestions {
  readonly #options: PeerQuestionsOptions;
  readonly #records = new Map<string, Record>();
  #count = 0;

  constructor(options: PeerQuestionsOptions) {
    this.#options = options;
  }

  /** Whether anybody could be asked, for the block of a height where one is given. */
  hasPeers(height?: Height): boolean {
    return this.#peersFor(height === undefined ? {} : { height }).length > 0;
  }

  /** What blocks a peer says it holds; absent before it told. */
  rangeOf(peerId: string): { readonly earliest: Height; readonly head: Height } | undefined {
    return this.#options.rangeOf(peerId);
  }

  /** Blames a peer for what several answers show together. */
  refuse(peerId: string, fault: Fault): void {
    this.#failed(peerId);
    this.#options.tracer.trace('warn', 'answer-refused', { peerId, fault });
    this.#options.reportPeer(peerId, fault);
  }

  /**
   * Peers that could be asked, one of each voice before a second of any, the quickest first: those
   * of one host may be one person, and as many of them as it likes.
   */
  voices(height?: Height): readonly { readonly peerId: string; readonly voice: string }[] {
    const peers = this.#options.network()?.peers() ?? [];
    const voiceOf = new Map(peers.map(({ peerId, voice }) => [peerId, voice]));
    const first: { readonly peerId: string; readonly voice: string }[] = [];
    const others: typeof first = [];
    const heard = new Set<string>();
    const peersMax = Number.POSITIVE_INFINITY;
    const which = height === undefined ? { peersMax } : { height, peersMax };
    for (const peerId of this.#peersFor(which)) {
      const voice = voiceOf.get(peerId) ?? peerId;
      (heard.has(voice) ? others : first).push({ peerId, voice });
      heard.add(voice);
    }
    return [...first, ...others].slice(0, QUESTION_PEERS_MAX);
  }

  forget(peerId: string): void {
    this.#records.delete(peerId);
  }

  /** The first good answer; absent when nobody gives one. Rejects with `aborted` alone. */
  ask<Value>(question: Question<Value>): Promise<Value | undefined> {
    const { signal } = question;
    if (signal?.aborted) return Promise.reject(new TabellionError('aborted'));
    const peers = this.#peersFor(question);
    if (peers.length === 0) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const { clock } = this.#options;
      const others = new AbortController();
      let next = 0;
      let running = 0;
      let isDone = false;
      let cancelHedge: () => void = () => undefined;
      const finish = (settle: () => void): void => {
        if (isDone) return;
        isDone = true;
        cancelHedge();
        signal?.removeEventListener('abort', onAbort);
        others.abort();
        settle();
      };
      const onAbort = (): void => finish(() => reject(new TabellionError('aborted')));
      signal?.addEventListener('abort', onAbort);
      const askNext = (): void => {
        const peerId = peers[next];
        if (isDone || peerId === undefined) return;
        next += 1;
        running += 1;
        cancelHedge();
        cancelHedge = clock.after(HEDGE_MS, askNext);
        this.#askOne(question, peerId, others.signal)
          .then((judged) => {
            running -= 1;
            if (judged.kind === 'good') return finish(() => resolve(judged.value));
            if (next < peers.length) askNext();
            else if (running === 0) finish(() => resolve(undefined));
          })
          .catch((error: unknown) => finish(() => reject(error)));
      };
      askNext();
    });
  }

  async #askOne<Value>(
    { kind, body, judge, onAsk }: Question<Value>,
    peerId: string,
    signal: AbortSignal,
  ): Promise<Judged<Value>> {
    const { network, reportPeer, onBytes, tracer } = this.#options;
    // One that went since the question began is not asked, and nothing is noted of it again.
    if (!isConnected(network(), peerId)) return { kind: 'absent' };
    onAsk?.(peerId);
    this.#count += 1;
    this.#records.set(peerId, { ...this.#recordOf(peerId), askedAt: this.#count });
    let answer: Bytes;
    try {
      const timeoutMs = QUESTION_TIMEOUT_MS;
      const asked = network()?.request(peerId, kind, body, { signal, timeoutMs });
      if (asked === undefined) return { kind: 'absent' };
      answer = await asked;
    } catch (error) {
      const { code } = errorToData(error);
      if (code !== 'aborted') {
        this.#failed(peerId);
        tracer.trace('debug', 'question-failed', { kind, peerId, code });
      }
      return { kind: 'absent' };
    }
    onBytes(answer.length);
    const judged = await judge(answer, peerId);
    if (judged.kind === 'good') this.#note(peerId, 0);
    if (judged.kind === 'bad') {
      this.#failed(peerId);
      tracer.trace('warn', 'answer-refused', { kind, peerId, fault: judged.fault });
      reportPeer(peerId, judged.fault);
    }
    return judged;
  }

  #recordOf(peerId: string): Record {
    return this.#records.get(peerId) ?? NEVER;
  }

  #failed(peerId: string): void {
    this.#note(peerId, this.#recordOf(peerId).failures + 1);
  }

  /** An answer may come when its giver is gone and forgotten. */
  #note(peerId: string, failures: number): void {
    const record = this.#records.get(peerId);
    if (record !== undefined) this.#records.set(peerId, { ...record, failures });
  }

  /** The quickest first; among equals the least lately asked. */
  #peersFor({ height, peers, without, peersMax = QUESTION_PEERS_MAX }: Whom): string[] {
    const { network, rangeOf } = this.#options;
    const known = (network()?.peers() ?? []).flatMap(({ peerId, latencyMs }) => {
      if (peers !== undefined && !peers.includes(peerId)) return [];
      if (without?.has(peerId) === true) return [];
      const range = rangeOf(peerId);
      if (range === undefined) return [];
      const holds = height === undefined || (range.earliest <= height && height <= range.head);
      const { failures, askedAt } = this.#recordOf(peerId);
      const costMs = (latencyMs ?? LATENCY_ASSUMED_MS) + FAILURE_MS * failures;
      return holds ? [{ peerId, costMs, askedAt }] : [];
    });
    known.sort((left, right) => left.costMs - right.costMs || left.askedAt - right.askedAt);
    return known.slice(0, peersMax).map(({ peerId }) => peerId);
  }
}

function isConnected(network: Network | undefined, peerId: string): boolean {
  return network?.peers().some((peer) => peer.peerId === peerId) ?? false;
}
