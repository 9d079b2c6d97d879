/** Why an assertion does not stand for a challenge; codes are public and permanent. */
export type WebauthnErrorCode =
  | 'client-data-malformed'
  | 'authenticator-data-malformed'
  | 'type-wrong'
  | 'challenge-mismatch'
  | 'cross-origin'
  | 'origin-not-allowed'
  | 'rp-id-mismatch'
  | 'user-not-present'
  | 'user-not-verified';

/** A refusal of an assertion. */
export type WebauthnError = { readonly code: WebauthnErrorCode };
