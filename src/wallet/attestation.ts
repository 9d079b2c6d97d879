import type { Bytes, Result } from '../base/index.ts';
import { concatBytes, equalBytes, fail, ok } from '../base/index.ts';
import { compressP256 } from '../crypto/index.ts';
import type { Cbor } from './cbor.ts';
import { decodeCborPrefix } from './cbor.ts';

/** What a registration tells of a new key. */
export type NewCredential = {
  readonly credentialId: Bytes;
  /** P-256, compressed. */
  readonly publicKey: Bytes;
  readonly isBackupEligible: boolean;
  readonly isBackedUp: boolean;
};

const FLAG_UP = 0x01;
const FLAG_BE = 0x08;
const FLAG_BS = 0x10;
const FLAG_AT = 0x40;

function member(value: Cbor, name: number | string): Cbor | undefined {
  return value instanceof Map ? value.get(name) : undefined;
}

/** COSE_Key of ES256 (RFC 9053 §2.1, §7.1.1): EC2, alg -7, P-256, x and y of 32 bytes. */
function readCoseKey(key: Cbor): Bytes | undefined {
  const x = member(key, -2);
  const y = member(key, -3);
  if (member(key, 1) !== 2 || member(key, 3) !== -7 || member(key, -1) !== 1) return undefined;
  if (!(x instanceof Uint8Array) || !(y instanceof Uint8Array)) return undefined;
  return compressP256(concatBytes(Uint8Array.of(4), x, y));
}

/**
 * Reads an attestation object (WebAuthn Level 3 §6.5.4). The statement in it is not looked at:
 * which maker built a key is nobody's business here.
 *
 * @param rpIdHash What the authenticator must have bound the key to.
 */
export function readAttestation(
  attestationObject: Uint8Array,
  rpIdHash: Uint8Array,
): Result<NewCredential, { readonly code: 'authenticator-answer-malformed' }> {
  const malformed = fail({ code: 'authenticator-answer-malformed' } as const);
  const object = decodeCborPrefix(attestationObject);
  if (!object.ok || object.value.length !== attestationObject.length) return malformed;
  const data = member(object.value.value, 'authData');
  if (!(data instanceof Uint8Array) || data.length < 55) return malformed;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const flags = view.getUint8(32);
  const has = (flag: number): boolean => (flags & flag) !== 0;
  if (!equalBytes(data.subarray(0, 32), rpIdHash)) return malformed;
  if (!has(FLAG_UP) || !has(FLAG_AT) || (has(FLAG_BS) && !has(FLAG_BE))) return malformed;
  // rpIdHash 32 · flags 1 · counter 4 · AAGUID 16 · length of the id 2 · id · key (§6.5.2).
  const keyAt = 55 + view.getUint16(53, false);
  if (keyAt >= data.length) return malformed;
  const key = decodeCborPrefix(data.subarray(keyAt));
  const publicKey = key.ok ? readCoseKey(key.value.value) : undefined;
  if (publicKey === undefined) return malformed;
  return ok({
    credentialId: new Uint8Array(data.subarray(55, keyAt)),
    publicKey,
    isBackupEligible: has(FLAG_BE),
    isBackedUp: has(FLAG_BS),
  });
}
