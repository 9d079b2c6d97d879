import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Codec } from '../codec/index.ts';
import { decode, encode, parseJson, toJson } from '../codec/index.ts';
import { createActionCodec, createModuleRegistry } from './action.ts';
import { addressCodec } from './address.ts';
import { createProtocol } from './ledger.ts';
import { accountRecordCodec, credentialClaimCodec } from './modules/account/schema.ts';
import { assetRecordCodec } from './modules/asset/schema.ts';
import { builtinModules } from './modules/index.ts';
import { chainParametersCodec } from './modules/parameters/index.ts';
import { jsonOf } from './testing/arbitrary.ts';
import {
  commitCertificateCodec,
  evidenceCodec,
  headerCodec,
  keyPolicyCodec,
  logCodec,
  membershipCodec,
  receiptCodec,
  signedVoteCodec,
} from './types.ts';

const protocol = createProtocol();
const registry = createModuleRegistry(builtinModules);

// Each codec forgets its type here: the laws below are the same for all.
const codecs = {
  address: addressCodec,
  action: createActionCodec(registry),
  body: protocol.codecs.body,
  transaction: protocol.codecs.transaction,
  block: protocol.codecs.block,
  genesis: protocol.genesisCodec,
  header: headerCodec,
  keyPolicy: keyPolicyCodec,
  log: logCodec,
  receipt: receiptCodec,
  membership: membershipCodec,
  signedVote: signedVoteCodec,
  certificate: commitCertificateCodec,
  evidence: evidenceCodec,
  accountRecord: accountRecordCodec,
  credentialClaim: credentialClaimCodec,
  assetRecord: assetRecordCodec,
  parameters: chainParametersCodec,
} as unknown as { readonly [name: string]: Codec<unknown> };

/** Whatever is accepted re-encodes to the very same bytes. */
function acceptsOnlyCanonical(codec: Codec<unknown>, bytes: Uint8Array): void {
  const decoded = decode(codec, bytes);
  if (decoded.ok) expect(encode(codec, decoded.value)).toEqual(new Uint8Array(bytes));
}

describe.each(Object.entries(codecs))('the codec of %s', (_, codec) => {
  it('maps each value to bytes and to JSON and back', () => {
    fc.assert(
      fc.property(jsonOf(codec.shape), (json) => {
        const value = parseJson(codec, json);
        if (!value.ok) throw new Error(`refused: ${JSON.stringify(value.error)}`);
        const bytes = encode(codec, value.value);
        expect(decode(codec, bytes)).toEqual(value);
        expect(parseJson(codec, toJson(codec, value.value))).toEqual(value);
      }),
      { numRuns: 50 },
    );
  });

  it('never throws on a changed, shortened or lengthened form, nor accepts a second one', () => {
    const change = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(jsonOf(codec.shape), change, (json, { at, byte }) => {
        const value = parseJson(codec, json);
        if (!value.ok) throw new Error(`refused: ${JSON.stringify(value.error)}`);
        const bytes = encode(codec, value.value);
        const changed = new Uint8Array(bytes);
        changed[at % bytes.length] = byte;
        acceptsOnlyCanonical(codec, changed);
        expect(decode(codec, bytes.subarray(0, at % bytes.length)).ok).toBe(false);
        expect(decode(codec, Uint8Array.of(...bytes, byte)).ok).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  it('never throws on random bytes, nor accepts a second form', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => acceptsOnlyCanonical(codec, bytes)),
      { numRuns: 100 },
    );
  });

  it('never throws on random JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        const parsed = parseJson(codec, json as never); // Any JSON at all.
        if (parsed.ok) encode(codec, parsed.value);
      }),
      { numRuns: 100 },
    );
  });
});

describe('the codec of actions', () => {
  it('refuses numbers and kinds that no module has', () => {
    const codec = createActionCodec(registry);
    for (const bytes of [
      [0, 1],
      [9, 1],
      [1, 0],
      [1, 200],
    ]) {
      expect(decode(codec, Uint8Array.from(bytes))).toEqual({
        ok: false,
        error: { code: 'unknown-variant', at: 0 },
      });
    }
    for (const kind of ['asset.steal', 'constructor', '__proto__', 'asset', 7, null]) {
      expect(parseJson(codec, { kind })).toMatchObject({ error: { code: 'unknown-variant' } });
    }
  });
});
