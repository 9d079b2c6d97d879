import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { encode } from '../../codec/index.ts';
import { protocol } from '../../ledger/index.ts';
import { person } from '../../ledger/testing/world.ts';
import type { TabellionNode } from '../../node/index.ts';
import { ALONE, heightOf, transferTo, VALIDATORS, Village } from '../../node/testing/village.ts';
import type { CallContext, MethodHandlers } from '../handlers.ts';
import { createNodeHandlers } from './index.ts';

const [VALIDATOR] = VALIDATORS;
const ada = person('ada');
const bob = person('bob');

let village: Village;
let node: TabellionNode;
let methods: MethodHandlers;

beforeAll(async () => {
  village = new Village(ALONE);
  await village.start(VALIDATOR);
  node = village.node(VALIDATOR);
  methods = createNodeHandlers(node).methods;
});
afterAll(() => village.stopAll());

const body = () => {
  const draft = { actions: [transferTo(bob.address, 1)] };
  const transaction = village.world.sign(ada, draft);
  return encode(protocol.codecs.body, transaction.body);
};
const none = { initialPolicy: undefined, sponsorPolicy: undefined };

it.each<readonly [string, (call: CallContext) => unknown]>([
  ['account.get', (call) => methods['account.get']({ address: ada.address }, call)],
  ['parameters.get', (call) => methods['parameters.get']({}, call)],
  ['asset.list', (call) => methods['asset.list']({ after: undefined, limit: undefined }, call)],
  [
    'account.findByCredential',
    (call) => methods['account.findByCredential']({ credentialId: new Uint8Array(16) }, call),
  ],
  [
    'transaction.simulate',
    (call) => methods['transaction.simulate']({ body: body(), ...none }, call),
  ],
])('%s tells the height that it read, though a block comes before it answers', async (_, ask) => {
  const { chain } = node.parts;
  const read = chain.read.bind(chain);
  const before = heightOf(node);
  vi.spyOn(chain, 'read').mockImplementationOnce(async (reading) => {
    const value = await read(reading);
    const id = await village.submit(node, village.pay(ada, bob.address, 1));
    await village.settled(id);
    return value;
  });
  const { signal } = new AbortController();
  const call = { signal, access: 'public', transport: 'port', remoteAddress: undefined } as const;
  expect(await ask(call)).toMatchObject({ height: before });
  expect(heightOf(node)).toBe(before + 1);
});
