import type { Amount, Height, Sequence } from '../ledger/index.ts';

/** Why a verified transaction is not admitted. Codes are public and permanent. */
export type AdmissionError =
  /** It is pending already, or it or another of its sequence was lately included. */
  | { readonly code: 'duplicate' }
  | { readonly code: 'expired'; readonly validUntil: Height; readonly height: Height }
  | { readonly code: 'not-yet-valid'; readonly validFrom: Height; readonly height: Height }
  | { readonly code: 'sequence-used'; readonly expected: Sequence; readonly actual: Sequence }
  /** Too many transactions of the sender are missing before this one. */
  | { readonly code: 'sequence-gap'; readonly expected: Sequence; readonly actual: Sequence }
  /** Another transaction has this sequence, and the new one does not pay enough more. */
  | { readonly code: 'replacement-fee-too-low'; readonly needed: Amount; readonly offered: Amount }
  | { readonly code: 'sender-quota-exceeded'; readonly pendingMax: number }
  | { readonly code: 'peer-quota-exceeded' }
  /** The pool is full of transactions that pay at least as much. */
  | { readonly code: 'mempool-full' };
