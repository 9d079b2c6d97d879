import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { encodeUtf8, parseHex } from '../base/index.ts';
import {
  checkAssertion,
  compressP256,
  derToRaw,
  isP256SignatureInRange,
  normalizeLowS,
  sha256,
  verifySignature,
  webauthnMessage,
} from './index.ts';

type Section = {
  readonly phase: string | null;
  readonly values_hex: { readonly [name: string]: string };
};
type Vectors = {
  readonly rpId: string;
  readonly origin: string;
  readonly vectors: readonly { readonly id: string; readonly sections: readonly Section[] }[];
};

function hex(text: string | undefined): Bytes {
  const parsed = parseHex(text ?? '-');
  if (!parsed.ok) throw new Error('a vector member is missing');
  return parsed.value;
}

const file = new URL('./vectors/w3c-webauthn.vectors.json.gz', import.meta.url);
// The file is frozen, so its type is what is said here.
const published = JSON.parse(gunzipSync(readFileSync(file)).toString('utf8')) as Vectors;
const es256 = published.vectors.filter(
  ({ id }) => id.includes('es256') && !id.includes('root-cert'),
);

/** Finds the P-256 point in a registration: COSE map entries -2 (21) and -3 (22), 32 bytes each. */
function publicKeyOf(registration: Section): Bytes {
  const text = registration.values_hex.attestationObject ?? '';
  const found = /215820([0-9a-f]{64})225820([0-9a-f]{64})/.exec(text);
  const key = compressP256(hex(`04${found?.[1]}${found?.[2]}`));
  if (key === undefined) throw new Error('no key in the registration');
  return key;
}

describe('W3C WebAuthn test vectors, ES256', () => {
  test('there are ten of them, some with high S', () => {
    expect(es256).toHaveLength(10);
  });

  for (const { id, sections } of es256) {
    test(`${id}: signature and assertion`, () => {
      const [registration, authentication] = sections;
      if (registration === undefined || authentication === undefined) throw new Error('no pair');
      const values = authentication.values_hex;
      const authenticatorData = hex(values.authenticatorData);
      const clientDataJson = hex(values.clientDataJSON);
      const raw = derToRaw(hex(values.signature));
      if (!raw.ok) throw new Error(raw.error.code);
      const claim = {
        algorithm: 'p256',
        publicKey: publicKeyOf(registration),
        message: webauthnMessage(authenticatorData, clientDataJson),
        signature: normalizeLowS(raw.value),
      } as const;
      expect(verifySignature(claim)).toBe(true);
      const isLow = isP256SignatureInRange(raw.value, { allowHighS: false });
      expect(verifySignature({ ...claim, signature: raw.value })).toBe(isLow);

      const checked = checkAssertion({
        authenticatorData,
        clientDataJson,
        challenge: hex(values.challenge),
        rpIdHash: sha256(encodeUtf8(published.rpId)),
        origins: [published.origin],
        mustVerifyUser: false,
      });
      const isCrossOrigin = id.endsWith('crossOrigin') || id.endsWith('topOrigin');
      if (isCrossOrigin) expect(checked).toEqual({ ok: false, error: { code: 'cross-origin' } });
      else expect(checked.ok).toBe(true);
    });
  }
});
