import { WebSocket } from 'ws';
import type { Json, JsonObject } from '../../src/base/index.ts';

/** What a node answered to one call: a result, or the code of a refusal. */
export type Answer =
  | { readonly ok: true; readonly result: JsonObject }
  | { readonly ok: false; readonly code: string };

type Call = { readonly method: string; readonly params: JsonObject };

/** JSON-RPC 2.0 over one WebSocket, with batches and events; as thin as a client can be. */
export class RpcSocket {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #listeners = new Map<number, (event: JsonObject) => void>();
  /** Events that came in one piece with the answer that names their subscription. */
  readonly #early = new Map<number, JsonObject[]>();
  #nextId = 1;

  static async open(url: string): Promise<RpcSocket> {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await new Promise<void>((resolve, reject) => {
      socket.once('open', () => resolve());
      socket.once('error', reject);
    });
    return new RpcSocket(socket);
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => this.#receive(JSON.parse(String(data)) as Json));
    socket.on('close', () => {
      for (const settle of this.#waiting.values()) settle({ ok: false, code: 'socket-closed' });
      this.#waiting.clear();
    });
  }

  async call(method: string, params: JsonObject): Promise<JsonObject> {
    const [answer] = await Promise.all(this.batch([{ method, params }]));
    if (answer?.ok !== true) throw new Error(`${method}: ${answer?.code}`);
    return answer.result;
  }

  /** One message of several calls; each is answered for itself. */
  batch(calls: readonly Call[]): Promise<Answer>[] {
    const first = this.#nextId;
    this.#nextId += calls.length;
    const answers = calls.map(
      (_, index) =>
        new Promise<Answer>((settle) => {
          this.#waiting.set(first + index, settle);
        }),
    );
    const messages = calls.map((call, index) => ({ jsonrpc: '2.0', id: first + index, ...call }));
    this.#socket.send(JSON.stringify(messages.length === 1 ? messages[0] : messages));
    return answers;
  }

  /** Calls back with each event; returns how to end it. */
  async subscribe(
    topic: string,
    params: JsonObject,
    listener: (event: JsonObject) => void,
  ): Promise<() => Promise<void>> {
    const { subscription } = await this.call('rpc.subscribe', { topic, params });
    this.#listeners.set(Number(subscription), listener);
    for (const event of this.#early.get(Number(subscription)) ?? []) listener(event);
    this.#early.delete(Number(subscription));
    return async () => {
      this.#listeners.delete(Number(subscription));
      await this.call('rpc.unsubscribe', { subscription: subscription ?? null });
    };
  }

  close(): void {
    this.#socket.close();
  }

  #receive(message: Json): void {
    if (Array.isArray(message)) {
      for (const each of message) this.#receive(each);
      return;
    }
    // What a node sends is one object, or a list of such.
    const { id, result, error, params } = message as { readonly [name: string]: Json };
    if (params !== undefined) {
      const { subscription, event } = params as JsonObject;
      const key = Number(subscription);
      const listener = this.#listeners.get(key);
      if (listener !== undefined) listener(event as JsonObject);
      else this.#early.set(key, [...(this.#early.get(key) ?? []), event as JsonObject]);
      return;
    }
    const settle = this.#waiting.get(Number(id));
    this.#waiting.delete(Number(id));
    if (error === undefined) settle?.({ ok: true, result: result as JsonObject });
    else settle?.({ ok: false, code: codeOf(error as JsonObject) });
  }
}

function codeOf({ data, message }: JsonObject): string {
  const { code } = (data ?? {}) as JsonObject;
  return typeof code === 'string' ? code : String(message);
}
