import { expect, it } from 'vitest';
import type { Json } from '../base/index.ts';
import { createTestNode, request, testMethods } from './handlers.fixture.ts';
import { connectPort, servePort } from './port.ts';
import { createRpcServer } from './server.ts';

it('questions, refusals and events cross a port as data', async () => {
  const node = createTestNode();
  const server = createRpcServer({ handlers: node, methods: testMethods });
  const { port1, port2 } = new MessageChannel();
  const end = servePort(server, port1);
  const client = connectPort(port2);
  const events: Json[] = [];
  let arrived = (): void => undefined;
  const second = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  await client.listen((message) => {
    events.push(message);
    if (events.length === 2) arrived();
  });
  const refused = await client.request(request(1, 'transaction.submit', { bytes: '' }));
  expect(refused).toMatchObject({ error: { data: { code: 'sequence-used' } } });
  await client.request(request(2, 'rpc.subscribe', { topic: 'heads' }));
  node.pushHead(9);
  await second;
  expect(events).toMatchObject([
    { params: { event: { height: 1 } } },
    { params: { event: { height: 9 } } },
  ]);
  expect((await client.request(request(3, 'node.pause'))) as Json).toMatchObject({ result: {} });
  client.close();
  end();
  expect(node.subscribers.heads).toBe(0);
});
