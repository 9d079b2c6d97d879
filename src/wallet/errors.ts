import type { Json } from '../base/index.ts';
import { TabellionError } from '../base/index.ts';

/** Codes that a wallet adds to those of its node; public and permanent. */
export type WalletErrorCode =
  /** No WebAuthn in this browser, or the page is not in a secure context. */
  | 'webauthn-unavailable'
  /** Closed, refused or timed out: the device does not tell which. */
  | 'prompt-cancelled'
  | 'aborted'
  /** The device holds a key of this account already. */
  | 'key-exists'
  /** The answering key is not one that was asked for, or does not belong to the account. */
  | 'key-unknown'
  /** The key cannot be used on this page: its record names other origins. */
  | 'origin-not-allowed'
  /** The device made no P-256 key, or wrote something that cannot be read. */
  | 'authenticator-answer-malformed'
  /** The signature does not verify, or stands for something else. */
  | 'signature-invalid'
  /** No account was found for this key or address. */
  | 'account-not-found'
  /** Two assertions did not agree on one public key. */
  | 'recovery-failed'
  /** After this change of keys nobody could act for the account. */
  | 'dead-end-policy'
  /** The keys in this browser do not weigh enough for this class of action. */
  | 'weight-too-low'
  | 'sponsor-unavailable'
  | 'memo-too-long'
  | 'name-too-long'
  | 'actions-count-wrong'
  | 'accounts-too-many'
  | 'contacts-too-many'
  | 'network-unsupported'
  | 'node-answer-wrong'
  | 'import-malformed'
  | 'storage-failed';

/** A failure with one of the wallet's own codes. */
export function walletError(
  code: WalletErrorCode,
  facts: { readonly [name: string]: Json } = {},
  cause?: unknown,
): TabellionError {
  return new TabellionError(code, facts, cause === undefined ? {} : { cause });
}
