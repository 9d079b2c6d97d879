import { describe, expect, it } from 'vitest';
import type { Codec } from '../codec/index.ts';
import { decode, parseJson, u8 } from '../codec/index.ts';
import { createActionCodec, createModuleRegistry } from './action.ts';
import { addressCodec } from './address.ts';
import { createProtocol } from './ledger.ts';
import {
  accountGenesisCodec,
  accountRecordCodec,
  credentialClaimCodec,
} from './modules/account/schema.ts';
import { assetGenesisCodec, assetRecordCodec } from './modules/asset/schema.ts';
import { faucetGenesisCodec } from './modules/faucet/index.ts';
import { builtinModules } from './modules/index.ts';
import {
  chainParametersCodec,
  parameterChangeCodec,
  parametersGenesisCodec,
} from './modules/parameters/index.ts';
import {
  acceptsOnlyCanonical,
  describeDecoder,
  describeJson,
  untyped,
} from './testing/decoder-laws.ts';
import {
  amountCodec,
  authorizationCodec,
  commitCertificateCodec,
  consensusOptionsCodec,
  evidenceCodec,
  headerCodec,
  keyCodec,
  keyHintCodec,
  keyPolicyCodec,
  keyRecordCodec,
  keySignatureCodec,
  logCodec,
  membershipCodec,
  receiptCodec,
  signedVoteCodec,
  validatorCodec,
  voteCodec,
} from './types.ts';

const protocol = createProtocol();
const registry = createModuleRegistry(builtinModules);

const codecs = untyped({
  address: addressCodec,
  amount: amountCodec,
  action: createActionCodec(registry),
  body: protocol.codecs.body,
  transaction: protocol.codecs.transaction,
  block: protocol.codecs.block,
  genesis: protocol.genesisCodec,
  accountGenesis: accountGenesisCodec,
  assetGenesis: assetGenesisCodec,
  faucetGenesis: faucetGenesisCodec,
  parametersGenesis: parametersGenesisCodec,
  consensusOptions: consensusOptionsCodec,
  header: headerCodec,
  key: keyCodec,
  keyHint: keyHintCodec,
  keyPolicy: keyPolicyCodec,
  keyRecord: keyRecordCodec,
  keySignature: keySignatureCodec,
  authorization: authorizationCodec,
  log: logCodec,
  receipt: receiptCodec,
  validator: validatorCodec,
  membership: membershipCodec,
  vote: voteCodec,
  signedVote: signedVoteCodec,
  certificate: commitCertificateCodec,
  evidence: evidenceCodec,
  accountRecord: accountRecordCodec,
  credentialClaim: credentialClaimCodec,
  assetRecord: assetRecordCodec,
  parameters: chainParametersCodec,
  parameterChange: parameterChangeCodec,
});

for (const [name, codec] of Object.entries(codecs)) {
  describeDecoder(name, codec);
  describeJson(name, codec);
}

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

describe('the laws of decoders', () => {
  it('notice one that throws, and one that takes two forms for a value', () => {
    const written: Pick<Codec<number>, 'shape' | 'write' | 'toJson' | 'fromJson'> = u8;
    const [sloppy, throwing] = [
      (reader: Parameters<typeof u8.read>[0]) => reader.u8() & 0x7f,
      () => {
        throw new RangeError('out of bounds');
      },
    ].map((read) => ({ ...written, read }) as Codec<unknown>);
    if (sloppy === undefined || throwing === undefined) throw new Error('two were made');
    acceptsOnlyCanonical(sloppy, Uint8Array.of(1));
    expect(() => acceptsOnlyCanonical(sloppy, Uint8Array.of(0x81))).toThrow();
    expect(() => acceptsOnlyCanonical(throwing, Uint8Array.of(1))).toThrow(RangeError);
  });
});
