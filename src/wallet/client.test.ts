import { describe, expect, test } from 'vitest';
import type { Json } from '../base/index.ts';
import { formatHex, TabellionError, timestampMs } from '../base/index.ts';
import { toJson } from '../codec/index.ts';
import { sha256 } from '../crypto/index.ts';
import type { Address, AssetId, Height } from '../ledger/index.ts';
import { chainParametersCodec, createDevnetGenesis, formatAddress } from '../ledger/index.ts';
import type { Transport } from '../sdk/index.ts';
import { createClient } from '../sdk/index.ts';
import { walletClientOf } from './index.ts';

const HASH = 'ab'.repeat(32);
const ADDRESS = sha256(Uint8Array.of(1)) as unknown as Address; // Any 32 bytes.

type Answers = { readonly [method: string]: Json | (() => never) };

/** A node that answers from a table, in the very JSON that travels. */
function clientOn(answers: Answers, events: { readonly [topic: string]: Json } = {}) {
  const asked: { readonly method: string; readonly params: Json }[] = [];
  const transport: Transport = {
    trustMax: 'validated',
    async call(method, params) {
      asked.push({ method, params });
      const answer = answers[method];
      if (typeof answer === 'function') return answer();
      if (answer === undefined) throw new TabellionError('method-not-found', { method });
      return answer as Json;
    },
    subscribe(topic, _params, push) {
      const event = events[topic];
      if (event !== undefined) push(event);
      return () => undefined;
    },
    close: () => undefined,
  };
  return { client: walletClientOf(createClient(transport)), asked };
}

const status = {
  id: HASH,
  stage: 'failed',
  height: 7,
  index: 0,
  seenAtMs: null,
  includedAtMs: null,
  finalAtMs: null,
  validUntil: null,
  code: 'insufficient-balance',
  actionIndex: 1,
  trust: 'validated',
};

describe('walletClientOf', () => {
  test('reads the prices from the parameters of the chain', async () => {
    const document = createDevnetGenesis({
      name: 'Test',
      timestampMs: timestampMs(0),
      validators: [{ publicKey: new Uint8Array(32), name: 'A' }],
      parameters: { gasPrice: 12_345n as never }, // In the range of amounts.
    });
    const section = (document.modules as { readonly parameters: { readonly values: never } })
      .parameters; // The devnet's own section.
    const parameters = toJson(chainParametersCodec, section.values);
    const { client } = clientOn({
      'parameters.get': { parameters, height: 1, trust: 'validated' },
    });
    expect(await client.gasPrices()).toEqual({ gasPrice: 12_345n, gasPerSignature: 500 });
    const broken = clientOn({ 'parameters.get': { parameters: {}, height: 1, trust: 'cached' } });
    await expect(broken.client.gasPrices()).rejects.toMatchObject({ code: 'node-answer-wrong' });
  });

  test('an asset that is not there is undefined, other failures stay failures', async () => {
    const asset = new Uint8Array(32).fill(5) as Uint8Array<ArrayBuffer> as AssetId;
    const refuse = (code: string) => () => {
      throw new TabellionError(code);
    };
    const absent = clientOn({ 'asset.get': refuse('not-found') });
    expect(await absent.client.asset(asset)).toBeUndefined();
    const away = clientOn({ 'asset.get': refuse('connection-failed') });
    await expect(away.client.asset(asset)).rejects.toMatchObject({ code: 'connection-failed' });
  });

  test('simulation carries the policies that will be shown, and the problem with its facts', async () => {
    const problem = { code: 'gas-limit-too-low', facts: { needed: 9 }, message: '' };
    const { client, asked } = clientOn({
      'transaction.simulate': {
        outcome: { kind: 'succeeded' },
        gasUsed: 5,
        fee: '20',
        payer: formatAddress(ADDRESS),
        changes: [],
        logs: [],
        problem,
        height: 3,
        trust: 'validated',
      },
    });
    const body = Uint8Array.of(1);
    const simulation = await client.simulate({
      body,
      initialPolicy: undefined,
      sponsorPolicy: undefined,
    });
    expect(simulation).toMatchObject({
      atHeight: 3,
      trust: 'validated',
      gasUsed: 5,
      fee: 20n,
      problem: { code: 'gas-limit-too-low', facts: { needed: 9 } },
    });
    expect(asked[0]?.params).toMatchObject({ body: '01', initialPolicy: null });
  });

  test('status and events become progress, with the code of a failure', async () => {
    const { client } = clientOn({ 'transaction.status': status }, { transaction: status });
    const id = sha256(Uint8Array.of(2)) as never; // Any 32 bytes are a hash.
    const expected = {
      stage: 'failed',
      height: 7 as Height,
      failure: { code: 'insufficient-balance', actionIndex: 1 },
    };
    expect(await client.transactionStatus(id)).toEqual(expected);
    const seen: unknown[] = [];
    client.watchTransaction(id, (each) => seen.push(each));
    expect(seen).toEqual([expected]);
  });

  test('a network with an unknown hash suite is refused', async () => {
    const info = {
      name: 'Test',
      chainId: HASH,
      protocolVersion: 1,
      hashSuite: 'sha2-256',
      native: { symbol: 'TAB', name: 'Tabellion', decimals: 6 },
      execution: 'state',
      consensus: { membership: 'fixed', leader: 'rotating', agreement: 'three-phase' },
      faucet: null,
      genesisTimestampMs: 0,
      genesisHash: HASH,
      relays: [],
    };
    const good = clientOn({ 'chain.info': info });
    const facts = await good.client.network();
    expect(formatHex(facts.chainId)).toBe(HASH);
    const odd = clientOn({ 'chain.info': { ...info, hashSuite: 'md5' } });
    await expect(odd.client.network()).rejects.toMatchObject({ code: 'network-unsupported' });
  });
});
