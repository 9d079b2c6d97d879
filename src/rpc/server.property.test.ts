import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Json } from '../base/index.ts';
import { createTestNode, testMethods } from './handlers.fixture.ts';
import { createRpcServer } from './server.ts';

const connection = createRpcServer({ handlers: createTestNode(), methods: testMethods }).connect({
  transport: 'http',
  access: 'public',
});

it('any text is answered with well-formed JSON-RPC, or with silence', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (source) => {
      const reply = await connection.handleText(source);
      if (reply === undefined) return;
      const each = [JSON.parse(reply)].flat();
      for (const one of each) expect(one).toMatchObject({ jsonrpc: '2.0' });
    }),
    { numRuns: 500 },
  );
});

it('any parameters of any method are answered with a public code or a result', async () => {
  const names = Object.keys(testMethods).filter((name) => name !== 'node.peers');
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...names), fc.jsonValue(), async (method, params) => {
      const request = { jsonrpc: '2.0', id: 1, method, params: [params] as Json } as Json;
      const object = { jsonrpc: '2.0', id: 1, method, params: { bytes: params } as Json } as Json;
      for (const each of [request, object]) {
        const reply = (await connection.handleJson(each)) as { error?: { data: { code: string } } };
        if (reply.error !== undefined) expect(reply.error.data.code).toMatch(/^[a-z-]+$/);
      }
    }),
    { numRuns: 500 },
  );
});
