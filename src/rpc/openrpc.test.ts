import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { isJsonObject } from '../base/index.ts';
import { builtinMethods } from './builtin.ts';
import { createTestNode, request, testMethods } from './handlers.fixture.ts';
import { formatOpenRpc, openRpcDocument } from './openrpc.ts';
import { createRpcServer } from './server.ts';

const committed = new URL('../../docs/openrpc.json', import.meta.url);

it('docs/openrpc.json is what the table says (else run `node src/rpc/openrpc.main.ts`)', () => {
  expect(readFileSync(committed, 'utf8')).toBe(formatOpenRpc(builtinMethods()));
});

it('names every method once, with schemas and the codes it may answer', () => {
  const { methods } = openRpcDocument(builtinMethods());
  const names = Array.isArray(methods) ? methods.map((each) => each.name) : [];
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(expect.arrayContaining([...Object.keys(builtinMethods())]));
  expect(names).toContain('rpc.subscribe');
  const text = JSON.stringify(methods);
  expect(text).toContain('asset.transfer');
  expect(text).toContain('sequence-used');
});

it('is answered by rpc.discover', async () => {
  const server = createRpcServer({ handlers: createTestNode(), methods: testMethods });
  const connection = server.connect({ transport: 'http', access: 'public' });
  const reply = await connection.handleJson(request(1, 'rpc.discover'));
  const result = isJsonObject(reply) ? reply.result : undefined;
  expect(result).toEqual({ document: openRpcDocument(testMethods) });
});
