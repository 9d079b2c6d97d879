import type { Infer } from '../../../codec/index.ts';
import { bool, fixedBytes, option, struct, u8, vector } from '../../../codec/index.ts';
import type { Hash } from '../../../crypto/index.ts';
import { hashCodec } from '../../../crypto/index.ts';
import type { Address } from '../../address.ts';
import { addressCodec } from '../../address.ts';
import {
  ACCOUNTS_PER_CREDENTIAL_MAX,
  GENESIS_ACCOUNTS_MAX,
  KEYS_PER_ACCOUNT_MAX,
} from '../../limits.ts';
import { defineLog } from '../../module.ts';
import { createTable } from '../../table.ts';
import {
  keyHintCodec,
  keyPolicyCodec,
  keyRecordCodec,
  sequenceCodec,
  thresholdsCodec,
} from '../../types.ts';

/** Number of this module: first byte of its actions and state keys. */
export const ACCOUNT_MODULE = 1;

export const addKeyFields = struct('AddKey', {
  record: keyRecordCodec,
  /** Helps a fresh browser to ask for the key; absent for keys without an authenticator. */
  hint: option(keyHintCodec),
});
export const revokeKeyFields = struct('RevokeKey', { keyId: hashCodec });
export const setThresholdsFields = struct('SetThresholds', { thresholds: thresholdsCodec });
export const describeKeyFields = struct('DescribeKey', { keyId: hashCodec, hint: keyHintCodec });

export type AddKey = Infer<typeof addKeyFields>;
export type RevokeKey = Infer<typeof revokeKeyFields>;
export type SetThresholds = Infer<typeof setThresholdsFields>;
export type DescribeKey = Infer<typeof describeKeyFields>;

export const accountLogs = {
  'key-added': defineLog(struct('KeyAdded', { keyId: hashCodec })),
  'key-revoked': defineLog(struct('KeyRevoked', { keyId: hashCodec })),
  'key-described': defineLog(struct('KeyDescribed', { keyId: hashCodec })),
  'thresholds-set': defineLog(struct('ThresholdsSet', { thresholds: thresholdsCodec })),
};

/**
 * What an account's keys may do, and per key (same place) what was seen of it: 0 never signed
 * here, 1 signed, 2 signed and its passkey may be copied, 3 signed and was copied (BE, BS).
 */
export const accountRecordCodec = struct('AccountRecord', {
  policy: keyPolicyCodec,
  seen: vector(u8, { min: 1, max: KEYS_PER_ACCOUNT_MAX }),
});
export type AccountRecord = Infer<typeof accountRecordCodec>;

/** An account that claims a credential; proven once that very key has signed for it. */
export const credentialClaimCodec = struct('CredentialClaim', {
  address: addressCodec,
  keyId: hashCodec,
  isProven: bool,
});
export type CredentialClaim = Infer<typeof credentialClaimCodec>;

type KeyPlace = { readonly address: Address; readonly keyId: Hash };
const keyPlaceCodec = struct('KeyPlace', { address: addressCodec, keyId: hashCodec });

/** How many transactions of an account were executed; absent means none. */
export const sequences = createTable(
  { module: ACCOUNT_MODULE, table: 1 },
  addressCodec,
  sequenceCodec,
);
/** Policies; absent means that the account still answers to the policy its address is made of. */
export const records = createTable(
  { module: ACCOUNT_MODULE, table: 2 },
  addressCodec,
  accountRecordCodec,
);
export const hints = createTable<KeyPlace, Infer<typeof keyHintCodec>>(
  { module: ACCOUNT_MODULE, table: 3 },
  keyPlaceCodec,
  keyHintCodec,
);
/** Who claims a credential id (its hash is the key), proven claims first. */
export const credentials = createTable(
  { module: ACCOUNT_MODULE, table: 4 },
  fixedBytes(32),
  vector(credentialClaimCodec, { min: 1, max: ACCOUNTS_PER_CREDENTIAL_MAX }),
);

export const accountGenesisCodec = struct('AccountGenesis', {
  /** Policies of accounts that have a record from the start. */
  policies: vector(keyPolicyCodec, { max: GENESIS_ACCOUNTS_MAX }),
});
export type AccountGenesis = Infer<typeof accountGenesisCodec>;
