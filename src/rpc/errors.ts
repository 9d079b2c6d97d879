import type { Json } from '../base/index.ts';
import { TabellionError } from '../base/index.ts';
import type { TransactionError } from '../ledger/index.ts';

/** Codes that any method may answer. */
export const COMMON_ERROR_CODES = [
  'parse-error',
  'request-invalid',
  'method-not-found',
  'params-invalid',
  'internal-error',
  'request-too-large',
  'request-too-deep',
  'batch-too-long',
  'rate-limited',
  'too-many-calls',
  'too-many-subscriptions',
  'not-permitted',
  'aborted',
  'timed-out',
  'answer-malformed',
  'connection-failed',
  'node-not-ready',
  'node-stopped',
  'leader-changed',
  'store-closed',
  'store-full',
  'store-failed',
] as const;

/** Codes of methods that look something up. */
export const LOOKUP_ERROR_CODES = [
  'not-found',
  'height-pruned',
  'height-unknown',
  'proof-unavailable',
  /** The light head is needed, and the block it would build on is older than may be trusted. */
  'light-expired',
  /** Two certified blocks of one height are known: nothing newer is trusted. */
  'light-alarm',
] as const;

/** Why a transaction is refused; each names one rule of the ledger or of the mempool. */
export const TRANSACTION_ERROR_CODES = [
  'malformed',
  'too-large',
  'version-unsupported',
  'wrong-network',
  'sponsor-missing',
  'sponsor-unexpected',
  'sponsor-is-sender',
  'duplicate-signature',
  'signature-high-s',
  'signature-invalid',
  'expired',
  'not-yet-valid',
  'window-too-long',
  'sequence-used',
  'sequence-gap',
  'fee-too-low',
  'gas-limit-too-low',
  'gas-limit-too-high',
  'insufficient-balance',
  'policy-missing',
  'policy-mismatch',
  'policy-invalid',
  'key-unknown',
  'key-expired',
  'weight-too-low',
  // WebAuthn Level 3 §7.2, as far as the ledger checks it.
  'client-data-malformed',
  'authenticator-data-malformed',
  'type-wrong',
  'challenge-mismatch',
  'cross-origin',
  'origin-not-allowed',
  'rp-id-mismatch',
  'user-not-present',
  'user-not-verified',
  // The mempool's own.
  'duplicate',
  'replacement-fee-too-low',
  'sender-quota-exceeded',
  'peer-quota-exceeded',
  'mempool-full',
] as const satisfies readonly (TransactionError['code'] | MempoolCode)[];

/** What a mempool refuses beyond the ledger's rules; it stands on a floor of its own. */
type MempoolCode =
  | 'duplicate'
  | 'replacement-fee-too-low'
  | 'sender-quota-exceeded'
  | 'peer-quota-exceeded'
  | 'mempool-full';

/** Why a block told by hand is not what this node goes on from. */
export const CHECKPOINT_ERROR_CODES = [
  /** No text of a height, a colon and a hash. */
  'checkpoint-malformed',
  /** Its block is of another network. */
  'checkpoint-wrong-network',
  /** This node executed, or proved, another block of that height. */
  'checkpoint-conflicts',
  /** Its block is older than may be trusted. */
  'checkpoint-expired',
  /** Its block breaks a rule of this network. */
  'checkpoint-invalid',
  /** No peer shows it now. */
  'checkpoint-unserved',
] as const;

/** Codes of methods that steer the node. */
export const NODE_ERROR_CODES = [
  'relay-unreachable',
  'relay-address-invalid',
  /** This node cannot be run so: a validator is never `light`. */
  'mode-unavailable',
  /** Old blocks were let go of, or never fetched: an archive has to be read again from genesis. */
  'mode-needs-reset',
  /** The store cannot be opened yet, so what is told now would be forgotten. */
  'store-held',
  ...CHECKPOINT_ERROR_CODES,
] as const;

/** Why the faucet gives nothing. */
export const FAUCET_ERROR_CODES = ['faucet-absent', 'faucet-too-soon', 'faucet-empty'] as const;

/** Every code that can stand in `error.data.code`. */
export type RpcErrorCode =
  | (typeof COMMON_ERROR_CODES)[number]
  | (typeof LOOKUP_ERROR_CODES)[number]
  | (typeof NODE_ERROR_CODES)[number]
  | (typeof TRANSACTION_ERROR_CODES)[number]
  | (typeof FAUCET_ERROR_CODES)[number];

const KNOWN: ReadonlySet<string> = new Set<string>([
  ...COMMON_ERROR_CODES,
  ...LOOKUP_ERROR_CODES,
  ...NODE_ERROR_CODES,
  ...TRANSACTION_ERROR_CODES,
  ...FAUCET_ERROR_CODES,
]);

/** Tells the public codes from anything else that a handler may have thrown. */
export function isRpcErrorCode(code: string): code is RpcErrorCode {
  return KNOWN.has(code);
}

/** A failure with a public code: what handlers throw to refuse. */
export function rpcError(
  code: RpcErrorCode,
  facts: { readonly [name: string]: Json } = {},
): TabellionError {
  return new TabellionError(code, facts);
}
