import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toJson } from '../codec/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import { protocol } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import type { TabellionNode } from '../node/index.ts';
import { ALONE, VALIDATORS, Village } from '../node/testing/village.ts';
import { builtinMethods, createNodeHandlers, createRpcServer, servePort } from '../rpc/index.ts';
import type { Client, ProofAnchor } from '../sdk/index.ts';
import {
  createClient,
  createProver,
  portTransport,
  proofAnchorOf,
  proverAnchorOf,
  verifyAccountProof,
  verifyFinality,
  verifyTransactionProof,
} from '../sdk/index.ts';

const [VALIDATOR] = VALIDATORS;
const ada = person('ada');
const bob = person('bob');

let village: Village;
let node: TabellionNode;
let client: Client;
let anchor: ProofAnchor;
let payment: Hash;
const ends: (() => void)[] = [];

/** A client as a page has it: over a port to the node's worker. */
function clientOf(of: TabellionNode): Client {
  const { port1, port2 } = new MessageChannel();
  const server = createRpcServer({
    handlers: createNodeHandlers(of),
    methods: builtinMethods(),
  });
  const end = servePort(server, port2);
  const made = createClient(portTransport(port1));
  ends.push(() => {
    made.close();
    server.close();
    end();
  });
  return made;
}

beforeAll(async () => {
  village = new Village(ALONE);
  await village.start(VALIDATOR);
  node = village.node(VALIDATOR);
  client = clientOf(node);
  const read = proofAnchorOf(toJson(protocol.genesisCodec, village.genesis));
  if (!read.ok) throw new Error(read.error.code);
  anchor = read.value;
  for (const value of [1, 2, 3, 4, 5]) {
    payment = await village.submit(node, village.pay(ada, bob.address, value));
    await village.settled(payment);
  }
});
afterAll(async () => {
  for (const end of ends) end();
  await village.stopAll();
});

describe('the client of a page, over a port', () => {
  it('submits a payment and is told each step until it is final', async () => {
    const bytes = village.pay(ada, bob.address, 6);
    const { id } = await client.transaction.submit(bytes);
    const status = await client.transaction.settled(id);
    expect(status).toMatchObject({ value: { stage: 'final' }, trust: 'validated' });
    const balance = await client.asset.balance(bob.address, new Uint8Array(32) as never);
    expect(balance.value).toBe(21n);
  });

  it('proves that a transaction is in a final block, and finds a forged proof out', async () => {
    const proof = await client.call('transaction.proof', { id: payment });
    const proven = await verifyTransactionProof(anchor, proof);
    expect(proven).toMatchObject({
      ok: true,
      value: { trust: 'proven', height: proof.header.height },
    });
    const forged = { ...proof, id: new Uint8Array(32) as Hash };
    expect((await verifyTransactionProof(anchor, forged)).ok).toBe(false);
  });

  it('proves accounts, with further assets and without, also those never used', async () => {
    const other = new Uint8Array(32).fill(9) as never;
    for (const assets of [undefined, [], [other], [other, other]]) {
      const asked = { address: bob.address, ...(assets === undefined ? {} : { assets }) };
      const proof = await client.call('account.proof', asked);
      const proven = await verifyAccountProof(anchor, proof, asked);
      if (!proven.ok) throw new Error(proven.error.code);
      expect(proven.value.value.balances[0]?.amount).toBe(21n);
    }
    const address = person('nobody').address;
    const proof = await client.call('account.proof', { address });
    const proven = await verifyAccountProof(anchor, proof, { address });
    expect(proven).toMatchObject({
      ok: true,
      value: { trust: 'proven', value: { sequence: 0, policy: undefined } },
    });
    const wrong = await verifyAccountProof(anchor, proof, { address: bob.address });
    expect(wrong.ok).toBe(false);
  });

  it('proves every block down to the first', async () => {
    const { genesisHash } = await client.call('chain.info', {});
    const { blocks } = await client.call('block.list', { limit: 100 });
    expect(blocks.at(-1)?.height).toBe(0);
    for (const { height, hash } of blocks) {
      const { header, certificate } = await client.call('block.get', { height });
      const { validators } = await client.call('validators.get', { height });
      const finality = { header, hash, certificate, membership: { validators } };
      expect((await verifyFinality(anchor, finality, genesisHash)).ok).toBe(true);
    }
  });

  it('proves accounts and payments by itself, trusting nobody but genesis', async () => {
    const own = proverAnchorOf(toJson(protocol.genesisCodec, village.genesis));
    if (!own.ok) throw new Error(own.error.code);
    const prover = createProver(client, own.value, { clock: village.clock });
    const account = await prover.account(bob.address);
    const { height } = node.parts.chain.head().header;
    expect(account).toMatchObject({
      ok: true,
      value: { trust: 'proven', height, value: { balances: [{ amount: 21n }] } },
    });
    expect(prover.head().header.height).toBe(height);
    const proven = await prover.transaction(payment);
    expect(proven).toMatchObject({ ok: true, value: { trust: 'proven', value: { id: payment } } });
    const newest = await prover.newest();
    expect(newest).toMatchObject({ ok: true, value: { trust: 'proven', height } });
    const balance = await prover.balance(bob.address);
    expect(balance).toMatchObject({ ok: true, value: { trust: 'proven', value: 21n } });
  });

  it('proves the head also after a restart, and says which proofs it no longer has', async () => {
    const store = await village.stop(VALIDATOR);
    await village.start(VALIDATOR, { store: store.crash() });
    const again = clientOf(village.node(VALIDATOR));
    const proof = await again.call('account.proof', { address: bob.address });
    const proven = await verifyAccountProof(anchor, proof, { address: bob.address });
    expect(proven).toMatchObject({ ok: true, value: { value: { balances: [{ amount: 21n }] } } });
    const status = await again.call('transaction.status', { id: payment });
    expect(status).toMatchObject({ stage: 'final', height: 5 as Height });
  });
});
