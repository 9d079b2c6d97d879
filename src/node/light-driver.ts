import type { Bytes, Clock, Tracer } from '../base/index.ts';
import { encodeUtf8, equalBytes, errorToData, TabellionError } from '../base/index.ts';
import type { Codec } from '../codec/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Height, Ledger } from '../ledger/index.ts';
import type {
  LightBlock,
  LightEffect,
  LightEvent,
  LightEvidence,
  LightFault,
  LightOptions,
  LightProgress,
  LightRequestFailure,
  LightStart,
  LightState,
  TrustedBlock,
} from '../light/index.ts';
import {
  createLight,
  lightAnswerCodec,
  lightBlockAt,
  lightBlockCodec,
  lightEvidenceCodec,
  lightOptions,
  lightProgress,
  lightRequestCodec,
  step,
  trustedBlockCodec,
  trustedHashAt,
} from '../light/index.ts';
import type { Network } from '../network/index.ts';
import type { KeyValueStore, WriteOperation } from '../storage/index.ts';
import type { SignatureVerifier } from '../verifier/index.ts';
import { EventQueue } from './event-queue.ts';
import { LIGHT_HEAD_STORED_MS, LIGHT_TICK_MS, QUESTION_TIMEOUT_MS } from './limits.ts';
import { seal, unseal } from './store/index.ts';
import { VOICES_COMPARED_MIN } from './trust.ts';

const HEAD_KEY = encodeUtf8('light-head');
const HEAD_BLOCK_KEY = encodeUtf8('light-head-block');
const ALARM_KEY = encodeUtf8('light-alarm');
/** Conflicts told at once; the newest are kept. */
const ALARMS_MAX = 16;

/** A header that was proven, and how; its own proof is absent for what our chain committed. */
export type ProvenHeader = {
  readonly trusted: TrustedBlock;
  readonly block: LightBlock | undefined;
};

export type LightDriverOptions = {
  readonly ledger: Ledger;
  readonly store: KeyValueStore;
  readonly verifier: SignatureVerifier;
  readonly clock: Clock;
  readonly tracer: Tracer;
  /** What needs no proof, because every node has it. */
  readonly genesis: TrustedBlock;
  /** What somebody gave by hand, and how it is proven. */
  readonly checkpoint?: Partial<ProvenHeader> | undefined;
  /** How long a proven header can be built on; absent: as the network's members say. */
  readonly trustingPeriodMs?: number | undefined;
  /** The network, once it is open. */
  network(): Network | undefined;
  reportPeer(peerId: string, fault: LightFault): void;
  onBytes(count: number): void;
  /** The head, its confirmation or the target is another one. */
  onChanged(): void;
};

type Waiting = {
  readonly resolve: (proven: ProvenHeader) => void;
  readonly reject: (error: TabellionError) => void;
};

/** Performs the effects of the light client: asks peers for headers, verifies, remembers. */
export class LightDriver {
  readonly #options: LightDriverOptions;
  /** By what rules headers are believed. */
  readonly options: LightOptions;
  readonly #stop = new AbortController();
  readonly #waiting = new Map<number, Waiting>();
  readonly #events = new EventQueue<LightEvent>((event) => this.#step(event));
  readonly #alarms: LightEvidence[] = [];
  #state: LightState;
  #nextId = 1;
  #cancelTick: () => void = () => undefined;
  #storedAtMs = 0;
  #writing: Promise<void> = Promise.resolve();
  #bytesReceived = 0;

  private constructor(options: LightDriverOptions, start: StartPoint) {
    this.#options = options;
    const { ledger, clock, genesis, checkpoint } = options;
    const isFixed = ledger.genesis.document.consensus.membership === 'fixed';
    const rules = lightOptions(isFixed);
    const trustingPeriodMs = options.trustingPeriodMs ?? rules.trustingPeriodMs;
    this.options = { ...rules, trustingPeriodMs };
    this.#state = createLight({
      ...start,
      roots: checkpoint?.trusted === undefined ? [genesis] : [genesis, checkpoint.trusted],
      anchor: { suite: ledger.suite, chainId: ledger.chainId },
      options: this.options,
      nowMs: clock.now(),
    });
    if (start.alarm !== undefined) this.#alarms.push(start.alarm);
  }

  /** Goes on from the newest head that was proven before, and from an alarm that still stands. */
  static async load(options: LightDriverOptions): Promise<LightDriver> {
    const stored = (await loadHead(options)) ?? { trusted: options.genesis, block: undefined };
    const { trusted = stored.trusted, block } = options.checkpoint ?? {};
    const isOlder = stored.trusted.header.height < trusted.header.height;
    const head = isOlder ? { trusted, block } : stored;
    const alarm = await loadRecord(options, ALARM_KEY, lightEvidenceCodec);
    return new LightDriver(options, { ...head, alarm });
  }

  /** Goes on after `pause`, or begins; more than once changes nothing. */
  start(): void {
    this.#cancelTick();
    const tick = (): void => {
      this.#cancelTick = this.#options.clock.after(LIGHT_TICK_MS, tick);
      this.#send({ kind: 'tick', nowMs: this.#options.clock.now() });
    };
    tick();
  }

  /** Asks nobody until `start`. */
  pause(): void {
    this.#cancelTick();
  }

  /** Ends it for good; what was proven last is written. */
  async stop(): Promise<void> {
    this.#cancelTick();
    this.#stop.abort();
    for (const id of [...this.#waiting.keys()]) this.#settle(id, (each) => each.reject(stopped()));
    this.#storeHead();
    await this.#writing;
  }

  peerStatus(
    peerId: string,
    told: {
      readonly voice: string;
      readonly head: Height;
      readonly hash: Hash;
      /** The lowest height whose block it keeps. */
      readonly earliest: Height;
    },
  ): void {
    const { voice, head: headHeight, hash: headHash, earliest: earliestHeight } = told;
    const nowMs = this.#options.clock.now();
    const status = { peerId, voice, headHeight, headHash, earliestHeight, nowMs };
    this.#send({ kind: 'peer-status', ...status });
  }

  /** What peers told before counts no more: this node slept since. */
  forgetStatuses(): void {
    this.#send({ kind: 'statuses-forgotten' });
  }

  peerGone(peerId: string): void {
    this.#send({ kind: 'peer-gone', peerId });
  }

  /** Our own chain committed a block: it is trusted at no cost. */
  chainAdvanced(trusted: TrustedBlock, block?: LightBlock): void {
    this.#send({ kind: 'chain-advanced', trusted, block, nowMs: this.#options.clock.now() });
  }

  /** Somebody gave this block by hand, and it was found: trusted without a way that leads there. */
  checkpointGiven(trusted: TrustedBlock, block: LightBlock): void {
    this.#send({ kind: 'checkpoint-given', trusted, block, nowMs: this.#options.clock.now() });
  }

  /** A person looked at the alarm: new heads may be trusted again. */
  clearAlarm(): void {
    this.#write([{ kind: 'delete', space: 'meta', key: ALARM_KEY }], 'strict');
    this.#send({ kind: 'alarm-cleared', nowMs: this.#options.clock.now() });
  }

  head(): TrustedBlock {
    return this.progress().head;
  }

  get genesis(): TrustedBlock {
    return this.#options.genesis;
  }

  /** Hash of the block of a height, as far as it is trusted and remembered. */
  hashAt(height: Height): Hash | undefined {
    return trustedHashAt(this.#state, height);
  }

  /** What proves the block of a height, as far as it is remembered: nobody is asked. */
  held(height: Height): LightBlock | undefined {
    return lightBlockAt(this.#state, height);
  }

  progress(): LightProgress {
    return lightProgress(this.#state);
  }

  /** How many voices confirm the head, whoever served it included. */
  voices(): number {
    return this.progress().voices;
  }

  /** Whether conflicting certificates were seen, in this life or before, and nobody looked yet. */
  isAlarmed(): boolean {
    return this.#state.alarm !== undefined;
  }

  /** Whether several voices confirm the head, and none contradicts it. */
  isConfirmed(): boolean {
    const { alarm, expired } = this.progress();
    return alarm === undefined && !expired && this.voices() >= VOICES_COMPARED_MIN;
  }

  /** Conflicting certificates that were seen in this life, or nobody looked at before it. */
  alarms(): readonly LightEvidence[] {
    return this.#alarms;
  }

  bytesReceived(): number {
    return this.#bytesReceived;
  }

  /**
   * The proven header of a height, at or below the head or a little above it. Rejects with
   * `proof-unavailable` when nobody proves it, `light-expired`, `light-alarm`, `aborted`.
   */
  prove(height: Height, signal?: AbortSignal): Promise<ProvenHeader> {
    if (signal?.aborted) return Promise.reject(new TabellionError('aborted'));
    if (this.#stop.signal.aborted) return Promise.reject(stopped());
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#settle(id, (each) => each.reject(new TabellionError('aborted')));
        this.#send({ kind: 'height-unwanted', id });
      };
      const end = (): void => signal?.removeEventListener('abort', onAbort);
      signal?.addEventListener('abort', onAbort);
      this.#waiting.set(id, {
        resolve: (proven) => {
          end();
          resolve(proven);
        },
        reject: (error) => {
          end();
          reject(error);
        },
      });
      this.#send({ kind: 'height-wanted', id, height, nowMs: this.#options.clock.now() });
    });
  }

  #settle(id: number, how: (waiting: Waiting) => void): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting !== undefined) how(waiting);
  }

  #send(event: LightEvent): void {
    this.#events.send(event);
  }

  #step(event: LightEvent): void {
    if (this.#stop.signal.aborted) return;
    const { state, effects } = step(this.#state, event);
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: LightEffect): void {
    const { tracer, reportPeer, onChanged } = this.#options;
    switch (effect.kind) {
      case 'request-light-blocks':
        this.#request(effect).catch((error: unknown) => this.#failed('request', error));
        return;
      case 'verify-claims':
        this.#verify(effect).catch((error: unknown) => {
          this.#failed('verify', error);
          this.#send({ kind: 'verification-failed', ticket: effect.ticket });
        });
        return;
      case 'trust-block': {
        const { height } = effect.trusted.header;
        tracer.trace('debug', 'header-proven', { height });
        this.#storeSometimes();
        return;
      }
      case 'height-proven': {
        const { trusted, block } = effect;
        this.#settle(effect.id, (each) => each.resolve({ trusted, block }));
        return;
      }
      case 'height-failed':
        this.#settle(effect.id, (each) => each.reject(failureOf(effect.code)));
        return;
      case 'report-peer':
        reportPeer(effect.peerId, effect.fault);
        return;
      case 'raise-alarm': {
        const { height } = effect.evidence.other.header;
        this.#alarms.push(effect.evidence);
        this.#alarms.splice(0, this.#alarms.length - ALARMS_MAX);
        this.#storeAlarm(effect.evidence);
        tracer.trace('error', 'conflicting-certificates', { height });
        onChanged();
        return;
      }
      case 'light-changed':
        onChanged();
        return;
    }
  }

  #failed(what: string, error: unknown): void {
    if (this.#stop.signal.aborted) return;
    const { code, message } = errorToData(error);
    this.#options.tracer.trace('error', 'light-failed', { what, code, message });
  }

  async #request(effect: Extract<LightEffect, { kind: 'request-light-blocks' }>): Promise<void> {
    const { ticket, peerId, from, heights } = effect;
    const { clock, network, onBytes } = this.#options;
    const fail = (reason: LightRequestFailure): void =>
      this.#send({ kind: 'request-failed', ticket, reason, nowMs: clock.now() });
    const open = network();
    if (open === undefined) return fail('gone');
    let answer: Bytes;
    try {
      const body = encode(lightRequestCodec, { from, heights });
      const timeoutMs = QUESTION_TIMEOUT_MS;
      answer = await open.request(peerId, 'light', body, { signal: this.#stop.signal, timeoutMs });
    } catch (error) {
      return fail(reasonOf(error));
    }
    this.#bytesReceived += answer.length;
    onBytes(answer.length);
    const decoded = decode(lightAnswerCodec, answer);
    if (!decoded.ok) return fail('malformed');
    const { blocks } = decoded.value;
    this.#send({ kind: 'light-blocks-received', ticket, blocks, nowMs: clock.now() });
  }

  async #verify({ ticket, claims }: Extract<LightEffect, { kind: 'verify-claims' }>) {
    const verdicts = await this.#options.verifier.verify(claims);
    const isValid = verdicts.length === claims.length && verdicts.every((each) => each);
    this.#send({ kind: 'claims-verified', ticket, isValid });
  }

  /* A head that was not written is proven again: one request. */
  #storeSometimes(): void {
    const nowMs = this.#options.clock.now();
    if (nowMs - this.#storedAtMs < LIGHT_HEAD_STORED_MS) return;
    this.#storedAtMs = nowMs;
    this.#storeHead();
  }

  /* Beside conflicting certificates nobody knows whether it is true, but what we executed. */
  #storeHead(): void {
    const { head, headBlock } = this.progress();
    if (head.header.height === 0 || (this.isAlarmed() && !this.#state.isOwnChain)) return;
    const { suite } = this.#options.ledger;
    const value = seal(suite, encode(trustedBlockCodec, head));
    const put = { kind: 'put', space: 'meta', key: HEAD_KEY, value } as const;
    const place = { space: 'meta', key: HEAD_BLOCK_KEY } as const;
    const proof: WriteOperation =
      headBlock === undefined
        ? { kind: 'delete', ...place }
        : { kind: 'put', ...place, value: seal(suite, encode(lightBlockCodec, headBlock)) };
    this.#write([put, proof], 'relaxed');
  }

  #storeAlarm(evidence: LightEvidence): void {
    const value = seal(this.#options.ledger.suite, encode(lightEvidenceCodec, evidence));
    this.#write([{ kind: 'put', space: 'meta', key: ALARM_KEY, value }], 'strict');
    // What the last life believed may be what our own chain contradicts.
    if (this.#state.isOwnChain) this.#storeHead();
  }

  #write(operations: readonly WriteOperation[], durability: 'relaxed' | 'strict'): void {
    const { store, tracer } = this.#options;
    this.#writing = this.#writing
      .then(() => store.write(operations, durability))
      .catch((error: unknown) => {
        tracer.trace('warn', 'light-head-not-stored', { code: errorToData(error).code });
      });
  }
}

type StartPoint = Pick<LightStart, 'trusted' | 'block' | 'alarm'>;

/** What was proven last, and how. A spoilt record is as good as none: the head is proven again. */
async function loadHead(
  options: LightDriverOptions,
): Promise<Pick<StartPoint, 'trusted' | 'block'> | undefined> {
  const { ledger, tracer } = options;
  const trusted = await loadRecord(options, HEAD_KEY, trustedBlockCodec);
  if (trusted === undefined) return undefined;
  const { header, hash } = trusted;
  const isOurs = equalBytes(header.chainId, ledger.chainId);
  if (!isOurs || !equalBytes(ledger.blockHash(header), hash)) {
    tracer.trace('warn', 'light-head-spoilt');
    return undefined;
  }
  const block = await loadRecord(options, HEAD_BLOCK_KEY, lightBlockCodec);
  const isOfIt = block !== undefined && equalBytes(ledger.blockHash(block.header), hash);
  return { trusted, block: isOfIt ? block : undefined };
}

async function loadRecord<Value>(
  { ledger, store, tracer }: LightDriverOptions,
  key: Bytes,
  codec: Codec<Value>,
): Promise<Value | undefined> {
  const sealed = await store.get('meta', key);
  if (sealed === undefined) return undefined;
  const payload = unseal(ledger.suite, sealed);
  const decoded = payload === undefined ? undefined : decode(codec, payload);
  if (decoded?.ok === true) return decoded.value;
  tracer.trace('warn', 'light-head-spoilt');
  return undefined;
}

function stopped(): TabellionError {
  return new TabellionError('node-stopped');
}

function failureOf(code: Extract<LightEffect, { kind: 'height-failed' }>['code']): TabellionError {
  switch (code) {
    case 'trust-expired':
      return new TabellionError('light-expired');
    case 'alarmed':
      return new TabellionError('light-alarm');
    default:
      return new TabellionError('proof-unavailable', { reason: code });
  }
}

function reasonOf(error: unknown): LightRequestFailure {
  const { code, facts } = errorToData(error);
  switch (code) {
    case 'request-timeout':
      return 'timeout';
    case 'response-too-large':
      return 'malformed';
    case 'request-refused':
      // The peer's own bound, or ours for it.
      return facts.reason === 'busy' || facts.reason === 'too-many-waiting' ? 'busy' : 'refused';
    default:
      return 'gone';
  }
}
