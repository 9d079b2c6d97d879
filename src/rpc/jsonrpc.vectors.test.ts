import { describe, expect, it } from 'vitest';
import type { Json } from '../base/index.ts';
import { isJsonObject, TabellionError } from '../base/index.ts';
import type { Dispatch } from './jsonrpc.ts';
import { answer, errorResponse, JSON_FORM, parseRequest } from './jsonrpc.ts';
import vectors from './jsonrpc.vectors.json' with { type: 'json' };

// The methods that the examples of the specification suppose.
const dispatch: Dispatch = async ({ method, params }) => {
  const numbers = Array.isArray(params) ? (params as number[]) : [];
  const named = isJsonObject(params as Json) ? (params as { [name: string]: number }) : {};
  switch (method) {
    case 'subtract':
      return (numbers[0] ?? named.minuend ?? 0) - (numbers[1] ?? named.subtrahend ?? 0);
    case 'sum':
      return numbers.reduce((total, each) => total + each, 0);
    case 'get_data':
      return ['hello', 5];
    case 'update':
    case 'notify_hello':
    case 'notify_sum':
      return null;
    default:
      throw new TabellionError('method-not-found');
  }
};

/** The examples show errors without `data`, which §5.1 leaves to the server. */
function withoutData(json: Json | undefined): Json | undefined {
  if (Array.isArray(json)) return json.map((each: Json) => withoutData(each) ?? null);
  if (!isJsonObject(json) || !isJsonObject(json.error)) return json;
  const { code, message } = json.error;
  return { ...json, error: { code: code ?? null, message: message ?? null } };
}

describe('JSON-RPC 2.0 §7', () => {
  it.each(vectors.cases)('$name', async ({ request_text, response }) => {
    const parsed = parseRequest(request_text);
    const reply = parsed.ok
      ? await answer(parsed.value, dispatch, JSON_FORM)
      : errorResponse(null, parsed.error);
    expect(withoutData(reply) ?? null).toEqual(response);
  });

  it('tries all 15 examples', () => expect(vectors.cases.length).toBe(15));
});
