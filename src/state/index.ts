export type { LayoutError, PageError, ProofError } from './errors.ts';
export {
  PROOF_KEYS_MAX,
  STATE_KEY_BYTES_MAX,
  STATE_VALUE_BYTES_MAX,
  VERSIONS_KEPT_DEFAULT,
} from './limits.ts';
export type { ModelLeaf } from './model.ts';
export { rootOfEntries } from './model.ts';
export type { Page } from './nodes.ts';
export { pageStoreKey } from './page.ts';
export type { ProvenEntry, StateProof } from './proof.ts';
export { emptyRoot, stateProofCodec, verifyProof } from './proof.ts';
export { StateTree } from './tree.ts';
export type { CheckpointPlan, StagedState, StateTreeOptions, UndoEntry } from './types.ts';
