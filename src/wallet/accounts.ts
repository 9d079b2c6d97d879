import type { Bytes, TimestampMs } from '../base/index.ts';
import { equalBytes } from '../base/index.ts';
import type { HashSuite } from '../crypto/index.ts';
import type { Action, Address, KeyHint, KeyPolicy, Transport } from '../ledger/index.ts';
import { addressOfPolicy, keyIdOf } from '../ledger/index.ts';
import type { WalletContext } from './context.ts';
import { walletError } from './errors.ts';
import { loadCurve } from './load-curve.ts';
import { initialPolicyFor, isUsableAt, keyRecordFor, lossesOrRefuse, recordOf } from './policy.ts';
import type { Assertion, CreatedCredential } from './prompt.ts';
import { freshChallenge, isSignedBy, messageOf, promptCreate, promptGet } from './prompt.ts';
import type {
  AddedKey,
  CreateAccountRequest,
  KeyKind,
  KeyLoss,
  LedgerAccount,
  LocalAccount,
  LocalKey,
} from './types.ts';

/** Puts together what is remembered of a key. */
function localKeyOf(
  context: WalletContext,
  suite: HashSuite,
  facts: {
    readonly publicKey: Bytes;
    readonly credentialId: Bytes;
    readonly transports: readonly Transport[];
    readonly kind: KeyKind;
    readonly label: string;
    readonly origins: readonly string[];
    readonly isBackupEligible: boolean | undefined;
    readonly isBackedUp: boolean | undefined;
    readonly lastUsedAt: TimestampMs | undefined;
  },
): LocalKey {
  return {
    keyId: keyIdOf(suite, facts),
    scheme: 'webauthn-p256',
    rpId: context.place.rpId,
    createdAt: context.now(),
    ...facts,
  };
}

function createdKey(
  context: WalletContext,
  suite: HashSuite,
  request: CreateAccountRequest,
  credential: CreatedCredential,
): LocalKey {
  return localKeyOf(context, suite, {
    ...credential,
    kind: request.kind,
    label: request.label,
    origins: [context.place.origin],
    lastUsedAt: undefined,
  });
}

/** One prompt; no transaction is needed, since the address is the hash of the first policy. */
export async function createAccount(
  context: WalletContext,
  request: CreateAccountRequest,
): Promise<LocalAccount> {
  const { signal } = request;
  // The prompt comes first: it needs the click that led here, which waiting would use up.
  const credential = await promptCreate(context.place, { ...request, exclude: [], signal });
  const suite = await context.suite(signal);
  const initialPolicy = initialPolicyFor(credential.publicKey, context.place);
  return {
    address: addressOfPolicy(suite, initialPolicy),
    name: request.label,
    keys: [createdKey(context, suite, request, credential)],
    initialPolicy,
    isOnLedger: false,
    createdAt: context.now(),
  };
}

function kindOf(transports: readonly Transport[]): KeyKind {
  const isPasskey = transports.includes('internal') || transports.includes('hybrid');
  return isPasskey ? 'passkey' : 'security-key';
}

/** The keys of a ledger account that this page can ask for, by the hints kept there. */
function keysFromLedger(
  context: WalletContext,
  suite: HashSuite,
  account: LedgerAccount,
): LocalKey[] {
  const keys: LocalKey[] = [];
  for (const record of account.policy?.keys ?? []) {
    if (record.key.kind !== 'webauthn-p256' || !isUsableAt(record, context.place)) continue;
    const keyId = keyIdOf(suite, record.key);
    const hint = account.keys.find((each) => equalBytes(each.keyId, keyId))?.hint;
    if (hint === undefined) continue;
    const { publicKey, origins } = record.key;
    const kind = kindOf(hint.transports);
    keys.push(
      localKeyOf(context, suite, { ...hint, publicKey, origins, kind, lastUsedAt: undefined }),
    );
  }
  return keys;
}

/** Keeps what this browser alone knows of a key: its own label, when it was made and last used. */
function mergeKeys(fresh: readonly LocalKey[], known: readonly LocalKey[]): LocalKey[] {
  return fresh.map((key) => {
    const before = known.find((each) => equalBytes(each.publicKey, key.publicKey));
    if (before === undefined) return key;
    const { kind, createdAt, lastUsedAt } = before;
    return { ...key, kind, createdAt, lastUsedAt };
  });
}

function accountFromLedger(
  context: WalletContext,
  suite: HashSuite,
  ledger: LedgerAccount,
  known: LocalAccount | undefined,
): LocalAccount {
  const keys = mergeKeys(keysFromLedger(context, suite, ledger), known?.keys ?? []);
  return {
    address: ledger.address,
    name: known?.name ?? keys[0]?.label ?? 'Account',
    keys,
    initialPolicy: known?.initialPolicy,
    isOnLedger: true,
    createdAt: known?.createdAt ?? context.now(),
  };
}

/** The account's key that made an assertion; a signature by anything else is refused. */
export async function signerOf(account: LocalAccount, assertion: Assertion): Promise<LocalKey> {
  const { credentialId } = assertion;
  const key = account.keys.find((each) => equalBytes(each.credentialId, credentialId));
  if (key === undefined) throw walletError('key-unknown');
  if (!(await isSignedBy(assertion, key.publicKey))) throw walletError('signature-invalid');
  return key;
}

/** The account after an assertion by one of its keys. */
export function noteSignature(
  account: LocalAccount,
  assertion: Assertion,
  now: TimestampMs,
): LocalAccount {
  const { credentialId, isBackupEligible, isBackedUp } = assertion;
  const keys = account.keys.map((key) =>
    equalBytes(key.credentialId, credentialId)
      ? { ...key, isBackupEligible, isBackedUp, lastUsedAt: now }
      : key,
  );
  return { ...account, keys };
}

/** The account on the ledger that holds the key which just signed, among those that claim it. */
async function findOnLedger(
  context: WalletContext,
  suite: HashSuite,
  assertion: Assertion,
  signal: AbortSignal | undefined,
): Promise<LocalAccount | undefined> {
  const { credentialId } = assertion;
  for (const address of await context.client.findByCredential(credentialId, signal)) {
    const ledger = await context.client.account(address, signal);
    const account = accountFromLedger(context, suite, ledger, undefined);
    const key = account.keys.find((each) => equalBytes(each.credentialId, credentialId));
    // Anybody may claim a credential id; only its key can sign.
    if (key !== undefined && (await isSignedBy(assertion, key.publicKey))) {
      return noteSignature(account, assertion, context.now());
    }
  }
  return undefined;
}

/** The account of a key that no record names: its public key follows from two assertions. */
async function recoverAccount(
  context: WalletContext,
  suite: HashSuite,
  first: Assertion,
  second: Assertion,
  signal: AbortSignal | undefined,
): Promise<LocalAccount> {
  const { recoverP256PublicKeys } = await loadCurve();
  const candidates: Bytes[] = [];
  for (const key of recoverP256PublicKeys(messageOf(first), first.signature)) {
    if (await isSignedBy(second, key)) candidates.push(key);
  }
  const [publicKey, ...others] = candidates;
  if (publicKey === undefined || others.length > 0) throw walletError('recovery-failed');
  const initialPolicy = initialPolicyFor(publicKey, context.place);
  const address = addressOfPolicy(suite, initialPolicy);
  const ledger = await context.client.account(address, signal);
  const transports: Transport[] = first.isPlatform ? ['internal'] : [];
  const key = localKeyOf(context, suite, {
    publicKey,
    credentialId: first.credentialId,
    transports,
    kind: 'passkey', // It was found without its id: that is what a passkey is.
    label: 'Passkey',
    origins: [context.place.origin],
    isBackupEligible: second.isBackupEligible,
    isBackedUp: second.isBackedUp,
    lastUsedAt: context.now(),
  });
  const isKeyInForce = ledger.policy === undefined || recordOf(ledger.policy, publicKey);
  if (!isKeyInForce) throw walletError('account-not-found', { reason: 'key-revoked' });
  return {
    address,
    name: key.label,
    keys: [key],
    initialPolicy,
    isOnLedger: ledger.policy !== undefined,
    createdAt: context.now(),
  };
}

/** Finds the account of whichever passkey the person picks; see `Wallet.signInWithPasskey`. */
export async function signInWithPasskey(
  context: WalletContext,
  known: readonly LocalAccount[],
  options: {
    readonly signal?: AbortSignal;
    readonly onSecondPrompt?: () => Promise<void> | void;
  },
): Promise<LocalAccount> {
  const { signal } = options;
  const first = await promptGet(context.place, {
    challenge: freshChallenge(),
    allow: [],
    signal,
  });
  const local = known.find((account) =>
    account.keys.some((key) => equalBytes(key.credentialId, first.credentialId)),
  );
  if (local !== undefined) {
    await signerOf(local, first);
    return noteSignature(local, first, context.now());
  }
  const suite = await context.suite(signal);
  const found = await findOnLedger(context, suite, first, signal);
  if (found !== undefined) return found;
  await options.onSecondPrompt?.();
  const second = await promptGet(context.place, {
    challenge: freshChallenge(),
    allow: [{ credentialId: first.credentialId, transports: [] }],
    signal,
  });
  return recoverAccount(context, suite, first, second, signal);
}

/** Asks for one of the keys that the ledger names for an address. */
export async function signInWithAddress(
  context: WalletContext,
  address: Address,
  known: LocalAccount | undefined,
  signal: AbortSignal | undefined,
): Promise<LocalAccount> {
  const suite = await context.suite(signal);
  const ledger = await context.client.account(address, signal);
  if (ledger.policy === undefined && known === undefined) throw walletError('account-not-found');
  const account =
    ledger.policy === undefined && known !== undefined
      ? known
      : accountFromLedger(context, suite, ledger, known);
  if (account.keys.length === 0) {
    const isElsewhere = ledger.policy?.keys.some(({ key }) => key.kind === 'webauthn-p256');
    throw walletError(isElsewhere === true ? 'origin-not-allowed' : 'account-not-found');
  }
  const assertion = await promptGet(context.place, {
    challenge: freshChallenge(),
    allow: account.keys,
    signal,
  });
  await signerOf(account, assertion);
  return noteSignature(account, assertion, context.now());
}

/** The policy in force: that of the ledger, or the first one while there is no record. */
async function policyInForce(
  context: WalletContext,
  account: LocalAccount,
  signal: AbortSignal | undefined,
): Promise<KeyPolicy> {
  const ledger = await context.client.account(account.address, signal);
  const policy = ledger.policy ?? account.initialPolicy;
  if (policy === undefined) throw walletError('account-not-found');
  return policy;
}

/** The hint that lets a fresh browser ask for a key. */
export function hintOf(key: LocalKey): KeyHint {
  const { credentialId, transports, label, isBackupEligible, isBackedUp } = key;
  return { credentialId, transports, label, isBackupEligible, isBackedUp };
}

/** Makes a further key and tests it: a key that never signed is not put on the ledger. */
export async function addKey(
  context: WalletContext,
  account: LocalAccount,
  request: CreateAccountRequest,
): Promise<AddedKey> {
  const { signal } = request;
  const exclude = account.keys;
  const credential = await promptCreate(context.place, { ...request, exclude, signal });
  const suite = await context.suite(signal);
  const assertion = await promptGet(context.place, {
    challenge: freshChallenge(),
    allow: [credential],
    signal,
  });
  if (!(await isSignedBy(assertion, credential.publicKey))) throw walletError('signature-invalid');
  const { isBackupEligible, isBackedUp } = assertion;
  const key: LocalKey = {
    ...createdKey(context, suite, request, credential),
    isBackupEligible,
    isBackedUp,
    lastUsedAt: context.now(),
  };
  const policy = await policyInForce(context, account, signal);
  const record = keyRecordFor(credential.publicKey, context.place);
  const losses = lossesOrRefuse(suite, { ...policy, keys: [...policy.keys, record] });
  return { key, action: { kind: 'account.add-key', record, hint: hintOf(key) }, losses };
}

/** The action that revokes a key, unless nobody could act for the account afterwards. */
export async function revokeKey(
  context: WalletContext,
  account: LocalAccount,
  keyId: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<{ readonly action: Action; readonly losses: readonly KeyLoss[] }> {
  const suite = await context.suite(signal);
  const policy = await policyInForce(context, account, signal);
  const keys = policy.keys.filter(({ key }) => !equalBytes(keyIdOf(suite, key), keyId));
  if (keys.length === policy.keys.length) throw walletError('key-unknown');
  const losses = lossesOrRefuse(suite, { ...policy, keys });
  return { action: { kind: 'account.revoke-key', keyId }, losses };
}

/** Reads keys from the ledger again; without a record there, those of the first policy count. */
export async function refreshAccount(
  context: WalletContext,
  account: LocalAccount,
  signal: AbortSignal | undefined,
): Promise<LocalAccount> {
  const suite = await context.suite(signal);
  const ledger = await context.client.account(account.address, signal);
  const { initialPolicy } = account;
  if (ledger.policy === undefined) {
    const keys = account.keys.filter(
      ({ publicKey }) => initialPolicy !== undefined && recordOf(initialPolicy, publicKey),
    );
    return { ...account, keys, isOnLedger: false };
  }
  const { policy } = ledger;
  const fresh = accountFromLedger(context, suite, ledger, account);
  // Keys in force that the ledger was told nothing about are known here alone.
  const undescribed = account.keys.filter(
    ({ publicKey }) =>
      recordOf(policy, publicKey) !== undefined &&
      !fresh.keys.some((key) => equalBytes(key.publicKey, publicKey)),
  );
  return { ...fresh, keys: [...fresh.keys, ...undescribed] };
}
