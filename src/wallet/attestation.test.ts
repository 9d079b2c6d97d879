import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeUtf8, formatHex } from '../base/index.ts';
import { generateKeyPair, sha256 } from '../crypto/index.ts';
import { readAttestation } from './attestation.ts';
import { decodeCborPrefix } from './cbor.ts';

type Section = { readonly values_hex: { readonly [name: string]: string } };
type Vectors = {
  readonly vectors: readonly { readonly id: string; readonly sections: readonly Section[] }[];
};

const file = new URL('../crypto/vectors/w3c-webauthn.vectors.json.gz', import.meta.url);
// The file is frozen, so its type is what is said here.
const { vectors } = JSON.parse(gunzipSync(readFileSync(file)).toString('utf8')) as Vectors;
const rpIdHash = sha256(encodeUtf8('example.org'));
const registrations = vectors
  .filter(({ id }) => !id.includes('root-cert') && !id.includes('prf'))
  .map(({ id, sections }) => ({ id, values: sections[0]?.values_hex ?? {} }));

const bytesOf = (hex: string | undefined) => new Uint8Array(Buffer.from(hex ?? '', 'hex'));

describe('readAttestation on the W3C vectors', () => {
  for (const { id, values } of registrations) {
    const isEs256 = id.includes('es256');
    test(`${id}: ${isEs256 ? 'key and id' : 'refused, another algorithm'}`, () => {
      const read = readAttestation(bytesOf(values.attestationObject), rpIdHash);
      expect(read.ok).toBe(isEs256);
      if (!read.ok) return;
      expect(formatHex(read.value.credentialId)).toBe(values.credential_id);
      const secret = bytesOf(values.credential_private_key);
      const pair = generateKeyPair('p256', secret);
      expect(formatHex(read.value.publicKey)).toBe(formatHex(pair.publicKey));
    });
  }

  test('another site, a cut and a tail are refused', () => {
    const object = bytesOf(registrations[0]?.values.attestationObject);
    expect(readAttestation(object, sha256(encodeUtf8('evil.example'))).ok).toBe(false);
    for (let length = 0; length < object.length; length++) {
      expect(readAttestation(object.subarray(0, length), rpIdHash).ok).toBe(false);
    }
    expect(readAttestation(Uint8Array.from([...object, 0]), rpIdHash).ok).toBe(false);
  });

  test('changed bytes never throw', () => {
    const object = bytesOf(registrations[0]?.values.attestationObject);
    fc.assert(
      fc.property(fc.nat(object.length - 1), fc.nat(255), (at, byte) => {
        const changed = new Uint8Array(object);
        changed[at] = byte;
        readAttestation(changed, rpIdHash);
      }),
      { numRuns: 500 },
    );
  });
});

describe('decodeCborPrefix', () => {
  const read = (hex: string) => {
    const decoded = decodeCborPrefix(bytesOf(hex));
    return decoded.ok ? decoded.value.value : decoded.error.code;
  };

  test('RFC 8949 appendix A, as far as authenticators go', () => {
    expect(read('00')).toBe(0);
    expect(read('1864')).toBe(100);
    expect(read('1903e8')).toBe(1000);
    expect(read('1a000f4240')).toBe(1_000_000);
    expect(read('20')).toBe(-1);
    expect(read('3863')).toBe(-100);
    expect(read('f4')).toBe(false);
    expect(read('f5')).toBe(true);
    expect(read('f6')).toBe(null);
    expect(read('4401020304')).toEqual(Uint8Array.of(1, 2, 3, 4));
    expect(read('6449455446')).toBe('IETF');
    expect(read('8301820203820405')).toEqual([1, [2, 3], [4, 5]]);
    expect(read('a201020304')).toEqual(
      new Map([
        [1, 2],
        [3, 4],
      ]),
    );
  });

  test('open ends, tags, floats, wide lengths, double keys and depth are refused', () => {
    for (const hex of [
      '',
      '5f42010243030405ff',
      'c074323031332d30332d32315432303a30343a30305a',
      'f93c00',
      '1b000000e8d4a51000',
      'a201020103',
      `${'81'.repeat(9)}00`,
      '9affffffff',
      '5affffffff',
      '62ff',
      '61ff',
      'a1f400',
    ]) {
      expect(read(hex), hex).toBe('cbor-malformed');
    }
  });

  test('random bytes never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void decodeCborPrefix(bytes)),
    );
  });
});
