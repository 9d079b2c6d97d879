export type { Hash } from '../crypto/index.ts';
export type {
  Action,
  ActionView,
  Address,
  AddressError,
  Amount,
  AssetId,
  CommitCertificate,
  Gas,
  Header,
  Height,
  KeyHint,
  KeyPolicy,
  KeyRecord,
  Log,
  Membership,
  Receipt,
  Sequence,
  Transaction,
  TransactionBody,
  Validator,
} from '../ledger/index.ts';
export { addressCodec, formatAddress, parseAddress } from '../ledger/index.ts';
export type { Checkpoint, TrustedBlock } from '../light/index.ts';
export { formatCheckpoint, parseCheckpoint } from '../light/index.ts';
export { NEAR_BLOCKS, NODE_MODES } from '../node/index.ts';
export type {
  AccountProof,
  AccountView,
  AssetAnswer,
  AssetBalance,
  AssetView,
  BlockList,
  BlockSummary,
  BlockTransaction,
  BlockView,
  ChainInfo,
  Cursor,
  ErrorView,
  EventView,
  Finality,
  HeadView,
  History,
  HistoryEntry,
  KeyView,
  LightAlarm,
  LightStatus,
  LogView,
  MempoolStatus,
  MethodName,
  NodeMode,
  NodeStage,
  NodeStatus,
  ParamsOf,
  PeersView,
  PendingView,
  ResultOf,
  RpcConsensusView,
  RpcErrorCode,
  RpcHandlers,
  RpcMethods,
  RpcPeerView,
  RpcServer,
  Simulation,
  SnapshotStatus,
  StorageEvent,
  StorageView,
  TopicEvent,
  TopicName,
  TopicParams,
  TransactionProof,
  TransactionStage,
  TransactionStatus,
  TransactionView,
  Trust,
} from '../rpc/index.ts';
export { createRpcServer } from '../rpc/index.ts';
export type { CheckpointRefusal } from './checkpoint.ts';
export { findCheckpoint } from './checkpoint.ts';
export type { Client, Input, TrustedMethod, TrustedTopic } from './client.ts';
export { createClient, createClientOf } from './client.ts';
export type { ConformanceHome } from './conformance/index.ts';
export { answerConformance } from './conformance/index.ts';
export { httpTransport } from './http-transport.ts';
export { portTransport } from './port-transport.ts';
export type {
  LightProver,
  ProvenHeader,
  ProverAnchor,
  ProverOptions,
  ProverRefusal,
} from './prover.ts';
export {
  createProver,
  proverAnchorOf,
  trustedBlockOfJson,
  trustedBlockToJson,
} from './prover.ts';
export type { EpochStore } from './tab/epochs.ts';
export { openIndexedDbEpochs } from './tab/epochs.ts';
export type { Witness } from './tab/ground.ts';
export { Ground } from './tab/ground.ts';
export type { TabNodeInit, TabNodeParts, TabStoreOptions } from './tab/home.ts';
export { startTabNode } from './tab/home.ts';
export type { LedNode, PageLike, StartNode, TabHostOptions } from './tab/host.ts';
export { serveTabNode } from './tab/host.ts';
export type { Lead } from './tab/leader.ts';
export type { Lifecycle, LifecycleActions } from './tab/lifecycle.ts';
export type { ChannelLike, LocksLike } from './tab/protocol.ts';
export type { TabNode, TabNodeOptions, TabNodeState, TabRole, WorkerLike } from './tab/tab-node.ts';
export { connectTabNode } from './tab/tab-node.ts';
export type { CallOptions, Transport } from './transport.ts';
export type { AtLeast, Trusted } from './trust.ts';
export {
  cachedValue,
  isAtLeast,
  joinTrusted,
  mapTrusted,
  reportedValue,
  trustedOf,
  trustRank,
  weakerTrust,
} from './trust.ts';
export type { ProofAnchor, ProofRefusal, ProvenAccount } from './verify.ts';
export {
  accountProofKeys,
  proofAnchorOf,
  verifyAccountProof,
  verifyFinality,
  verifyTransactionProof,
} from './verify.ts';
export type { WebSocketTransport } from './web-socket-transport.ts';
export { webSocketTransport } from './web-socket-transport.ts';
export type { HistoryProgress, WholeHistory, WholeHistoryOptions } from './whole-history.ts';
export { readWholeHistory } from './whole-history.ts';
