import { describe, expect, test } from 'vitest';
import type { SignatureClaim } from './index.ts';
import * as crypto from './index.ts';
import { generateKeyPair, keyPairOfSecret, mintVerified, signMessage } from './index.ts';

const pair = generateKeyPair('ed25519', new Uint8Array(32).fill(7));
const message = Uint8Array.of(1, 2, 3);
const claim: SignatureClaim = {
  algorithm: 'ed25519',
  publicKey: pair.publicKey,
  message,
  signature: signMessage(pair, message),
};

describe('mintVerified', () => {
  test('marks a value only when every claim has a true verdict', () => {
    const value = { name: 'vote' };
    expect(mintVerified(value, [claim, claim], [true, true])).toBe(value);
    expect(mintVerified(value, [claim, claim], [true, false])).toBeUndefined();
    expect(mintVerified(value, [claim, claim], [true])).toBeUndefined();
    expect(mintVerified(value, [claim], [true, true])).toBeUndefined();
  });

  test('never marks what nobody signed', () => {
    expect(mintVerified({}, [], [])).toBeUndefined();
  });
});

describe('keys', () => {
  test('a P-256 secret of zero or of the group order is none', () => {
    expect(keyPairOfSecret('p256', new Uint8Array(32))).toBeUndefined();
    expect(keyPairOfSecret('p256', new Uint8Array(32).fill(255))).toBeUndefined();
    expect(keyPairOfSecret('p256', new Uint8Array(31).fill(1))).toBeUndefined();
  });

  test('randomness that is no scalar still gives a usable key', () => {
    const made = generateKeyPair('p256', new Uint8Array(32).fill(255));
    expect(keyPairOfSecret('p256', made.secretKey)).toEqual(made);
  });
});

test('the room opens these doors and no others', () => {
  expect(Object.keys(crypto).sort()).toMatchInlineSnapshot(`
    [
      "MERKLE_PATH_LENGTH_MAX",
      "ZERO_HASH",
      "checkAssertion",
      "compressP256",
      "decodeBase64Url",
      "decompressP256",
      "derToRaw",
      "encodeBase64Url",
      "generateKeyPair",
      "hashCodec",
      "hashSuite",
      "isP256SignatureInRange",
      "keyPairOfSecret",
      "leafMemory",
      "loadFastHashing",
      "merkleProof",
      "merkleProofs",
      "merkleRoot",
      "merkleRootIn",
      "mintVerified",
      "normalizeLowS",
      "parseAuthenticatorData",
      "parseClientData",
      "plainHash",
      "precheckClaim",
      "precheckEd25519",
      "recoverP256PublicKeys",
      "sha256",
      "signEd25519",
      "signMessage",
      "signP256",
      "verifyEd25519",
      "verifyMerkleProof",
      "verifyP256",
      "verifySignature",
      "webauthnMessage",
    ]
  `);
});
