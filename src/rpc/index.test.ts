import { expect, it } from 'vitest';
import * as rpc from './index.ts';

it('opens these doors and no others', () => {
  expect(Object.keys(rpc).sort()).toMatchInlineSnapshot(`
    [
      "BATCH_MAX",
      "BLOCKS_PER_PAGE_MAX",
      "CALL_TIMEOUT_MS",
      "COMMON_ERROR_CODES",
      "FAUCET_ERROR_CODES",
      "HISTORY_PER_PAGE_MAX",
      "LOOKUP_ERROR_CODES",
      "MEMPOOL_PER_PAGE_MAX",
      "NODE_ERROR_CODES",
      "REQUEST_BYTES_MAX",
      "REQUEST_DEPTH_MAX",
      "RPC_VERSION",
      "SOCKET_QUEUE_BYTES_MAX",
      "SUBSCRIPTIONS_MAX",
      "TRANSACTION_ERROR_CODES",
      "answer",
      "builtinMethods",
      "connectPort",
      "createMethods",
      "createNodeHandlers",
      "createRpcServer",
      "errorFromMember",
      "errorMember",
      "errorResponse",
      "formatOpenRpc",
      "isRpcErrorCode",
      "jsonCodec",
      "openRpcDocument",
      "parseRequest",
      "rpcError",
      "servePort",
      "topics",
      "trustCodec",
    ]
  `);
});
