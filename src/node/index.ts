export type { BlockRefusal, CommittedEvent, ExecutedBlock, Head } from './chain.ts';
export type { ValidatorSigner } from './consensus-driver.ts';
export type { TraceLine } from './diagnostics.ts';
export type { FaucetError, FaucetSigner } from './faucet.ts';
export type { SubmissionError } from './mempool-driver.ts';
export { TabellionNode } from './node.ts';
export type { NodeEvents, NodeStage, NodeStatus } from './status.ts';
export type { TrackedTransaction } from './tracker.ts';
export type { NodeHome, NodeOptions, StorageEstimate, ValidatorMarker } from './types.ts';
