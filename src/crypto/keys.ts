import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import type { Bytes } from '../base/index.ts';
import { assert, unreachable } from '../base/index.ts';
import { sha256 } from './sha256.ts';
import type { SignatureAlgorithm } from './types.ts';

/** A key held by a program: validators, command line, tests. People's keys are authenticators'. */
export type KeyPair = {
  readonly algorithm: SignatureAlgorithm;
  /** 32 bytes: the seed of Ed25519 (RFC 8032 §5.1.5), or the scalar of P-256. */
  readonly secretKey: Bytes;
  /** 32 bytes for Ed25519, 33 compressed for P-256. */
  readonly publicKey: Bytes;
};

/** The pair of a secret key of 32 bytes; undefined when P-256 has no such scalar. */
export function keyPairOfSecret(
  algorithm: SignatureAlgorithm,
  secretKey: Uint8Array,
): KeyPair | undefined {
  if (secretKey.length !== 32) return undefined;
  const secret = new Uint8Array(secretKey);
  switch (algorithm) {
    case 'ed25519': {
      const publicKey = new Uint8Array(ed25519.getPublicKey(secret));
      return { algorithm, secretKey: secret, publicKey };
    }
    case 'p256': {
      if (!p256.utils.isValidSecretKey(secret)) return undefined;
      const publicKey = new Uint8Array(p256.getPublicKey(secret, true));
      return { algorithm, secretKey: secret, publicKey };
    }
    default:
      return unreachable(algorithm);
  }
}

/**
 * Makes a pair from randomness; equal randomness gives equal pairs.
 *
 * @param random 32 bytes from the platform's generator (or a seed, in tests).
 */
export function generateKeyPair(algorithm: SignatureAlgorithm, random: Uint8Array): KeyPair {
  assert(random.length === 32, 'a key is made from 32 random bytes');
  // Of 2^32 strings about one is no scalar of P-256: the next candidate is its hash.
  let candidate: Uint8Array = random;
  for (;;) {
    const pair = keyPairOfSecret(algorithm, candidate);
    if (pair !== undefined) return pair;
    candidate = sha256(candidate);
  }
}

/** Ed25519 (RFC 8032 §5.1.6): 64 bytes, the same for the same message. */
export function signEd25519(secretKey: Uint8Array, message: Uint8Array): Bytes {
  return new Uint8Array(ed25519.sign(message, secretKey));
}

/** ECDSA over SHA-256 with the nonce of RFC 6979: raw r‖s of 64 bytes, low S, deterministic. */
export function signP256(secretKey: Uint8Array, message: Uint8Array): Bytes {
  return new Uint8Array(
    p256.sign(message, secretKey, {
      prehash: true,
      lowS: true,
      format: 'compact',
      extraEntropy: false,
    }),
  );
}

/** Signs with the algorithm of the pair. */
export function signMessage(pair: KeyPair, message: Uint8Array): Bytes {
  switch (pair.algorithm) {
    case 'ed25519':
      return signEd25519(pair.secretKey, message);
    case 'p256':
      return signP256(pair.secretKey, message);
    default:
      return unreachable(pair.algorithm);
  }
}
