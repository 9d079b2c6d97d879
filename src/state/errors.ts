/** Why a page was not taken in. */
export type PageError =
  /** Its bytes are no page, or not the page that the layout names. */
  { readonly code: 'page-corrupt' };

/** Why a layout is no tree. */
export type LayoutError = { readonly code: 'layout-corrupt' };

/** Why a proof proves nothing; codes are public and permanent. */
export type ProofError =
  /** The nodes are no canonical proof of these keys. */
  | { readonly code: 'proof-malformed' }
  /** A canonical proof, of another state. */
  | { readonly code: 'proof-root-mismatch' };
