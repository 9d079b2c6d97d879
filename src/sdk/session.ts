import type { Clock, Json, JsonObject } from '../base/index.ts';
import { isJsonObject, TabellionError } from '../base/index.ts';
import { errorFromMember } from '../rpc/index.ts';
import { CALL_TIMEOUT_MS, CALLS_PENDING_MAX, EARLY_EVENTS_MAX, SENDINGS_MAX } from './limits.ts';
import type { CallOptions } from './transport.ts';

type Post = (message: JsonObject) => void;

type Call = {
  readonly message: JsonObject;
  readonly isIdempotent: boolean;
  readonly settle: (result: { ok: true; value: Json } | { ok: false; error: unknown }) => void;
  isSent: boolean;
  /** How often it was sent; a question that every leader dies of must not kill them all. */
  sendings: number;
};

type Subscription = {
  readonly topic: string;
  readonly params: Json;
  readonly push: (event: Json) => void;
  readonly fail: (error: unknown) => void;
  /** Its number at the node now connected. */
  remote: number | undefined;
};

/**
 * Questions and subscriptions over a channel that comes and goes. While it is away calls wait;
 * when it is lost, sent calls that are idempotent are sent again on the next channel and the
 * others are rejected; subscriptions are made again. No call is sent more than twice.
 */
export class Session {
  readonly #clock: Clock;
  readonly #calls = new Map<number, Call>();
  readonly #subscriptions = new Set<Subscription>();
  readonly #byRemote = new Map<number, Subscription>();
  #early: { readonly remote: number; readonly event: Json }[] = [];
  #post: Post | undefined;
  #channel = 0;
  #nextId = 1;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether a channel is there now. */
  get isOpen(): boolean {
    return this.#post !== undefined;
  }

  /** Takes a fresh channel into use: what waits is sent, subscriptions are made again. */
  opened(post: Post): void {
    if (this.#isClosed) return;
    if (this.#post !== undefined) this.lost('connection-failed');
    this.#post = post;
    this.#channel++;
    for (const call of this.#calls.values()) this.#send(call);
    for (const subscription of this.#subscriptions) this.#subscribe(subscription);
  }

  /** The channel is gone; `code` tells calls that must not be repeated why. */
  lost(code: 'connection-failed' | 'leader-changed'): void {
    this.#post = undefined;
    this.#byRemote.clear();
    this.#early = [];
    for (const subscription of this.#subscriptions) subscription.remote = undefined;
    for (const call of [...this.#calls.values()]) {
      if (call.isSent && (!call.isIdempotent || call.sendings >= SENDINGS_MAX)) {
        call.settle({ ok: false, error: new TabellionError(code) });
      }
      call.isSent = false;
    }
  }

  call(
    method: string,
    params: Json,
    options: CallOptions & { readonly isIdempotent: boolean },
  ): Promise<Json> {
    const { signal, isIdempotent } = options;
    return new Promise((resolve, reject) => {
      if (this.#isClosed || signal?.aborted) return reject(new TabellionError('aborted'));
      if (this.#calls.size >= CALLS_PENDING_MAX)
        return reject(new TabellionError('too-many-calls'));
      const id = this.#nextId++;
      const onAbort = (): void => {
        if (call.isSent) {
          this.#post?.({ jsonrpc: '2.0', method: 'rpc.cancel', params: { id } });
        }
        call.settle({ ok: false, error: new TabellionError('aborted') });
      };
      const stopTimer = this.#clock.after(CALL_TIMEOUT_MS, () => {
        const code = call.isSent ? 'timed-out' : 'connection-failed';
        call.settle({ ok: false, error: new TabellionError(code, { method }) });
      });
      const call: Call = {
        message: { jsonrpc: '2.0', id, method, params },
        isIdempotent,
        isSent: false,
        sendings: 0,
        settle: (result) => {
          this.#calls.delete(id);
          stopTimer();
          signal?.removeEventListener('abort', onAbort);
          if (result.ok) resolve(result.value);
          else reject(result.error);
        },
      };
      this.#calls.set(id, call);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#send(call);
    });
  }

  subscribe(
    topic: string,
    params: Json,
    push: (event: Json) => void,
    fail: (error: unknown) => void,
  ): () => void {
    const subscription: Subscription = { topic, params, push, fail, remote: undefined };
    this.#subscriptions.add(subscription);
    this.#subscribe(subscription);
    return () => {
      if (!this.#subscriptions.delete(subscription)) return;
      if (subscription.remote !== undefined) this.#unsubscribe(subscription.remote);
    };
  }

  /** Takes an answer or an event from the channel; anything else is ignored. */
  receive(message: Json | undefined): void {
    if (!isJsonObject(message)) return;
    if (message.method === 'rpc.event') {
      this.#event(message.params);
      return;
    }
    const call = typeof message.id === 'number' ? this.#calls.get(message.id) : undefined;
    if (call === undefined) return; // Cancelled, timed out, or not ours.
    if (message.error !== undefined) {
      call.settle({ ok: false, error: errorFromMember(message.error) });
    } else call.settle({ ok: true, value: message.result ?? null });
  }

  /** Rejects what waits; may be called twice. */
  close(): void {
    this.#isClosed = true;
    this.#post = undefined;
    this.#subscriptions.clear();
    this.#byRemote.clear();
    for (const call of [...this.#calls.values()]) {
      call.settle({ ok: false, error: new TabellionError('aborted') });
    }
  }

  #send(call: Call): void {
    if (this.#post === undefined || call.isSent) return;
    call.isSent = true;
    call.sendings++;
    this.#post(call.message);
  }

  #event(params: Json | undefined): void {
    if (!isJsonObject(params)) return;
    const { subscription: remote, event } = params;
    if (typeof remote !== 'number' || event === undefined) return;
    const subscription = this.#byRemote.get(remote);
    if (subscription !== undefined) subscription.push(event);
    else if (this.#early.length < EARLY_EVENTS_MAX) this.#early.push({ remote, event });
  }

  #subscribe(subscription: Subscription): void {
    if (this.#post === undefined) return; // Made when a channel opens.
    const channel = this.#channel;
    const { topic, params } = subscription;
    // Not idempotent: on a new channel `opened` makes it again, and this answer is of no use.
    this.call('rpc.subscribe', { topic, params }, { isIdempotent: false }).then(
      (result) => {
        if (channel !== this.#channel || this.#post === undefined) return;
        const remote = isJsonObject(result) ? result.subscription : undefined;
        if (typeof remote !== 'number') return;
        if (!this.#subscriptions.has(subscription)) return this.#unsubscribe(remote);
        subscription.remote = remote;
        this.#byRemote.set(remote, subscription);
        const early = this.#early.filter((each) => each.remote === remote);
        this.#early = this.#early.filter((each) => each.remote !== remote);
        for (const { event } of early) subscription.push(event);
      },
      (error: unknown) => {
        const isOfChannel = channel !== this.#channel || this.#post === undefined;
        if (isOfChannel || !this.#subscriptions.delete(subscription)) return;
        subscription.fail(error);
      },
    );
  }

  #unsubscribe(remote: number): void {
    this.#byRemote.delete(remote);
    this.#post?.({ jsonrpc: '2.0', method: 'rpc.unsubscribe', params: { subscription: remote } });
  }
}
