export { builtinMethods } from './builtin.ts';
export type { RpcErrorCode } from './errors.ts';
export {
  COMMON_ERROR_CODES,
  FAUCET_ERROR_CODES,
  isRpcErrorCode,
  LOOKUP_ERROR_CODES,
  NODE_ERROR_CODES,
  rpcError,
  TRANSACTION_ERROR_CODES,
} from './errors.ts';
export type {
  CallContext,
  MethodHandlers,
  OwnMethod,
  RpcHandlers,
  TopicSources,
} from './handlers.ts';
export { jsonCodec } from './json.ts';
export type { Dispatch, RpcId } from './jsonrpc.ts';
export { answer, errorFromMember, errorMember, errorResponse, parseRequest } from './jsonrpc.ts';
export {
  BATCH_MAX,
  BLOCKS_PER_PAGE_MAX,
  CALL_TIMEOUT_MS,
  HISTORY_PER_PAGE_MAX,
  MEMPOOL_PER_PAGE_MAX,
  REQUEST_BYTES_MAX,
  REQUEST_DEPTH_MAX,
  SOCKET_QUEUE_BYTES_MAX,
  SUBSCRIPTIONS_MAX,
} from './limits.ts';
export type {
  MethodName,
  MethodSpec,
  Methods,
  ParamsOf,
  ResultOf,
  RpcMethods,
} from './methods.ts';
export { createMethods } from './methods.ts';
export { createNodeHandlers } from './node-handlers/index.ts';
export type {
  EventView,
  HeadView,
  LightAlarm,
  LightStatus,
  NodeMode,
  NodeStage,
  NodeStatus,
  PeersView,
  RpcConsensusView,
  RpcPeerView,
  SnapshotStatus,
  StorageEvent,
  StorageView,
} from './node-views.ts';
export { formatOpenRpc, openRpcDocument, RPC_VERSION } from './openrpc.ts';
export type { PortClient, PortSurface } from './port.ts';
export { connectPort, servePort } from './port.ts';
export type {
  ConnectionOptions,
  RpcConnection,
  RpcServer,
  RpcServerDependencies,
} from './server.ts';
export { createRpcServer } from './server.ts';
export type { TopicEvent, TopicName, TopicParams, TopicSpec, Topics } from './topics.ts';
export { topics } from './topics.ts';
export type {
  BlockList,
  BlockSummary,
  BlockTransaction,
  BlockView,
  History,
  HistoryEntry,
  TransactionView,
} from './transaction-views.ts';
export type {
  AccountProof,
  AccountView,
  AssetAnswer,
  AssetBalance,
  AssetView,
  ChainInfo,
  Cursor,
  ErrorView,
  Finality,
  KeyView,
  LogView,
  MempoolStatus,
  PendingView,
  Simulation,
  TransactionProof,
  TransactionStage,
  TransactionStatus,
  Trust,
} from './views.ts';
export { trustCodec } from './views.ts';
