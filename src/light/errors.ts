/** Why a light block is refused; codes are permanent. */
export type LightRefusalCode =
  | 'version-unsupported'
  | 'wrong-network'
  /** It does not follow the header it names as its parent. */
  | 'parent-mismatch'
  | 'timestamp-not-after-parent'
  /** It is not above the trusted block. */
  | 'height-not-above'
  | 'timestamp-not-after-trusted'
  /** Its time is too far ahead of ours. */
  | 'from-the-future'
  /** The trusted block is older than the trusting period. */
  | 'trust-expired'
  /** A member without power, or named twice. */
  | 'membership-invalid'
  /** The parent binds another membership. */
  | 'membership-mismatch'
  /** The header binds another next membership. */
  | 'next-membership-mismatch'
  /** Other members than the trusted block's, where they never change. */
  | 'membership-changed'
  /** The block after the trusted one has another parent. */
  | 'not-child-of-trusted'
  /** The certificate is of another block. */
  | 'certificate-mismatch'
  | 'certificate-order-wrong'
  | 'certificate-signer-unknown'
  | 'certificate-power-too-low';

/** Why a request brought no answer. `busy`: asked too much of it; `gone`: the connection broke. */
export type LightRequestFailure = 'timeout' | 'refused' | 'busy' | 'malformed' | 'gone';
