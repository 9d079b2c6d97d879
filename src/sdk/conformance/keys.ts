import type { Bytes } from '../../base/index.ts';
import { concatBytes, equalBytes, parseHex } from '../../base/index.ts';
import { compressP256 } from '../../crypto/index.ts';

/** One way in which the world writes public keys: fixed bytes around what varies. */
type Wrapping = {
  readonly scheme: 'p256' | 'ed25519';
  /** Fixed bytes, each before a part of `size` bytes. */
  readonly parts: readonly { readonly before: string; readonly size: number }[];
};

/** SubjectPublicKeyInfo (RFC 5480, RFC 8410) and COSE_Key in CTAP2's order (RFC 9053 §7). */
const WRAPPINGS: readonly Wrapping[] = [
  {
    scheme: 'p256',
    parts: [{ before: '3059301306072a8648ce3d020106082a8648ce3d030107034200', size: 65 }],
  },
  {
    scheme: 'p256',
    parts: [{ before: '3039301306072a8648ce3d020106082a8648ce3d030107032200', size: 33 }],
  },
  {
    scheme: 'p256',
    parts: [
      { before: 'a5010203262001215820', size: 32 },
      { before: '225820', size: 32 },
    ],
  },
  { scheme: 'ed25519', parts: [{ before: '302a300506032b6570032100', size: 32 }] },
  { scheme: 'ed25519', parts: [{ before: 'a4010103272006215820', size: 32 }] },
];

function fixed(text: string): Bytes {
  const parsed = parseHex(text);
  return parsed.ok ? parsed.value : new Uint8Array();
}

function unwrap(bytes: Bytes, { parts }: Wrapping): Bytes | undefined {
  let at = 0;
  const found: Bytes[] = [];
  for (const { before, size } of parts) {
    const expected = fixed(before);
    if (!equalBytes(bytes.subarray(at, at + expected.length), expected)) return undefined;
    at += expected.length;
    found.push(bytes.subarray(at, at + size));
    at += size;
  }
  return at === bytes.length ? concatBytes(...found) : undefined;
}

/**
 * The key as the ledger holds it: 33 bytes for p256, 32 for ed25519.
 *
 * @param bytes The key itself (SEC1 compressed or not, for p256), or inside SPKI or COSE.
 * @returns undefined when these bytes are no key of the scheme.
 */
export function keyOf(scheme: 'p256' | 'ed25519', bytes: Bytes): Bytes | undefined {
  const plain = scheme === 'p256' ? [33, 65] : [32];
  let key: Bytes | undefined = plain.includes(bytes.length) ? bytes : undefined;
  for (const wrapping of WRAPPINGS) {
    if (wrapping.scheme === scheme) key ??= unwrap(bytes, wrapping);
  }
  if (scheme === 'ed25519' || key === undefined || key.length === 33) return key;
  return compressP256(key.length === 64 ? concatBytes(Uint8Array.of(4), key) : key);
}
