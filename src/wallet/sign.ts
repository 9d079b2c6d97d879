import { equalBytes } from '../base/index.ts';
import { encode } from '../codec/index.ts';
import { hashSuite } from '../crypto/index.ts';
import type {
  ActionClass,
  Address,
  Authorization,
  KeySignature,
  Transaction,
} from '../ledger/index.ts';
import { signingHashOf, weightNeeded } from '../ledger/index.ts';
import { noteSignature, signerOf } from './accounts.ts';
import type { WalletContext } from './context.ts';
import { walletError } from './errors.ts';
import { codecs } from './ledger-format.ts';
import { recordOf } from './policy.ts';
import { keySignatureOf, promptGet } from './prompt.ts';
import type { LocalAccount, PreparedTransaction, SignedTransaction } from './types.ts';

export type SignDependencies = {
  /** The account of this browser with an address, as last known. */
  readonly localAccount: (address: Address) => LocalAccount | undefined;
  /** Remembers that keys were used. */
  readonly onSigned: (account: LocalAccount) => void;
};

/** Collects signatures of an account's keys until they weigh enough: one prompt each. */
async function authorizationOf(
  context: WalletContext,
  account: LocalAccount,
  prepared: PreparedTransaction,
  actionClass: ActionClass,
  options: { readonly signal?: AbortSignal },
): Promise<{ readonly authorization: Authorization; readonly account: LocalAccount }> {
  const { signal } = options;
  const ledger = await context.client.account(account.address, signal);
  const policy = ledger.policy ?? account.initialPolicy;
  if (policy === undefined) throw walletError('account-not-found');
  const needed = weightNeeded(policy.thresholds, actionClass);
  const signatures: KeySignature[] = [];
  let signed = account;
  let held = 0;
  while (held < needed) {
    const left = account.keys.filter(
      ({ publicKey }) =>
        recordOf(policy, publicKey)?.role === 'signer' &&
        !signatures.some((each) => equalBytes(each.publicKey, publicKey)),
    );
    if (left.length === 0) throw walletError('weight-too-low', { needed, held });
    const assertion = await promptGet(context.place, {
      challenge: prepared.signingHash,
      allow: left,
      signal,
    });
    const { publicKey } = await signerOf(account, assertion);
    signatures.push(keySignatureOf(assertion, publicKey));
    signed = noteSignature(signed, assertion, context.now());
    held += recordOf(policy, publicKey)?.weight ?? 0;
  }
  const initialPolicy = ledger.policy === undefined ? account.initialPolicy : undefined;
  return { authorization: { initialPolicy, signatures }, account: signed };
}

/** Has a prepared transaction signed, by its sender and, if named, its sponsor. */
export async function signTransaction(
  context: WalletContext,
  prepared: PreparedTransaction,
  dependencies: SignDependencies,
  options: { readonly signal?: AbortSignal },
): Promise<SignedTransaction> {
  const { body, bytes } = prepared;
  const suite = hashSuite(prepared.network.hashSuite);
  // What was shown, what is hashed and what will be sent must be one.
  const isOne =
    equalBytes(encode(codecs.body, body), bytes) &&
    equalBytes(signingHashOf(suite, bytes), prepared.signingHash);
  if (!isOne) throw walletError('signature-invalid', { reason: 'body-changed' });
  const sponsorAccount =
    body.sponsor === undefined ? undefined : dependencies.localAccount(body.sponsor);
  if (body.sponsor !== undefined && sponsorAccount === undefined) {
    throw walletError('sponsor-unavailable');
  }
  const { account, actionClass } = prepared;
  const sender = await authorizationOf(context, account, prepared, actionClass, options);
  dependencies.onSigned(sender.account);
  let sponsor: Authorization | undefined;
  if (sponsorAccount !== undefined) {
    const paid = await authorizationOf(context, sponsorAccount, prepared, 'everyday', options);
    dependencies.onSigned(paid.account);
    sponsor = paid.authorization;
  }
  const transaction: Transaction = { body, sender: sender.authorization, sponsor };
  return {
    transactionId: prepared.transactionId,
    bytes: encode(codecs.transaction, transaction),
    transaction,
    signedAt: context.now(),
  };
}
