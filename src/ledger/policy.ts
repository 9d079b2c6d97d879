import type { Bytes, Result } from '../base/index.ts';
import { equalBytes, fail, formatHex, ok } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import { checkAssertion } from '../crypto/index.ts';
import type { PolicyFault, SignerRole, TransactionError } from './errors.ts';
import type {
  ActionClass,
  Authorization,
  Height,
  KeyPolicy,
  KeyRecord,
  KeyRole,
  KeySignature,
} from './types.ts';

/** Weight of the signer keys that never expire: what an account can always count on. */
function lastingWeight(policy: KeyPolicy): number {
  let weight = 0;
  for (const record of policy.keys) {
    if (record.role === 'signer' && record.expiresAt === undefined) weight += record.weight;
  }
  return weight;
}

/**
 * What is wrong with a policy, or undefined when it may stand. A policy whose thresholds could
 * become unreachable by mere passing of time is a dead end, and refused.
 */
export function policyFault(policy: KeyPolicy): PolicyFault | undefined {
  const seen = new Set<string>();
  for (const record of policy.keys) {
    const text = formatHex(record.key.publicKey);
    if (seen.has(text)) return 'duplicate-key';
    seen.add(text);
    if (record.weight === 0) return 'weight-zero';
    if (record.role === 'session' && record.expiresAt === undefined) {
      return 'session-without-expiry';
    }
    if (record.key.kind === 'webauthn-p256') {
      const { origins } = record.key;
      if (new Set(origins).size !== origins.length) return 'duplicate-origin';
    }
  }
  const { everyday, guarded, vault } = policy.thresholds;
  if (Math.min(everyday, guarded, vault) === 0) return 'threshold-zero';
  if (Math.max(everyday, guarded, vault) > lastingWeight(policy)) return 'dead-end';
  return undefined;
}

/** The key of a policy with this public key. */
export function keyRecordOf(policy: KeyPolicy, publicKey: Uint8Array): KeyRecord | undefined {
  for (const record of policy.keys) {
    if (equalBytes(record.key.publicKey, publicKey)) return record;
  }
  return undefined;
}

const EVERYDAY_ROLES: readonly KeyRole[] = ['signer', 'session'];
const STRICTER_ROLES: readonly KeyRole[] = ['signer'];

/** Which keys may sign for a class of action, unless an action says otherwise. */
export function rolesOfClass(actionClass: ActionClass): readonly KeyRole[] {
  return actionClass === 'everyday' ? EVERYDAY_ROLES : STRICTER_ROLES;
}

const CLASS_ORDER: readonly ActionClass[] = ['everyday', 'guarded', 'vault'];

/** The stricter of two classes. */
export function stricterClass(left: ActionClass, right: ActionClass): ActionClass {
  return CLASS_ORDER.indexOf(left) >= CLASS_ORDER.indexOf(right) ? left : right;
}

/**
 * The weight that a class of action takes: no stricter class is ever satisfied with less than a
 * milder one. For the strictest it is the highest threshold of all, whatever their order.
 */
export function weightNeeded(
  thresholds: KeyPolicy['thresholds'],
  actionClass: ActionClass,
): number {
  let needed = 0;
  for (const each of CLASS_ORDER) {
    needed = Math.max(needed, thresholds[each]);
    if (each === actionClass) break;
  }
  return needed;
}

/** A key that signed, and what its authenticator said of backups. */
export type SigningKey = {
  readonly publicKey: Bytes;
  /** Absent for raw keys, which have no authenticator. */
  readonly backup: { readonly isEligible: boolean; readonly isBackedUp: boolean } | undefined;
};

/** What an authorisation has to satisfy. */
export type Requirement = {
  readonly signer: SignerRole;
  readonly class: ActionClass;
  /** Roles whose weight counts. */
  readonly roles: readonly KeyRole[];
  readonly signingHash: Hash;
  readonly height: Height;
};

/**
 * Whether an authorisation satisfies a policy; its signatures were verified before. Every
 * signature must belong: one of an unknown or expired key spoils the whole.
 */
export function authorize(
  policy: KeyPolicy,
  authorization: Authorization,
  requirement: Requirement,
): Result<readonly SigningKey[], TransactionError> {
  const { signer, height } = requirement;
  let keys: SigningKey[] | undefined;
  let held = 0;
  for (const signature of authorization.signatures) {
    const record = keyRecordOf(policy, signature.publicKey);
    if (record === undefined || record.key.kind !== signature.kind) {
      return fail({ code: 'key-unknown', signer });
    }
    if (record.expiresAt !== undefined && record.expiresAt < height) {
      return fail({ code: 'key-expired', signer, expiresAt: record.expiresAt });
    }
    const backup = checkSignature(record, signature, requirement);
    if (!backup.ok) return backup;
    if (requirement.roles.includes(record.role)) held += record.weight;
    const key = { publicKey: signature.publicKey, backup: backup.value };
    if (keys === undefined)
      keys = [key]; // Nearly always the only one.
    else keys.push(key);
  }
  const needed = weightNeeded(policy.thresholds, requirement.class);
  if (held < needed) {
    return fail({ code: 'weight-too-low', signer, class: requirement.class, needed, held });
  }
  return ok(keys ?? []);
}

const NO_BACKUP = ok(undefined);

function checkSignature(
  record: KeyRecord,
  signature: KeySignature,
  requirement: Requirement,
): Result<SigningKey['backup'], TransactionError> {
  if (signature.kind !== 'webauthn-p256' || record.key.kind !== 'webauthn-p256') {
    return NO_BACKUP;
  }
  const checked = checkAssertion({
    authenticatorData: signature.authenticatorData,
    clientDataJson: signature.clientDataJson,
    challenge: requirement.signingHash,
    rpIdHash: record.key.rpIdHash,
    origins: record.key.origins,
    mustVerifyUser: record.key.mustVerifyUser,
  });
  if (!checked.ok) return fail({ code: checked.error.code, signer: requirement.signer });
  const { isBackupEligible, isBackedUp } = checked.value;
  return ok({ isEligible: isBackupEligible, isBackedUp });
}
