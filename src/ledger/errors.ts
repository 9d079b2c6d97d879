import type { DecodeError } from '../codec/index.ts';
import type { WebauthnError } from '../crypto/index.ts';
import type { ActionClass, Amount, ConsensusOptions, Gas, Height, Sequence } from './types.ts';

/** Who signed: the sender or the sponsor of a transaction. */
export type SignerRole = 'sender' | 'sponsor';

/**
 * Why a transaction may not enter a block. Codes are public and permanent; a transaction refused
 * so changes nothing and costs nothing.
 */
export type TransactionError =
  | {
      readonly code: 'malformed';
      readonly reason: DecodeError['code'];
      readonly at: number | string;
    }
  | { readonly code: 'too-large'; readonly bytes: number; readonly bytesMax: number }
  | { readonly code: 'version-unsupported'; readonly version: number }
  | { readonly code: 'wrong-network' }
  | { readonly code: 'sponsor-missing' }
  | { readonly code: 'sponsor-unexpected' }
  | { readonly code: 'sponsor-is-sender' }
  | { readonly code: 'duplicate-signature'; readonly signer: SignerRole }
  | { readonly code: 'signature-high-s'; readonly signer: SignerRole }
  | { readonly code: 'signature-invalid'; readonly signer: SignerRole }
  | { readonly code: 'expired'; readonly validUntil: Height; readonly height: Height }
  | { readonly code: 'not-yet-valid'; readonly validFrom: Height; readonly height: Height }
  | { readonly code: 'window-too-long'; readonly heights: number; readonly heightsMax: number }
  /** The sequence was used before: the transaction, or another in its place, was executed. */
  | { readonly code: 'sequence-used'; readonly expected: Sequence; readonly actual: Sequence }
  /** Earlier transactions of the sender are missing; everything else about this one is good. */
  | { readonly code: 'sequence-gap'; readonly expected: Sequence; readonly actual: Sequence }
  | { readonly code: 'fee-too-low'; readonly needed: bigint; readonly offered: Amount }
  | { readonly code: 'gas-limit-too-low'; readonly needed: Gas; readonly offered: Gas }
  | { readonly code: 'gas-limit-too-high'; readonly gasMax: Gas; readonly offered: Gas }
  | { readonly code: 'insufficient-balance'; readonly needed: Amount; readonly held: Amount }
  | { readonly code: 'policy-missing'; readonly signer: SignerRole }
  | { readonly code: 'policy-mismatch'; readonly signer: SignerRole }
  | { readonly code: 'policy-invalid'; readonly signer: SignerRole; readonly reason: PolicyFault }
  | { readonly code: 'key-unknown'; readonly signer: SignerRole }
  | { readonly code: 'key-expired'; readonly signer: SignerRole; readonly expiresAt: Height }
  | {
      readonly code: 'weight-too-low';
      readonly signer: SignerRole;
      readonly class: ActionClass;
      readonly needed: number;
      readonly held: number;
    }
  | { readonly code: WebauthnError['code']; readonly signer: SignerRole };

/** What is wrong with a key policy. */
export type PolicyFault =
  | 'duplicate-key'
  | 'duplicate-origin'
  | 'weight-zero'
  | 'session-without-expiry'
  | 'threshold-zero'
  /** Signer keys that never expire do not reach every threshold together. */
  | 'dead-end';

/** Why an action failed; the whole transaction is undone but for its fee and sequence. */
export type ActionError = { readonly code: string };

/** Why a block as a whole is refused. */
export type BlockError =
  | { readonly code: 'too-many-transactions'; readonly count: number; readonly countMax: number }
  | { readonly code: 'block-too-large'; readonly bytes: number; readonly bytesMax: number }
  | { readonly code: 'block-gas-exceeded'; readonly index: number; readonly gasMax: Gas };

/** Why a header does not follow its parent or its block's content. */
export type HeaderError =
  | { readonly code: 'version-unsupported'; readonly version: number }
  | { readonly code: 'wrong-network' }
  | { readonly code: 'height-mismatch'; readonly expected: number; readonly actual: number }
  | { readonly code: 'parent-mismatch' }
  | { readonly code: 'timestamp-not-after-parent' }
  | { readonly code: 'transactions-root-mismatch' }
  | { readonly code: 'receipts-root-mismatch' }
  | { readonly code: 'state-root-mismatch' }
  | { readonly code: 'membership-mismatch' }
  | { readonly code: 'gas-mismatch'; readonly expected: Gas; readonly actual: Gas };

/** Why a document is no genesis. */
export type GenesisError =
  | DecodeError
  | { readonly code: 'version-unsupported'; readonly version: number }
  | { readonly code: 'validators-duplicate' }
  | { readonly code: 'validator-power-zero' }
  /** A number that no network can work with. */
  | { readonly code: 'consensus-options-invalid'; readonly option: keyof ConsensusOptions }
  /** A module's own refusal; `reason` is closed per module. */
  | { readonly code: 'module-section-invalid'; readonly module: string; readonly reason: string };

/** Why a certificate proves nothing. */
export type CertificateError =
  | { readonly code: 'certificate-order-wrong' }
  | { readonly code: 'certificate-signer-unknown'; readonly validatorIndex: number }
  | { readonly code: 'certificate-power-too-low'; readonly power: bigint; readonly total: bigint }
  | { readonly code: 'certificate-signature-invalid'; readonly validatorIndex: number };
