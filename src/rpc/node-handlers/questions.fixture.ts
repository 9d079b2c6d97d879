import { expect } from 'vitest';
import type { Json, JsonObject } from '../../base/index.ts';
import { isJsonObject } from '../../base/index.ts';
import type { Codec } from '../../codec/index.ts';
import { parseJson, toJson } from '../../codec/index.ts';
import type { TabellionNode } from '../../node/index.ts';
import type { Village } from '../../node/testing/village.ts';
import { builtinMethods } from '../builtin.ts';
import type { MethodName, ResultOf } from '../methods.ts';
import type { ConnectionOptions, RpcConnection } from '../server.ts';
import { createRpcServer } from '../server.ts';
import { createNodeHandlers } from './index.ts';

const methods = builtinMethods();
let lastId = 0;

/** Asks as a page would, JSON in and JSON out; rejects with the data of an error. */
export async function askJson(
  { clock }: Pick<Village, 'clock'>,
  connection: RpcConnection,
  { method, params }: { readonly method: string; readonly params: Json },
): Promise<Json> {
  lastId += 1;
  const request = { jsonrpc: '2.0', id: lastId, method, params };
  const answer = await clock.run(connection.handleJson(request));
  if (answer === undefined || !isJsonObject(answer)) throw new Error('no answer');
  if (answer.error === undefined) return answer.result ?? null;
  const { data } = answer.error as { readonly data: Json }; // What every error carries.
  throw Object.assign(new Error(JSON.stringify(data)), data);
}

/** Asks with values; the answer must be what its own schema says, to the last member. */
export async function askValues<Name extends MethodName>(
  village: Pick<Village, 'clock'>,
  connection: RpcConnection,
  question: { readonly method: Name; readonly params: { readonly [name: string]: unknown } },
): Promise<ResultOf<Name>> {
  const { method } = question;
  // The table ties parameters and answer to the name; a test walks all methods alike.
  const spec = methods[method] as unknown as {
    readonly params: Codec<unknown>;
    readonly result: Codec<ResultOf<Name>>;
  };
  const params = spec.params.toJson(question.params);
  const json = await askJson(village, connection, { method, params });
  const parsed = parseJson(spec.result, json);
  if (!parsed.ok) throw new Error(`${method}: ${JSON.stringify(parsed.error)}`);
  expect(toJson(spec.result, parsed.value)).toEqual(json);
  return parsed.value;
}

/** Asks a node with JSON; answers results, or the code of the refusal as `refused`. */
export function askerOf(
  village: Pick<Village, 'clock'>,
  node: TabellionNode,
  access: ConnectionOptions['access'],
) {
  const server = createRpcServer({
    handlers: createNodeHandlers(node),
    methods,
    clock: village.clock,
  });
  const send = async () => undefined;
  const connection = server.connect({ transport: 'port', access, send });
  return async (method: string, params: Json = {}): Promise<JsonObject> => {
    try {
      const result = await askJson(village, connection, { method, params });
      if (!isJsonObject(result)) throw new Error('no object');
      return result;
    } catch (error) {
      const { code } = error as { readonly code?: string }; // As `askJson` rejects.
      if (code === undefined) throw error;
      return { refused: code };
    }
  };
}
