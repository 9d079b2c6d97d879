import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../base/index.ts';
import { formatHex, isJsonObject } from '../../base/index.ts';
import { decode, encode } from '../../codec/index.ts';
import type { KeySignature, Transaction } from '../../ledger/index.ts';
import { formatAddress } from '../../ledger/index.ts';
import type { Draft, Person } from '../../ledger/testing/world.ts';
import { amount, height, TestWorld } from '../../ledger/testing/world.ts';
import type { TabellionNode } from '../../node/index.ts';
import {
  ada,
  bob,
  crowdOptions,
  kay,
  pat,
  people,
  poor,
  strict,
  VALIDATOR,
} from '../../node/testing/crowd.ts';
import { transferTo, Village } from '../../node/testing/village.ts';
import { builtinMethods } from '../builtin.ts';
import type { RpcConnection } from '../server.ts';
import { createRpcServer } from '../server.ts';
import { createNodeHandlers } from './index.ts';

/** A network with the same people and other rules. */
const elsewhere = new TestWorld({ ...crowdOptions, consensus: { heartbeatMs: 1_000 } });

let village: Village;
let node: TabellionNode;
let connection: RpcConnection;
let included: Uint8Array;

beforeAll(async () => {
  village = new Village(crowdOptions);
  await village.start(VALIDATOR);
  node = village.node(VALIDATOR);
  const { clock } = village;
  const server = createRpcServer({
    handlers: createNodeHandlers(node),
    methods: builtinMethods(),
    clock,
  });
  connection = server.connect({ transport: 'port', access: 'public', send: async () => undefined });
  included = village.pay(ada, bob.address, 1);
  await village.settled(await village.submit(node, included));
});
afterAll(async () => {
  connection.close();
  await village.stopAll();
});

let lastId = 0;

async function ask(method: string, params: Json): Promise<JsonObject> {
  lastId += 1;
  const question = { jsonrpc: '2.0', id: lastId, method, params };
  const answer = await village.clock.run(connection.handleJson(question));
  if (answer === undefined || !isJsonObject(answer)) throw new Error('no answer');
  return answer;
}

/** The public code that a submission is refused with. */
async function refusalOf(bytes: Uint8Array): Promise<Json> {
  const { error, result } = await ask('transaction.submit', { bytes: formatHex(bytes) });
  if (!isJsonObject(error) || !isJsonObject(error.data)) return { accepted: result ?? null };
  return error.data.code ?? null;
}

/** What a refusal must leave as it was: head with its state root, pool, everybody's account. */
async function snapshot(): Promise<Json> {
  const { result: block } = await ask('block.list', { limit: 1 });
  const { result: pool } = await ask('mempool.status', {});
  const { result: waiting } = await ask('mempool.list', {});
  const accounts = await Promise.all(
    [...people, poor].map(({ address }) => ask('account.get', { address: formatAddress(address) })),
  );
  const head = node.status().head?.header;
  return {
    block: block ?? null,
    pool: pool ?? null,
    waiting: waiting ?? null,
    accounts: accounts.map(({ result }) => result ?? null),
    height: head?.height ?? null,
    stateRoot: head === undefined ? null : formatHex(head.stateRoot),
    keys: village.world.state.values.size,
  };
}

const draftOf = (rest: Partial<Draft> = {}): Draft => ({
  actions: [transferTo(bob.address, 1)],
  ...rest,
});
const signed = (sender: Person, draft: Draft) => (): Uint8Array => village.sign(sender, draft);
const changed = (change: NonNullable<Draft['change']>) => signed(ada, draftOf({ change }));
const asserted = (sender: Person, assertion: NonNullable<Draft['assertion']>) =>
  signed(sender, draftOf({ assertion }));

/** A good transaction with its signatures bent. */
function bent(sender: Person, change: (signature: KeySignature) => KeySignature) {
  return (): Uint8Array => {
    const transaction = village.world.sign(sender, draftOf());
    const signatures = transaction.sender.signatures.map(change);
    return village.encode({ ...transaction, sender: { ...transaction.sender, signatures } });
  };
}

/** A good transaction with its body bent after it was signed. */
function rewritten(change: (transaction: Transaction) => Partial<Transaction['body']>) {
  return (): Uint8Array => {
    const transaction = village.world.sign(ada, draftOf());
    return village.encode({
      ...transaction,
      body: { ...transaction.body, ...change(transaction) },
    });
  };
}

/** A good transaction with its bytes bent. */
function spoiled(change: (bytes: Uint8Array) => Uint8Array) {
  return (): Uint8Array => change(village.sign(ada, draftOf()));
}

const withBytes = (signature: KeySignature, change: (bytes: Uint8Array) => Uint8Array) => ({
  ...signature,
  signature: new Uint8Array(change(signature.signature)),
});
const flipped = (bytes: Uint8Array) => bytes.map((byte, at) => (at === 5 ? byte ^ 1 : byte));

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The other solution of the same equation: s becomes n − s. */
function withHighS(signature: Uint8Array): Uint8Array {
  const s = BigInt(`0x${formatHex(signature.subarray(32))}`);
  return Uint8Array.from(Buffer.from(formatHex(signature.subarray(0, 32)) + pad(ORDER - s), 'hex'));
}
const pad = (value: bigint): string => value.toString(16).padStart(64, '0');

/** Where a good encoding holds a length that can be written with one byte more. */
function lengthAt(bytes: Uint8Array): number {
  const { codecs } = village.world.ledger;
  for (let at = 0; at < bytes.length; at++) {
    const decoded = decode(codecs.transaction, padded(bytes, at));
    if (!decoded.ok && decoded.error.code === 'non-canonical') return at;
  }
  throw new Error('no length in these bytes');
}

/** A byte below 128 as two bytes of ULEB128 with the same meaning. */
function padded(bytes: Uint8Array, at: number): Uint8Array {
  const byte = bytes[at] ?? 0;
  return Uint8Array.of(...bytes.subarray(0, at), byte | 0x80, 0, ...bytes.subarray(at + 1));
}

/** A good transaction whose first action has a number that no module has. */
function withUnknownAction(bytes: Uint8Array): Uint8Array {
  const action = transferTo(bob.address, 1);
  const { codecs } = village.world.ledger;
  const lone = encode(codecs.transaction, {
    ...village.world.sign(ada, draftOf({ actions: [action, action] })),
  });
  // Two equal actions stand side by side: where the bytes repeat, an action begins.
  const length = lone.length - bytes.length;
  for (let at = 0; at + 2 * length <= lone.length; at++) {
    const first = formatHex(lone.subarray(at, at + length));
    if (first !== formatHex(lone.subarray(at + length, at + 2 * length))) continue;
    const unknown = new Uint8Array(lone);
    unknown[at] = 0xee;
    unknown[at + 1] = 0xee;
    return unknown;
  }
  throw new Error('no action in these bytes');
}

/** What is submitted, and the public code of its refusal. */
const CASES: readonly (readonly [string, string, () => Uint8Array])[] = [
  [
    'signed for another network',
    'wrong-network',
    () => {
      const transaction = elsewhere.sign(ada, draftOf());
      return village.encode(transaction);
    },
  ],
  [
    'of another network, renamed to this one',
    'signature-invalid',
    () => {
      const { body, ...rest } = elsewhere.sign(ada, draftOf({ change: { sequence: 1 as never } }));
      return village.encode({ ...rest, body: { ...body, chainId: village.world.ledger.chainId } });
    },
  ],
  ['replayed in its sequence', 'sequence-used', changed({ sequence: 0 as never, memo: 'again' })],
  ['expired', 'expired', changed({ validUntil: height(1) })],
  ['of the future', 'not-yet-valid', changed({ validFrom: height(900), validUntil: height(990) })],
  ['far ahead in its sequence', 'sequence-gap', changed({ sequence: 100_000 as never })],
  ['unfunded', 'insufficient-balance', signed(poor, draftOf())],
  [
    'with a fee beyond what is held',
    'insufficient-balance',
    changed({ feeMax: amount(2n ** 62n) }),
  ],
  ['badly signed', 'signature-invalid', bent(ada, (each) => withBytes(each, flipped))],
  ['badly signed by P-256', 'signature-invalid', bent(pat, (each) => withBytes(each, flipped))],
  ['badly signed by a passkey', 'signature-invalid', bent(kay, (each) => withBytes(each, flipped))],
  [
    'signed with zeros',
    'signature-invalid',
    bent(ada, (each) => withBytes(each, (b) => b.fill(0))),
  ],
  ['signed with high S', 'signature-high-s', bent(pat, (each) => withBytes(each, withHighS))],
  ['asserted with high S', 'signature-high-s', bent(kay, (each) => withBytes(each, withHighS))],
  [
    'changed in its amount',
    'signature-invalid',
    rewritten(() => ({
      actions: [transferTo(bob.address, 1_000)],
    })),
  ],
  [
    'changed in its recipient',
    'signature-invalid',
    rewritten(() => ({
      actions: [transferTo(poor.address, 1)],
    })),
  ],
  ['changed in its memo', 'signature-invalid', rewritten(() => ({ memo: 'thanks' }))],
  [
    'changed in its expiry',
    'signature-invalid',
    rewritten(({ body }) => ({
      validUntil: height(body.validUntil + 1),
    })),
  ],
  [
    'asserted for another origin',
    'origin-not-allowed',
    asserted(kay, { origin: 'https://evil.example' }),
  ],
  [
    'asserted for a port beside',
    'origin-not-allowed',
    asserted(kay, { origin: 'http://localhost:4701' }),
  ],
  ['asserted for another site', 'rp-id-mismatch', asserted(kay, { rpId: 'evil.example' })],
  [
    'asserted for another challenge',
    'challenge-mismatch',
    asserted(kay, { challenge: new Uint8Array(32) }),
  ],
  ['asserted by a registration', 'type-wrong', asserted(kay, { type: 'webauthn.create' })],
  ['asserted in a frame of another site', 'cross-origin', asserted(kay, { crossOrigin: true })],
  ['asserted without presence', 'user-not-present', asserted(kay, { flags: 0x04 })],
  ['asserted without verification', 'user-not-verified', asserted(strict, { flags: 0x01 })],
  [
    'signed by a key that is not the account’s',
    'key-unknown',
    signed(ada, draftOf({ signers: [bob] })),
  ],
  ['of an unknown version', 'version-unsupported', changed({ version: 2 })],
  ['with an unknown action', 'malformed', spoiled(withUnknownAction)],
  ['written with a longer length', 'malformed', spoiled((bytes) => padded(bytes, lengthAt(bytes)))],
  ['with a byte behind it', 'malformed', spoiled((bytes) => Uint8Array.of(...bytes, 0))],
  ['cut short', 'malformed', spoiled((bytes) => bytes.subarray(0, -1))],
  ['empty', 'malformed', () => new Uint8Array()],
  ['twice in one text', 'malformed', spoiled((bytes) => Uint8Array.of(...bytes, ...bytes))],
  ['as long as allowed, and nothing', 'malformed', () => new Uint8Array(32 * 1024)],
];

describe('a submitted transaction that is', () => {
  for (const [what, code, make] of CASES) {
    it(`${what} is refused as ${code}, and nothing changed`, async () => {
      const bytes = make();
      const before = await snapshot();
      const messages = village.hub.published.length;
      expect(await refusalOf(bytes)).toBe(code);
      expect(await snapshot()).toEqual(before);
      await village.clock.pass(1_000);
      expect(await snapshot()).toEqual(before);
      expect(village.hub.published.length).toBe(messages);
    });
  }

  it('too large is refused before it is read', async () => {
    const before = await snapshot();
    for (const length of [32 * 1024 + 1, 1_000_000]) {
      const bytes = new Uint8Array(length);
      expect(await refusalOf(bytes)).toBe('too-large');
      expect(await node.submit(bytes)).toMatchObject({ error: { code: 'too-large' } });
      const answer = await ask('transaction.simulate', { body: formatHex(bytes) });
      const facts = { bytes: length, bytesMax: 32 * 1024 };
      expect(answer).toMatchObject({ error: { data: { code: 'too-large', facts } } });
    }
    expect(await snapshot()).toEqual(before);
  });

  it('the very bytes of one that was included is answered with its id, and not run again', async () => {
    const before = await snapshot();
    const { result } = await ask('transaction.submit', { bytes: formatHex(included) });
    expect(result).toHaveProperty('id');
    await village.clock.pass(1_000);
    expect(await snapshot()).toEqual(before);
  });

  it('good is included, so that the refusals above say something', async () => {
    for (const each of [ada, pat, kay, strict]) {
      const { result } = await ask('transaction.submit', {
        bytes: formatHex(village.sign(each, draftOf())),
      });
      const { id } = result as { readonly id: string };
      const settled = await village.settled(Uint8Array.from(Buffer.from(id, 'hex')));
      expect(settled).toEqual(['final']);
    }
  });
});
