import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../base/index.ts';
import { formatHex } from '../base/index.ts';
import { decode, encode, toJson } from '../codec/index.ts';
import type { GenesisDocument } from './genesis.ts';
import { createLedger, genesisJsonSchema, parseGenesis, protocol } from './ledger.ts';
import { BLOCK_TRANSACTIONS_MAX, TRANSACTION_BYTES_MAX } from './limits.ts';
import { amount, createTestLedger, person, TestWorld } from './testing/world.ts';

const document = createTestLedger().genesis.document;
const json = toJson(protocol.genesisCodec, document) as JsonObject; // A struct's form.

function refusal(change: Partial<GenesisDocument>): unknown {
  const created = createLedger({ ...document, ...change });
  return created.ok ? undefined : created.error;
}

const withSections = (sections: { [module: string]: unknown }): Partial<GenesisDocument> => ({
  modules: { ...document.modules, ...sections },
});

describe('a genesis document', () => {
  it('means the same as JSON, as bytes and as a value', () => {
    const parsed = parseGenesis(JSON.parse(JSON.stringify(json)) as Json); // JSON by definition.
    expect(parsed).toEqual({ ok: true, value: document });
    const bytes = encode(protocol.genesisCodec, document);
    expect(decode(protocol.genesisCodec, bytes)).toEqual({ ok: true, value: document });
  });

  it('may name its schema, and nothing else that is unknown', () => {
    expect(parseGenesis({ $schema: './genesis.schema.json', ...json })).toMatchObject({ ok: true });
    expect(parseGenesis({ ...json, extra: 1 })).toMatchObject({
      ok: false,
      error: { code: 'json-malformed', at: 'extra' },
    });
    expect(parseGenesis([])).toMatchObject({ ok: false });
  });

  it('has a schema that names its members', () => {
    expect(genesisJsonSchema).toMatchObject({ type: 'object', additionalProperties: false });
    expect(Object.keys(genesisJsonSchema.properties as object)).toContain('validators');
  });

  it('names its network: any change gives another chain id, and neither accepts the other', () => {
    const left = new TestWorld({ balances: [{ address: person('A').address, amount: 10n ** 9n }] });
    const right = new TestWorld({
      balances: [{ address: person('A').address, amount: 10n ** 9n + 1n }],
    });
    expect(formatHex(left.ledger.chainId)).not.toBe(formatHex(right.ledger.chainId));
    const action = {
      kind: 'asset.transfer',
      asset: new Uint8Array(32),
      recipient: person('B').address,
      amount: amount(1),
    };
    const prepared = left.prepare(person('A'), { actions: [action] });
    expect(right.execute(prepared)).toMatchObject({ error: { code: 'wrong-network' } });
  });

  it('refuses what no network can be started from', () => {
    const [validator] = document.validators;
    if (validator === undefined) throw new Error('there are four');
    expect(refusal({ version: 2 })).toEqual({ code: 'version-unsupported', version: 2 });
    expect(refusal({ validators: [validator, validator] })).toEqual({
      code: 'validators-duplicate',
    });
    expect(refusal({ validators: [{ ...validator, power: 0n }] })).toEqual({
      code: 'validator-power-zero',
    });
  });

  it.each([
    ['blockBytesMax', TRANSACTION_BYTES_MAX - 1],
    ['blockBytesMax', 3_900_001],
    ['blockTransactionsMax', 0],
    ['blockTransactionsMax', BLOCK_TRANSACTIONS_MAX + 1],
    ['proposeTimeoutMs', 0],
    ['prevoteTimeoutMs', 600_001],
    ['precommitTimeoutMs', 0],
    ['timeoutDeltaMs', 600_001],
    ['heartbeatMs', 99],
  ] as const)('refuses consensus options that no network can work with: %s %i', (option, value) => {
    const consensus = { ...document.consensus, [option]: value };
    expect(refusal({ consensus })).toEqual({ code: 'consensus-options-invalid', option });
  });

  it('admits the outermost consensus options', () => {
    const least = { blockBytesMax: TRANSACTION_BYTES_MAX, blockTransactionsMax: 1 };
    const consensus = { ...document.consensus, ...least, timeoutDeltaMs: 1, heartbeatMs: 100 };
    expect(refusal({ consensus })).toBeUndefined();
    const most = { blockBytesMax: 3_900_000, blockTransactionsMax: BLOCK_TRANSACTIONS_MAX };
    expect(refusal({ consensus: { ...consensus, ...most, proposeTimeoutMs: 600_000 } })).toBe(
      undefined,
    );
  });

  it.each([
    ['account', 'dead-end', { policies: [withThreshold(2)] }],
    ['account', 'account-twice', { policies: [withThreshold(1), withThreshold(1)] }],
    ['asset', 'account-twice', { balances: [balance(1n), balance(2n)] }],
    ['asset', 'amount-zero', { balances: [balance(0n)] }],
    [
      'asset',
      'supply-overflow',
      { balances: [balance(2n ** 64n - 1n), { ...balance(1n), address: person('B').address }] },
    ],
  ])('refuses a section of %s: %s', (module, reason, section) => {
    expect(refusal(withSections({ [module]: section }))).toEqual({
      code: 'module-section-invalid',
      module,
      reason,
    });
  });
});

function withThreshold(guarded: number) {
  const { keys } = person('A').policy;
  return { keys, thresholds: { everyday: 1, guarded, vault: 1 } };
}

function balance(value: bigint) {
  return { address: person('A').address, amount: amount(value) };
}
