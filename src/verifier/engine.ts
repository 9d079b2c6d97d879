import type { Bytes } from '../base/index.ts';
import { formatHex, parseHex } from '../base/index.ts';
import type { SignatureAlgorithm, SignatureClaim } from '../crypto/index.ts';
import { decompressP256, verifySignature } from '../crypto/index.ts';
import { RecentlyUsed } from './key-cache.ts';

/** The functions of `SubtleCrypto` that verification needs. */
export type SubtleVerify = Pick<SubtleCrypto, 'importKey' | 'verify'>;

/** One claim, already pre-checked, decided by the platform's own cryptography. */
export interface Engine {
  /** Calls back with the verdict, later; a promise more for each claim would cost as much again. */
  verify(claim: SignatureClaim, onVerdict: (verdict: boolean) => void): void;
  clear(): void;
}

const P256_KEY: EcKeyImportParams = { name: 'ECDSA', namedCurve: 'P-256' };
const P256_VERIFY: EcdsaParams = { name: 'ECDSA', hash: 'SHA-256' };
const ED25519: Algorithm = { name: 'Ed25519' };

function hex(text: string): Bytes {
  const parsed = parseHex(text);
  return parsed.ok ? parsed.value : new Uint8Array();
}

/** RFC 8032 §7.1, test 2: what an engine must answer before its Ed25519 is used. */
const ED25519_SAMPLE = {
  publicKey: hex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'),
  message: hex('72'),
  signature: hex(
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
      '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ),
} as const;

async function hasEd25519(subtle: SubtleVerify): Promise<boolean> {
  const { publicKey, message, signature } = ED25519_SAMPLE;
  try {
    const key = await subtle.importKey('raw', publicKey, ED25519, false, ['verify']);
    const isGoodAccepted = await subtle.verify(ED25519, key, signature, message);
    const isBadRefused = !(await subtle.verify(ED25519, key, signature, signature));
    return isGoodAccepted && isBadRefused;
  } catch {
    return false; // Engines without Ed25519 reject with NotSupportedError.
  }
}

/** A key that the engine imported; `undefined` when there is no such key, hence no signature. */
type ImportedKey = Promise<CryptoKey | undefined>;

/** A key in the cache; `imported` once it is there. */
type CachedKey = { readonly importing: ImportedKey; imported: CryptoKey | undefined };

/**
 * WebCrypto behind {@link SignatureClaim}s that passed `precheckClaim`. P-256 keys are handed over
 * in the two forms that mean one point everywhere: compressed, which that check made sure of, or
 * after our own decompression. So no engine's leniency about other forms matters.
 *
 * Whatever the engine rejects instead of answering is decided by the reference.
 */
export function createEngine(subtle: SubtleVerify, keysMax: number): Engine {
  const keys = new RecentlyUsed<CachedKey>(keysMax);
  let ed25519Support: Promise<boolean> | undefined;
  let mayImportCompressed = true;

  /** Tried once, when the first Ed25519 claim comes. */
  function supportsEd25519(): Promise<boolean> {
    ed25519Support ??= hasEd25519(subtle);
    return ed25519Support;
  }

  /** The engine's own decompression, ten times as fast as ours; undefined where it has none. */
  async function importCompressed(publicKey: Bytes): ImportedKey {
    if (!mayImportCompressed) return undefined;
    try {
      return await subtle.importKey('raw', publicKey, P256_KEY, false, ['verify']);
    } catch {
      return undefined; // It cannot, or there is no such point: ours tells which.
    }
  }

  async function importKey(claim: SignatureClaim): ImportedKey {
    if (claim.algorithm === 'ed25519') {
      return subtle.importKey('raw', claim.publicKey, ED25519, false, ['verify']);
    }
    const imported = await importCompressed(claim.publicKey);
    if (imported !== undefined) return imported;
    const uncompressed = decompressP256(claim.publicKey);
    if (uncompressed === undefined) return undefined;
    mayImportCompressed = false; // The point exists, so it was the form that was refused.
    return subtle.importKey('raw', uncompressed, P256_KEY, false, ['verify']);
  }

  function parametersOf(algorithm: SignatureAlgorithm): Algorithm | EcdsaParams {
    return algorithm === 'p256' ? P256_VERIFY : ED25519;
  }

  function beginImport(claim: SignatureClaim): CachedKey {
    const cached: CachedKey = { importing: importKey(claim), imported: undefined };
    cached.importing.then(
      (key) => {
        cached.imported = key;
      },
      () => undefined, // Whoever waits for the key hears of it.
    );
    return cached;
  }

  function verifyWith(key: CryptoKey, claim: SignatureClaim): Promise<boolean> {
    return subtle.verify(parametersOf(claim.algorithm), key, claim.signature, claim.message);
  }

  async function verifyFirst(claim: SignatureClaim, name: string): Promise<boolean> {
    if (claim.algorithm === 'ed25519' && !(await supportsEd25519())) {
      return verifySignature(claim);
    }
    try {
      const key = await keys.getOrMake(name, () => beginImport(claim)).importing;
      return key === undefined ? false : await verifyWith(key, claim);
    } catch {
      return verifySignature(claim);
    }
  }

  return {
    verify(claim, onVerdict) {
      const name = formatHex(claim.publicKey); // The lengths tell the algorithms apart.
      // Nearly all keys are there already, and nothing is waited for before the engine has it.
      const key = keys.get(name)?.imported;
      if (key === undefined) verifyFirst(claim, name).then(onVerdict);
      else verifyWith(key, claim).then(onVerdict, () => onVerdict(verifySignature(claim)));
    },
    clear: () => keys.clear(),
  };
}
