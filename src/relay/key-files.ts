import { randomBytes } from 'node:crypto';
import type { Json, Result } from '../base/index.ts';
import { fail, formatHex, isJsonObject, ok, parseHex, TabellionError } from '../base/index.ts';
import type { KeyPair, SignatureAlgorithm } from '../crypto/index.ts';
import { generateKeyPair, hashSuite, keyPairOfSecret } from '../crypto/index.ts';
import type { Address, KeyPolicy } from '../ledger/index.ts';
import { addressOfPolicy, formatAddress } from '../ledger/index.ts';
import { loadJson, storeJson } from './layout.ts';

/** A fresh key from the system's generator. */
export function createKey(algorithm: SignatureAlgorithm): KeyPair {
  return generateKeyPair(algorithm, randomBytes(32));
}

/** The policy of an account that answers to one key held by a program. */
export function policyOfKey(pair: KeyPair): KeyPolicy {
  const { algorithm, publicKey } = pair;
  return {
    keys: [
      { key: { kind: algorithm, publicKey }, role: 'signer', weight: 1, expiresAt: undefined },
    ],
    thresholds: { everyday: 1, guarded: 1, vault: 1 },
  };
}

/** Address of the account of {@link policyOfKey}, on networks with the default hash suite. */
export function addressOfKey(pair: KeyPair): Address {
  return addressOfPolicy(hashSuite('blake3-256'), policyOfKey(pair));
}

/** Writes a key to a file that only its owner can read; refuses to replace one. */
export async function storeKey(path: string, pair: KeyPair): Promise<void> {
  if ((await loadJson(path)) !== undefined) throw new TabellionError('file-exists', { path });
  const value: Json = {
    algorithm: pair.algorithm,
    publicKey: formatHex(pair.publicKey),
    address: formatAddress(addressOfKey(pair)),
    secretKey: formatHex(pair.secretKey),
  };
  await storeJson(path, value, { isSecret: true });
}

/** Reads a key file. Rejects with `key-file-missing` or `key-file-malformed`. */
export async function loadKey(path: string): Promise<KeyPair> {
  const json = await loadJson(path);
  if (json === undefined) throw new TabellionError('key-file-missing', { path });
  const pair = parseKey(json);
  if (!pair.ok) throw new TabellionError('key-file-malformed', { path });
  return pair.value;
}

/** The key of a key file's content, whose public key must be that of its secret. */
export function parseKey(json: Json): Result<KeyPair, 'malformed'> {
  if (!isJsonObject(json)) return fail('malformed');
  const { algorithm, secretKey, publicKey } = json;
  if (algorithm !== 'ed25519' && algorithm !== 'p256') return fail('malformed');
  if (typeof secretKey !== 'string') return fail('malformed');
  const secret = parseHex(secretKey);
  const pair = secret.ok ? keyPairOfSecret(algorithm, secret.value) : undefined;
  if (pair === undefined || formatHex(pair.publicKey) !== publicKey) return fail('malformed');
  return ok(pair);
}
