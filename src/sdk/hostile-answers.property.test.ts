import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Json } from '../base/index.ts';
import { systemClock, TabellionError } from '../base/index.ts';
import { builtinMethods } from '../rpc/builtin.ts';
import { createClientOf } from './client.ts';
import { Session } from './session.ts';
import type { Transport } from './transport.ts';

/** A relay's words: answers to question 1 or 2, events, and whatever else JSON holds. */
const words = fc.oneof(
  fc.jsonValue(),
  fc.record(
    {
      jsonrpc: fc.constantFrom('2.0', '1.0'),
      id: fc.oneof(fc.constantFrom(1, 2, 3), fc.jsonValue()),
      result: fc.oneof(fc.jsonValue(), fc.record({ subscription: fc.constantFrom(7, 8) })),
      error: fc.oneof(
        fc.jsonValue(),
        fc.record({ code: fc.jsonValue(), message: fc.jsonValue(), data: fc.jsonValue() }),
        fc.record({
          message: fc.string(),
          data: fc.record({ code: fc.string(), facts: fc.jsonValue() }),
        }),
      ),
    },
    { requiredKeys: [] },
  ),
  fc.record({
    method: fc.constant('rpc.event'),
    params: fc.oneof(
      fc.jsonValue(),
      fc.record({ subscription: fc.constantFrom(7, 8, 9), event: fc.jsonValue() }),
    ),
  }),
);

it('no word of a relay makes a client throw; a question ends once, in JSON or in an error', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(words, { maxLength: 12 }), async (all) => {
      const session = new Session(systemClock);
      session.opened(() => undefined);
      const events: Json[] = [];
      const call = session.call('chain.info', {}, { isIdempotent: true });
      const ended = call.then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      );
      session.subscribe(
        'head',
        {},
        (event) => events.push(event),
        () => undefined,
      );
      for (const word of all) {
        session.receive(word as Json); // What JSON.parse could have given.
        await Promise.resolve();
      }
      session.close();
      const end = await ended;
      if ('error' in end) expect(end.error).toBeInstanceOf(TabellionError);
      for (const event of events) expect(event).not.toBeUndefined();
    }),
    { numRuns: 300 },
  );
});

it('what a client gives out has the form of the method, or is refused as malformed', async () => {
  const names = [
    'chain.info',
    'node.status',
    'account.get',
    'block.list',
    'parameters.get',
  ] as const;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...names), fc.jsonValue(), async (name, json) => {
      const transport: Transport = {
        trustMax: 'reported',
        call: async () => json as Json, // What JSON.parse could have given.
        subscribe: () => () => undefined,
        close: () => undefined,
      };
      const client = createClientOf(transport, builtinMethods());
      const params = { address: new Uint8Array(32) } as never; // For the one that wants it.
      await expect(client.call(name, params)).rejects.toMatchObject({ code: 'answer-malformed' });
    }),
    { numRuns: 200 },
  );
});
