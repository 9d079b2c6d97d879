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
  const text = formatOpenRpc(builtinMethods());
  expect(text).toContain('asset.transfer');
  expect(text).toContain('sequence-used');
});

it('refers only to schemas that it holds', () => {
  const document = openRpcDocument(builtinMethods());
  const text = JSON.stringify(document);
  const { components } = document;
  const schemas = isJsonObject(components) ? (components.schemas as object) : {};
  const named = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name);
  expect(named.length).toBeGreaterThan(50);
  for (const name of named) expect(schemas).toHaveProperty([decodeURIComponent(name ?? '')]);
});

it('is answered by rpc.discover', async () => {
  const server = createRpcServer({ handlers: createTestNode(), methods: testMethods });
  const connection = server.connect({ transport: 'http', access: 'public' });
  const reply = await connection.handleJson(request(1, 'rpc.discover'));
  const result = isJsonObject(reply) ? reply.result : undefined;
  expect(result).toEqual({ document: openRpcDocument(testMethods) });
});
