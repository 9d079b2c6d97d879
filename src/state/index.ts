export { joinPages, recordOfChunk, verifyChunk } from './chunk.ts';
export { EMPTY_DELTA, wholeDelta, wholeOfDelta } from './delta.ts';
export type {
  ChunkError,
  LayoutError,
  ManifestError,
  PageError,
  ProofError,
} from './errors.ts';
export {
  CHUNK_BYTES_MAX,
  CHUNK_ENCODED_BYTES_MAX,
  LEAF_WEIGHT_MAX,
  MANIFEST_NODES_MAX,
  PROOF_KEYS_MAX,
  STATE_KEY_BYTES_MAX,
  STATE_VALUE_BYTES_MAX,
  VERSIONS_KEPT_DEFAULT,
} from './limits.ts';
export type { ChunkPlan, Manifest, ServedChunk } from './manifest.ts';
export { layoutOfChunks, manifestCodec, manifestOfPages, readManifest } from './manifest.ts';
export type { ModelLeaf } from './model.ts';
export { rootOfEntries } from './model.ts';
export type { Page } from './nodes.ts';
export { memoryOf } from './nodes.ts';
export { decodeLayouts, deltaStoreKey, mergePage, pageStoreKey, pageStoreKeys } from './page.ts';
export type { ProvenEntry, StateProof } from './proof.ts';
export { emptyRoot, stateProofCodec, verifyProof } from './proof.ts';
export type { FoundSubtree, WantedSubtree } from './subtree.ts';
export { subtreeOfChunk } from './subtree.ts';
export { StateTree } from './tree.ts';
export type {
  CheckpointPlan,
  PageRecordForm,
  StagedState,
  StateTreeOptions,
  UndoEntry,
} from './types.ts';
