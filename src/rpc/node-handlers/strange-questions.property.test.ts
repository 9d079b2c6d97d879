import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../base/index.ts';
import { formatHex, isJsonObject } from '../../base/index.ts';
import type { Codec } from '../../codec/index.ts';
import { formatAddress } from '../../ledger/index.ts';
import { jsonOf } from '../../ledger/testing/arbitrary.ts';
import { person } from '../../ledger/testing/world.ts';
import { FUNDED, heightOf, VALIDATORS, Village } from '../../node/testing/village.ts';
import { builtinMethods } from '../builtin.ts';
import { isRpcErrorCode } from '../errors.ts';
import { createRpcServer } from '../server.ts';
import { createNodeHandlers } from './index.ts';

// Whatever a stranger asks a node that has to ask its peers: the answer is one of the table's, it
// comes soon, and no peer takes offence at what was asked on the stranger's behalf.

const BLOCKS = 14;
const SAMPLES = 12;
const SOON_MS = 500;
const LAST = Number.MAX_SAFE_INTEGER;
const bob = person('bob');
const methods = builtinMethods();
const address = formatAddress(bob.address);
const hex = (byte: number) => formatHex(new Uint8Array(32).fill(byte));
const many = (count: number) => Array.from({ length: count }, (_, at) => hex(at));

let village: Village;
beforeAll(async () => {
  village = new Village(FUNDED);
  village.nodeOptions = { snapshotEveryBlocks: 5, snapshotWorthBlocks: 6 };
  await village.startAll(...VALIDATORS);
  const first = village.node(VALIDATORS[0]);
  await village.decideAll(BLOCKS);
  await village.start('lamp', { options: { mode: 'light' } });
  await village.start('late');
  const late = village.node('late');
  await village.clock.until('arrived', () => heightOf(late) >= heightOf(first), 120_000);
});
afterAll(() => village.stopAll());

/** Edges of what questions can name. */
const EDGES: readonly (readonly [string, Json])[] = [
  ...[0, 3, LAST].flatMap((height) =>
    [0, 1, 65_536, 0xffff_ffff].map(
      (index) => ['account.history', { address, before: { height, index } }] as const,
    ),
  ),
  ['account.history', { address, limit: 0 }],
  ['account.history', { address, limit: 65_535 }],
  ['account.proof', { address, assets: many(61) }],
  ['asset.list', { after: hex(255), limit: 65_535 }],
  ['block.get', { height: LAST }],
  ['block.list', { before: 0 }],
  ['block.list', { before: LAST, limit: 65_535 }],
  ['light.blocks', { from: LAST, heights: [LAST, 0] }],
  ['light.blocks', { from: LAST, heights: [3] }],
  ['light.blocks', { from: 0, heights: [3, 3, 1] }],
  ['transaction.statuses', { ids: many(200) }],
  ['validators.get', { height: LAST }],
  ['validators.get', { height: 0 }],
];

const drawn = Object.entries(methods).flatMap(([name, { params }]) => {
  const { shape } = params as Codec<unknown>; // All are walked alike.
  const samples = fc.sample(jsonOf(shape), { numRuns: SAMPLES, seed: 3 });
  return samples.map((json): readonly [string, Json] => [name, json]);
});

describe.each(['lamp', 'late'])('%s', (name) => {
  it('answers every question soon, and with a public code', async () => {
    const { clock } = village;
    const errors: string[] = [];
    const server = createRpcServer({
      handlers: createNodeHandlers(village.node(name)),
      methods,
      clock,
      tracer: { trace: (_level, event, facts) => errors.push(event, JSON.stringify(facts)) },
    });
    const connection = server.connect({ transport: 'http', access: 'public' });
    const late: string[] = [];
    for (const [method, params] of [...EDGES, ...drawn]) {
      const startedMs = clock.now();
      const request = { jsonrpc: '2.0', id: 1, method, params };
      const answer = await clock.run(connection.handleJson(request));
      if (answer === undefined || !isJsonObject(answer)) throw new Error('no answer');
      if (answer.error !== undefined) {
        const { data } = answer.error as { readonly data: { readonly code: string } }; // As every.
        expect(isRpcErrorCode(data.code)).toBe(true);
        expect([method, data.code]).not.toEqual([method, 'internal-error']);
      }
      if (clock.now() - startedMs > SOON_MS) late.push(method);
    }
    expect(errors).toEqual([]);
    expect(late).toEqual([]);
    expect(village.hub.penalties).toEqual([]);
    server.close();
  });
});
