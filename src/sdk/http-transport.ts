import type { Json } from '../base/index.ts';
import { isJsonObject, TabellionError } from '../base/index.ts';
import { errorFromMember } from '../rpc/index.ts';
import { ANSWER_BYTES_MAX, CALL_TIMEOUT_MS } from './limits.ts';
import type { Transport } from './transport.ts';

/** Asks a relay by `POST <url>`, one request a call; topics need {@link webSocketTransport}. */
export function httpTransport(
  url: string,
  options: { readonly fetch?: typeof fetch } = {},
): Transport {
  const ask = options.fetch ?? fetch;
  const life = new AbortController();
  let nextId = 1;
  return {
    trustMax: 'reported',
    async call(method, params, { signal }) {
      const signals = [life.signal, AbortSignal.timeout(CALL_TIMEOUT_MS)];
      if (signal !== undefined) signals.push(signal);
      const both = AbortSignal.any(signals);
      const answer = await post(ask, url, { jsonrpc: '2.0', id: nextId++, method, params }, both);
      if (!isJsonObject(answer)) throw new TabellionError('answer-malformed');
      if (answer.error !== undefined) throw errorFromMember(answer.error);
      return answer.result ?? null;
    },
    subscribe(_topic, _params, _push, fail) {
      queueMicrotask(() => fail(new TabellionError('not-permitted', { reason: 'http' })));
      return () => undefined;
    },
    close: () => life.abort(),
  };
}

async function post(
  ask: typeof fetch,
  url: string,
  request: Json,
  signal: AbortSignal,
): Promise<Json> {
  try {
    const response = await ask(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
      credentials: 'omit',
      redirect: 'error',
      signal,
    });
    const length = Number(response.headers.get('content-length') ?? 0);
    if (length > ANSWER_BYTES_MAX) throw new TabellionError('answer-malformed', { length });
    const text = await response.text();
    if (!response.ok && !text.startsWith('{')) {
      throw new TabellionError('connection-failed', { status: response.status });
    }
    return JSON.parse(text) as Json; // What JSON text holds.
  } catch (error) {
    if (error instanceof TabellionError) throw error;
    if (signal.aborted) {
      const isLate = error instanceof Error && error.name === 'TimeoutError';
      throw new TabellionError(isLate ? 'timed-out' : 'aborted', {}, { cause: error });
    }
    if (error instanceof SyntaxError) throw new TabellionError('answer-malformed');
    throw new TabellionError('connection-failed', { url }, { cause: error });
  }
}
