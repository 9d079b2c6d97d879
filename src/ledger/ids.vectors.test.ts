import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../base/index.ts';
import { defined, formatHex, parseHex } from '../base/index.ts';
import { toJson } from '../codec/index.ts';
import { hashSuite, verifySignature } from '../crypto/index.ts';
import { formatAddress } from './address.ts';
import { createLedger, parseGenesis, protocol } from './ledger.ts';

/** Frozen forms: a change here is another protocol, and needs another version. */
const vectors = JSON.parse(
  readFileSync(new URL('./ids.vectors.json', import.meta.url), 'utf8'),
) as {
  readonly genesis: JsonObject;
  readonly chainId: string;
  readonly transactions: readonly Vector[];
};

type Vector = {
  readonly about: string;
  readonly bytes: string;
  readonly id: string;
  readonly signingHash: string;
  readonly signedHash: string;
  readonly sender: string;
  readonly json: JsonObject;
};

function ledgerOf(genesis: JsonObject) {
  const document = parseGenesis(genesis);
  if (!document.ok) throw new Error(document.error.code);
  const ledger = createLedger(document.value);
  if (!ledger.ok) throw new Error(ledger.error.code);
  return ledger.value;
}

const ledger = ledgerOf(vectors.genesis);

describe('frozen forms', () => {
  it('of a genesis document: its chain id', () => {
    expect(formatHex(ledger.chainId)).toBe(vectors.chainId);
    expect(toJson(protocol.genesisCodec, ledger.genesis.document)).toEqual(vectors.genesis);
  });

  it.each(vectors.transactions)('of a transaction: $about', (vector) => {
    const bytes = parseHex(vector.bytes);
    if (!bytes.ok) throw new Error('not hex');
    const prepared = ledger.prepareTransaction(bytes.value);
    if (!prepared.ok) throw new Error(prepared.error.code);
    const { transaction, id, signingHash, signedHash, claims } = prepared.value;
    expect(formatHex(id)).toBe(vector.id);
    expect(formatHex(signingHash)).toBe(vector.signingHash);
    expect(formatHex(signedHash)).toBe(vector.signedHash);
    expect(formatAddress(transaction.body.sender)).toBe(vector.sender);
    expect(toJson(ledger.codecs.transaction, transaction)).toEqual(vector.json);
    expect(claims.every(verifySignature)).toBe(true);
    const policy = defined(transaction.sender.initialPolicy, 'shown in these');
    expect(formatAddress(ledger.addressOfPolicy(policy))).toBe(vector.sender);
  });

  it('of suites: the same genesis under SHA-256 is another network', () => {
    const other = ledgerOf({ ...vectors.genesis, hashSuite: 'sha2-256' });
    expect(other.suite).toBe(hashSuite('sha2-256'));
    expect(formatHex(other.chainId)).not.toBe(vectors.chainId);
  });
});
