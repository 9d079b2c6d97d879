import type { Result } from '../base/index.ts';
import { fail, ok, parseJsonText } from '../base/index.ts';
import type { Codec, Infer } from '../codec/index.ts';
import {
  bool,
  bytes,
  enumeration,
  option,
  parseJson,
  struct,
  text,
  toJson,
  u8,
  vector,
} from '../codec/index.ts';
import { hashCodec } from '../crypto/index.ts';
import {
  addressCodec,
  CREDENTIAL_ID_BYTES_MAX,
  KEYS_PER_ACCOUNT_MAX,
  keyPolicyCodec,
  LABEL_BYTES_MAX,
  ORIGIN_BYTES_MAX,
  ORIGINS_PER_KEY_MAX,
  p256PublicKeyCodec,
  timestampCodec,
  transportCodec,
} from '../ledger/index.ts';
import { ACCOUNTS_MAX, CONTACTS_MAX, IMPORT_LENGTH_MAX, NAME_BYTES_MAX } from './limits.ts';
import type { Contact, LocalAccount, LocalKey } from './types.ts';

const VERSION = 1;

const keyCodec: Codec<LocalKey> = struct('LocalKey', {
  keyId: hashCodec,
  scheme: enumeration('LocalScheme', ['webauthn-p256']),
  kind: enumeration('KeyKind', ['passkey', 'security-key']),
  credentialId: bytes({ max: CREDENTIAL_ID_BYTES_MAX }),
  transports: vector(transportCodec, { max: 6 }),
  rpId: text({ max: 253 }),
  origins: vector(text({ max: ORIGIN_BYTES_MAX }), { min: 1, max: ORIGINS_PER_KEY_MAX }),
  label: text({ max: LABEL_BYTES_MAX }),
  createdAt: timestampCodec,
  publicKey: p256PublicKeyCodec,
  isBackupEligible: option(bool),
  isBackedUp: option(bool),
  lastUsedAt: option(timestampCodec),
});

const accountCodec: Codec<LocalAccount> = struct('LocalAccount', {
  address: addressCodec,
  name: text({ max: NAME_BYTES_MAX }),
  keys: vector(keyCodec, { max: KEYS_PER_ACCOUNT_MAX }),
  initialPolicy: option(keyPolicyCodec),
  isOnLedger: bool,
  createdAt: timestampCodec,
});

const contactCodec: Codec<Contact> = struct('Contact', {
  name: text({ max: NAME_BYTES_MAX }),
  address: addressCodec,
});

const notebookCodec = struct('WalletNotebook', {
  version: u8,
  activeAddress: option(addressCodec),
  accounts: vector(accountCodec, { max: ACCOUNTS_MAX }),
  contacts: vector(contactCodec, { max: CONTACTS_MAX }),
});

/** All that a wallet keeps: nothing in it is secret, nothing a sole copy. */
export type Notebook = Infer<typeof notebookCodec>;

/** The notebook of a wallet that knows nobody. */
export const EMPTY_NOTEBOOK: Notebook = {
  version: VERSION,
  activeAddress: undefined,
  accounts: [],
  contacts: [],
};

/** JSON text of a notebook, for storage and export. */
export function formatNotebook(notebook: Notebook): string {
  return JSON.stringify(toJson(notebookCodec, notebook), undefined, 2);
}

/** Reads JSON text of a notebook, strictly: unknown members, bad keys and addresses are refused. */
export function parseNotebook(
  source: string,
): Result<Notebook, { readonly code: 'import-malformed' }> {
  const malformed = fail({ code: 'import-malformed' } as const);
  if (source.length > IMPORT_LENGTH_MAX) return malformed;
  const json = parseJsonText(source);
  if (json === undefined) return malformed;
  const parsed = parseJson(notebookCodec, json);
  return parsed.ok && parsed.value.version === VERSION ? ok(parsed.value) : malformed;
}
