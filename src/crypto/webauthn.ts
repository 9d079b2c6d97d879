import type { Bytes, Result } from '../base/index.ts';
import { concatBytes, equalBytes, fail, ok } from '../base/index.ts';
import { encodeBase64Url } from './base64url.ts';
import { parseClientData } from './client-data.ts';
import type { WebauthnError } from './errors.ts';
import { AUTHENTICATOR_DATA_BYTES_MAX, AUTHENTICATOR_DATA_BYTES_MIN } from './limits.ts';
import { sha256 } from './sha256.ts';

/** What an authenticator says beside its signature (WebAuthn Level 3 §6.1). */
export type AuthenticatorData = {
  readonly rpIdHash: Bytes;
  /** UP: somebody touched it. */
  readonly isUserPresent: boolean;
  /** UV: a PIN or biometrics was checked. */
  readonly isUserVerified: boolean;
  /** BE: the key may be copied to other devices. */
  readonly isBackupEligible: boolean;
  /** BS: it has been. */
  readonly isBackedUp: boolean;
  /** ED: extension outputs follow; they are not looked at. */
  readonly hasExtensions: boolean;
  /** Zero, or rising with each signature; nothing depends on it. */
  readonly counter: number;
};

const FLAG_UP = 0x01;
const FLAG_UV = 0x04;
const FLAG_BE = 0x08;
const FLAG_BS = 0x10;
const FLAG_AT = 0x40;
const FLAG_ED = 0x80;

/**
 * Reads the authenticator data of an assertion: 37 bytes, then extension outputs exactly when ED
 * is set, 512 bytes in all at most. Refused: AT (belongs to registrations), BS without BE (§6.1).
 */
export function parseAuthenticatorData(
  bytes: Uint8Array,
): Result<AuthenticatorData, WebauthnError> {
  const malformed = fail({ code: 'authenticator-data-malformed' } as const);
  const { length } = bytes;
  if (length < AUTHENTICATOR_DATA_BYTES_MIN || length > AUTHENTICATOR_DATA_BYTES_MAX) {
    return malformed;
  }
  const at = (place: number): number => bytes[place] ?? 0; // Long enough, as was just checked.
  const flags = at(32);
  const has = (flag: number): boolean => (flags & flag) !== 0;
  if (has(FLAG_AT) || (has(FLAG_BS) && !has(FLAG_BE))) return malformed;
  if (has(FLAG_ED) !== length > AUTHENTICATOR_DATA_BYTES_MIN) return malformed;
  return ok({
    rpIdHash: new Uint8Array(bytes.subarray(0, 32)),
    isUserPresent: has(FLAG_UP),
    isUserVerified: has(FLAG_UV),
    isBackupEligible: has(FLAG_BE),
    isBackedUp: has(FLAG_BS),
    hasExtensions: has(FLAG_ED),
    counter: at(33) * 0x100_0000 + ((at(34) << 16) | (at(35) << 8) | at(36)),
  });
}

/** The bytes that an assertion signs: authenticatorData ‖ SHA-256(clientDataJSON) (§6.3.3). */
export function webauthnMessage(authenticatorData: Uint8Array, clientDataJson: Uint8Array): Bytes {
  return concatBytes(authenticatorData, sha256(clientDataJson));
}

/** An assertion, and what it must stand for. */
export type AssertionCheck = {
  readonly authenticatorData: Uint8Array;
  readonly clientDataJson: Uint8Array;
  /** Bytes whose base64url text the challenge must be, exactly. */
  readonly challenge: Uint8Array;
  /** SHA-256 of the relying party id of the key. */
  readonly rpIdHash: Uint8Array;
  /** Origins that may use the key; compared as texts. */
  readonly origins: readonly string[];
  readonly mustVerifyUser: boolean;
};

/**
 * Everything about an assertion but its signature (WebAuthn Level 3 §7.2, steps 10 to 20):
 * type, challenge, same origin, allowed origin, relying party, presence, verification.
 *
 * @returns The backup flags, or the first thing that is wrong, in that order.
 */
export function checkAssertion(
  check: AssertionCheck,
): Result<{ readonly isBackupEligible: boolean; readonly isBackedUp: boolean }, WebauthnError> {
  const client = parseClientData(check.clientDataJson);
  if (!client.ok) return client;
  const authenticator = parseAuthenticatorData(check.authenticatorData);
  if (!authenticator.ok) return authenticator;
  if (client.value.type !== 'webauthn.get') return fail({ code: 'type-wrong' });
  if (client.value.challenge !== encodeBase64Url(check.challenge)) {
    return fail({ code: 'challenge-mismatch' });
  }
  if (client.value.crossOrigin) return fail({ code: 'cross-origin' });
  if (!check.origins.includes(client.value.origin)) return fail({ code: 'origin-not-allowed' });
  if (!equalBytes(authenticator.value.rpIdHash, check.rpIdHash)) {
    return fail({ code: 'rp-id-mismatch' });
  }
  if (!authenticator.value.isUserPresent) return fail({ code: 'user-not-present' });
  if (check.mustVerifyUser && !authenticator.value.isUserVerified) {
    return fail({ code: 'user-not-verified' });
  }
  const { isBackupEligible, isBackedUp } = authenticator.value;
  return ok({ isBackupEligible, isBackedUp });
}
