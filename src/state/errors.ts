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

/** Why a manifest divides no state, or another one. */
export type ManifestError =
  /** The nodes are no tree, or not divided as the weights that they name demand. */
  | { readonly code: 'manifest-malformed' }
  /** The manifest of another state. */
  | { readonly code: 'manifest-root-mismatch' };

/** Why a chunk was not taken in; each says whose fault it is. */
export type ChunkError =
  /** No leaves below the chunk's prefix in their one form: its sender's fault. */
  | { readonly code: 'chunk-malformed' }
  /** Other leaves than those of the chunk's hash: its sender's fault. */
  | { readonly code: 'chunk-mismatch' }
  /**
   * Exactly the leaves of the hash, but the manifest named another weight or count: the fault of
   * whoever gave the manifest.
   */
  | { readonly code: 'chunk-plan-false'; readonly weight: number; readonly count: number };
