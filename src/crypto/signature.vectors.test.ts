import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { encodeUtf8, formatHex, parseHex } from '../base/index.ts';
import {
  compressP256,
  derToRaw,
  isP256SignatureInRange,
  keyPairOfSecret,
  normalizeLowS,
  precheckClaim,
  recoverP256PublicKeys,
  signEd25519,
  signP256,
  verifyEd25519,
  verifyP256,
  verifySignature,
} from './index.ts';

function readVectors<Vectors>(name: string): Vectors {
  const file = new URL(`./vectors/${name}.vectors.json.gz`, import.meta.url);
  // The files are frozen, so their types are what each test says.
  return JSON.parse(gunzipSync(readFileSync(file)).toString('utf8')) as Vectors;
}

function hex(text: string): Bytes {
  const parsed = parseHex(text.toLowerCase());
  if (!parsed.ok) throw new Error(`not hex: ${text}`);
  return parsed.value;
}

type Case = {
  readonly tcId: number;
  readonly comment: string;
  readonly msg: string;
  readonly sig: string;
  readonly result: 'valid' | 'invalid' | 'acceptable';
};
type P256Group = { readonly publicKey: { readonly uncompressed: string }; readonly tests: Case[] };
type Ed25519Group = { readonly publicKey: { readonly pk: string }; readonly tests: Case[] };

/** Each case of a file, with the key of its group. */
function* p256Cases(name: string, groupsMax?: number, casesMax?: number) {
  const { testGroups } = readVectors<{ testGroups: P256Group[] }>(name);
  for (const group of testGroups.slice(0, groupsMax)) {
    const publicKey = compressP256(hex(group.publicKey.uncompressed));
    if (publicKey === undefined) throw new Error('a vector key is off the curve');
    for (const { msg, sig, result, tcId } of group.tests.slice(0, casesMax)) {
      const signed = { publicKey, message: hex(msg), signature: hex(sig) };
      yield { ...signed, isExpected: result === 'valid', tcId };
    }
  }
}

describe('Wycheproof ECDSA P-256', () => {
  test('raw signatures are accepted exactly when they are valid', () => {
    const wrong: number[] = [];
    let count = 0;
    for (const { isExpected, tcId, ...input } of p256Cases('wycheproof-p256-p1363')) {
      if (verifyP256(input, { allowHighS: true }) !== isExpected) wrong.push(tcId);
      count++;
    }
    expect(wrong).toEqual([]);
    expect(count).toBe(262);
  });

  test('the ledger accepts a valid signature in its low form only', () => {
    let highCount = 0;
    for (const { isExpected, tcId, ...input } of p256Cases('wycheproof-p256-p1363')) {
      if (!isExpected) continue;
      const isLow = isP256SignatureInRange(input.signature, { allowHighS: false });
      const claim = { algorithm: 'p256', ...input } as const;
      expect(verifySignature(claim), `tcId ${tcId}`).toBe(isLow);
      expect(precheckClaim(claim), `tcId ${tcId}`).toBe(isLow);
      const low = { ...claim, signature: normalizeLowS(input.signature) };
      expect(verifySignature(low), `tcId ${tcId}`).toBe(true);
      if (!isLow) highCount++;
    }
    expect(highCount).toBeGreaterThan(20);
  });

  test('strict DER then verification accepts exactly what is valid', () => {
    const wrong: number[] = [];
    let count = 0;
    for (const { isExpected, tcId, ...input } of p256Cases('wycheproof-p256-der')) {
      const raw = derToRaw(input.signature);
      const isValid =
        raw.ok && verifyP256({ ...input, signature: raw.value }, { allowHighS: true });
      if (isValid !== isExpected) wrong.push(tcId);
      count++;
    }
    expect(wrong).toEqual([]);
    expect(count).toBe(484);
  });

  test('the key is among those recovered from its signature', () => {
    let count = 0;
    for (const each of p256Cases('wycheproof-p256-p1363', 40, 2)) {
      if (!each.isExpected) continue;
      const keys = recoverP256PublicKeys(each.message, each.signature).map(formatHex);
      expect(keys).toContain(formatHex(each.publicKey));
      count++;
    }
    expect(count).toBeGreaterThan(20);
  });
});

describe('RFC 6979', () => {
  test('P-256 with SHA-256 gives the nonces of appendix A.2.5, with low S', () => {
    type Vector = {
      readonly curve: string;
      readonly private: string;
      readonly cases: {
        readonly hash: string;
        readonly message: string;
        readonly r: string;
        readonly s: string;
      }[];
    };
    const vector = readVectors<Vector[]>('rfc6979').find((each) => each.curve === 'NIST P-256');
    const cases = vector?.cases.filter((each) => each.hash === 'SHA-256') ?? [];
    expect(cases).toHaveLength(2);
    for (const { message, r, s } of cases) {
      const signature = signP256(hex(vector?.private ?? ''), encodeUtf8(message));
      const expected = normalizeLowS(hex(r.padStart(64, '0') + s.padStart(64, '0')));
      expect(formatHex(signature)).toBe(formatHex(expected));
    }
  });
});

describe('Ed25519', () => {
  test('RFC 8032: keys, signatures and verdicts', () => {
    type Vector = {
      readonly secretKey: string;
      readonly publicKey: string;
      readonly message: string;
      readonly signature: string;
    };
    const vectors = readVectors<Vector[]>('rfc8032-ed25519');
    expect(vectors).toHaveLength(5);
    for (const vector of vectors) {
      const secretKey = hex(vector.secretKey);
      const message = hex(vector.message);
      const pair = keyPairOfSecret('ed25519', secretKey);
      expect(formatHex(pair?.publicKey ?? new Uint8Array())).toBe(vector.publicKey);
      expect(formatHex(signEd25519(secretKey, message))).toBe(vector.signature);
      const input = { publicKey: hex(vector.publicKey), message, signature: hex(vector.signature) };
      expect(verifyEd25519(input)).toBe(true);
    }
  });

  test('Wycheproof: accepted exactly when valid', () => {
    const { testGroups } = readVectors<{ testGroups: Ed25519Group[] }>('wycheproof-ed25519');
    const wrong: number[] = [];
    let count = 0;
    for (const group of testGroups) {
      for (const { msg, sig, result, tcId } of group.tests) {
        const input = {
          publicKey: hex(group.publicKey.pk),
          message: hex(msg),
          signature: hex(sig),
        };
        if (verifyEd25519(input) !== (result === 'valid')) wrong.push(tcId);
        count++;
      }
    }
    expect(wrong).toEqual([]);
    expect(count).toBe(151);
  });

  test('CCTV: accepted exactly without small order, odd encoding and torsion residue', () => {
    type Vector = {
      readonly number: number;
      readonly key: string;
      readonly sig: string;
      readonly msg: string;
      readonly flags: readonly string[] | null;
    };
    const refused = [
      'low_order_A',
      'low_order_R',
      'non_canonical_A',
      'non_canonical_R',
      'low_order_residue',
    ];
    const wrong: number[] = [];
    let acceptedCount = 0;
    for (const vector of readVectors<Vector[]>('cctv-ed25519')) {
      const isExpected = !(vector.flags ?? []).some((flag) => refused.includes(flag));
      const input = {
        publicKey: hex(vector.key),
        message: encodeUtf8(vector.msg),
        signature: hex(vector.sig),
      };
      const isValid = verifyEd25519(input);
      if (isValid !== isExpected) wrong.push(vector.number);
      if (isValid) acceptedCount++;
    }
    expect(wrong).toEqual([]);
    expect(acceptedCount).toBeGreaterThan(0);
  });

  test('ZIP-215 and speccheck edge cases of small order are refused', () => {
    type Zip215 = { readonly vk_bytes: string; readonly sig_bytes: string };
    const message = encodeUtf8('Zcash');
    for (const { vk_bytes, sig_bytes } of readVectors<Zip215[]>('zip215-ed25519')) {
      const input = { publicKey: hex(vk_bytes), message, signature: hex(sig_bytes) };
      expect(verifyEd25519(input)).toBe(false);
    }
    type Edge = { readonly message: string; readonly pub_key: string; readonly signature: string };
    const verdicts = readVectors<Edge[]>('edge-cases-ed25519').map((edge) =>
      verifyEd25519({
        publicKey: hex(edge.pub_key),
        message: hex(edge.message),
        signature: hex(edge.signature),
      }),
    );
    // Cases of "Taming the many EdDSAs", table 5: only 3 (mixed orders) stands without cofactor.
    expect(verdicts).toEqual(verdicts.map((_, place) => place === 3));
  });
});
