import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatHex } from '../base/index.ts';
import type { Hash } from './index.ts';
import {
  compressP256,
  decodeBase64Url,
  decompressP256,
  derToRaw,
  encodeBase64Url,
  generateKeyPair,
  hashSuite,
  isP256SignatureInRange,
  merkleProof,
  merkleProofs,
  merkleRoot,
  normalizeLowS,
  parseAuthenticatorData,
  parseClientData,
  recoverP256PublicKeys,
  signMessage,
  verifyMerkleProof,
  verifySignature,
} from './index.ts';

const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });
const message = fc.uint8Array({ maxLength: 200 });
const algorithm = fc.constantFrom('p256' as const, 'ed25519' as const);

describe('signatures', () => {
  test('what a key signs verifies; one changed bit anywhere does not', () => {
    fc.assert(
      fc.property(
        algorithm,
        seed,
        message,
        fc.nat(),
        fc.nat(7),
        (kind, random, text, place, bit) => {
          const pair = generateKeyPair(kind, random);
          const claim = {
            algorithm: kind,
            publicKey: pair.publicKey,
            message: new Uint8Array(text),
            signature: signMessage(pair, text),
          };
          expect(verifySignature(claim)).toBe(true);
          const parts = {
            publicKey: new Uint8Array(claim.publicKey),
            message: new Uint8Array(claim.message),
            signature: new Uint8Array(claim.signature),
          };
          const all = [parts.publicKey, parts.message, parts.signature];
          let at = place % all.reduce((sum, part) => sum + part.length, 0);
          for (const part of all) {
            if (at >= 0 && at < part.length) part[at] = (part[at] ?? 0) ^ (1 << bit);
            at -= part.length;
          }
          expect(verifySignature({ algorithm: kind, ...parts })).toBe(false);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('arbitrary bytes never verify and never throw', () => {
    const bytes = fc.uint8Array({ maxLength: 80 }).map((each) => new Uint8Array(each));
    fc.assert(
      fc.property(algorithm, bytes, bytes, bytes, (kind, publicKey, text, signature) => {
        expect(verifySignature({ algorithm: kind, publicKey, message: text, signature })).toBe(
          false,
        );
      }),
    );
  });

  test('two signatures of a P-256 key have that key alone in common', () => {
    fc.assert(
      fc.property(seed, (random) => {
        const pair = generateKeyPair('p256', random);
        const candidates = [Uint8Array.of(1), Uint8Array.of(2)].map(
          (text) => new Set(recoverP256PublicKeys(text, signMessage(pair, text)).map(formatHex)),
        );
        const common = [...(candidates[0] ?? [])].filter((key) => candidates[1]?.has(key));
        expect(common).toEqual([formatHex(pair.publicKey)]);
      }),
      { numRuns: 20 },
    );
  });

  test('points come back from their uncompressed form', () => {
    fc.assert(
      fc.property(seed, (random) => {
        const { publicKey } = generateKeyPair('p256', random);
        const uncompressed = decompressP256(publicKey) ?? new Uint8Array();
        expect(compressP256(uncompressed)).toEqual(publicKey);
        uncompressed[40] = (uncompressed[40] ?? 0) ^ 1;
        expect(compressP256(uncompressed)).toBeUndefined();
      }),
      { numRuns: 20 },
    );
  });
});

/** DER of two positive integers, as an authenticator writes it. */
function toDer(raw: Uint8Array): Uint8Array {
  const integer = (bytes: Uint8Array): number[] => {
    let digits = [...bytes];
    while (digits.length > 1 && digits[0] === 0) digits = digits.slice(1);
    if ((digits[0] ?? 0) >= 0x80) digits = [0, ...digits];
    return [2, digits.length, ...digits];
  };
  const body = [...integer(raw.subarray(0, 32)), ...integer(raw.subarray(32))];
  return Uint8Array.from([0x30, body.length, ...body]);
}

describe('encodings', () => {
  test('DER of a signature comes back raw; no other bytes give the same', () => {
    const raw = fc.uint8Array({ minLength: 64, maxLength: 64 });
    fc.assert(
      fc.property(raw, fc.nat(71), fc.integer({ min: 1, max: 255 }), (bytes, place, change) => {
        fc.pre(isP256SignatureInRange(bytes, { allowHighS: true }));
        const der = toDer(bytes);
        expect(derToRaw(der)).toEqual({ ok: true, value: new Uint8Array(bytes) });
        const other = new Uint8Array(der);
        const at = place % der.length;
        other[at] = (other[at] ?? 0) ^ change;
        const again = derToRaw(other);
        if (again.ok) expect(formatHex(again.value)).not.toBe(formatHex(bytes));
      }),
    );
  });

  test('normalising S is idempotent and gives a low S', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (bytes) => {
        fc.pre(isP256SignatureInRange(bytes, { allowHighS: true }));
        const low = normalizeLowS(bytes);
        expect(isP256SignatureInRange(low, { allowHighS: false })).toBe(true);
        expect(normalizeLowS(low)).toEqual(low);
      }),
    );
  });

  test('base64url comes back, agrees with the platform, and has one form', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        const text = encodeBase64Url(bytes);
        expect(text).toBe(Buffer.from(bytes).toString('base64url'));
        expect(decodeBase64Url(text)).toEqual({ ok: true, value: new Uint8Array(bytes) });
      }),
    );
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), (text) => {
        const decoded = decodeBase64Url(text);
        if (decoded.ok) expect(encodeBase64Url(decoded.value)).toBe(text);
      }),
    );
  });

  test('parsers of assertions never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        parseAuthenticatorData(bytes);
        parseClientData(bytes);
        derToRaw(bytes);
      }),
    );
  });

  test('the JSON reader accepts what the platform writes, and only what it reads', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 2 }), (extra) => {
        fc.pre(extra.isWellFormed() && !/\\u[dD][89a-fA-F]/.test(extra));
        const text = `{"type":"t","challenge":"c","origin":"o","extra":${extra}}`;
        const bytes = new TextEncoder().encode(text);
        fc.pre(bytes.length <= 1024);
        expect(parseClientData(bytes).ok).toBe(true);
      }),
    );
    const noise = fc.constantFrom('{', '}', '[', ']', '"', ',', ':', '\\', 'u', '1', 'e', '-', ' ');
    fc.assert(
      fc.property(fc.array(noise, { maxLength: 12 }), (parts) => {
        const text = `{"type":"t","challenge":"c","origin":"o","x":${parts.join('')}}`;
        const mine = parseClientData(new TextEncoder().encode(text)).ok;
        if (mine) expect(() => JSON.parse(text)).not.toThrow();
      }),
      { numRuns: 1000 },
    );
  });
});

describe('Merkle trees', () => {
  const suite = hashSuite('sha2-256');
  const leavesOf = (count: number): Hash[] =>
    Array.from({ length: count }, (_, at) => suite.hash('transaction-leaf', Uint8Array.of(at)));

  /** The definition of RFC 9162 §2.1.1, written down as it stands. */
  function definedRoot(leaves: readonly Hash[]): Hash {
    const [only] = leaves;
    if (only === undefined) return suite.hash('merkle-branch');
    if (leaves.length === 1) return only;
    let split = 1;
    while (split * 2 < leaves.length) split *= 2;
    return suite.hash(
      'merkle-branch',
      definedRoot(leaves.slice(0, split)),
      definedRoot(leaves.slice(split)),
    );
  }

  test('the root is that of the definition', () => {
    for (let count = 0; count <= 40; count++) {
      expect(merkleRoot(suite, leavesOf(count))).toEqual(definedRoot(leavesOf(count)));
    }
  });

  test('proofs of several leaves are those of each', () => {
    for (let count = 1; count <= 20; count++) {
      const leaves = leavesOf(count);
      const indexes = leaves.map((_, at) => count - 1 - at);
      const each = indexes.map((index) => merkleProof(suite, leaves, index));
      expect(merkleProofs(suite, leaves, indexes)).toEqual(each);
    }
    expect(merkleProofs(suite, [], [])).toEqual([]);
  });

  test('each leaf has a proof, which proves nothing else', () => {
    for (let count = 1; count <= 20; count++) {
      const leaves = leavesOf(count);
      const root = merkleRoot(suite, leaves);
      for (const [index, leaf] of leaves.entries()) {
        const path = merkleProof(suite, leaves, index);
        const claim = { root, leaf, index, count, path };
        expect(verifyMerkleProof(suite, claim)).toBe(true);
        for (const [other, otherLeaf] of leaves.entries()) {
          if (other === index) continue;
          expect(verifyMerkleProof(suite, { ...claim, leaf: otherLeaf })).toBe(false);
          expect(verifyMerkleProof(suite, { ...claim, index: other })).toBe(false);
        }
        expect(verifyMerkleProof(suite, { ...claim, path: [...path, root] })).toBe(false);
        if (path.length > 0) {
          expect(verifyMerkleProof(suite, { ...claim, path: path.slice(1) })).toBe(false);
        }
        expect(verifyMerkleProof(suite, { ...claim, index: count })).toBe(false);
        expect(verifyMerkleProof(suite, { ...claim, index: -1 })).toBe(false);
        expect(verifyMerkleProof(suite, { ...claim, index: 0.5 })).toBe(false);
      }
    }
  });
});
