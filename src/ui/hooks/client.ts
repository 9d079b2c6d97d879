/** The one place where the window's hooks and components meet the words of the SDK. */
export type {
  Client,
  Input,
  MethodName,
  ParamsOf,
  ResultOf,
  TopicEvent,
  TopicName,
  TopicParams,
} from '../../sdk/index.ts';

import type { ResultOf } from '../../sdk/index.ts';

export type {
  AccountView,
  Action,
  Address,
  AssetBalance,
  AssetId,
  AssetView,
  BlockSummary,
  BlockView,
  ChainInfo,
  Hash,
  Height,
  History,
  HistoryEntry,
  NodeMode,
  NodeStatus,
  PeersView,
  Receipt,
  StorageView,
  TransactionView,
  Trust,
} from '../../sdk/index.ts';
export type CheckpointView = ResultOf<'node.checkpoint'>;
export type ConsensusView = ResultOf<'node.consensus'>;
