import type { Infer } from '../codec/index.ts';
import {
  bool,
  bytes,
  fixedBytes,
  option,
  struct,
  text,
  u16,
  u32,
  union,
  vector,
} from '../codec/index.ts';
import { hashCodec } from '../crypto/index.ts';
import {
  addressCodec,
  commitCertificateCodec,
  headerCodec,
  heightCodec,
  TRANSACTION_BYTES_MAX,
} from '../ledger/index.ts';
import {
  BLOCK_MESSAGE_BYTES_MAX,
  BLOCKS_PER_RESPONSE_MAX,
  TRANSACTIONS_PER_MESSAGE_MAX,
} from './limits.ts';

/** Signed transactions under way to everybody: what came within a few milliseconds. */
export const transactionsMessageCodec = vector(bytes({ max: TRANSACTION_BYTES_MAX }), {
  max: TRANSACTIONS_PER_MESSAGE_MAX,
});

/** What a peer says of itself; asked after connecting and now and then. */
export const peerStatusCodec = struct('PeerStatus', {
  chainId: hashCodec,
  protocolVersion: u16,
  headHeight: heightCodec,
  headHash: hashCodec,
  /** Lowest height whose block it can serve. */
  earliestHeight: heightCodec,
  isRelay: bool,
});
export type PeerStatus = Infer<typeof peerStatusCodec>;

/** Asks for consecutive blocks; the answer may be shorter. */
export const blocksRequestCodec = struct('BlocksRequest', { from: heightCodec, count: u16 });
export type BlocksRequest = Infer<typeof blocksRequestCodec>;

/** A block's canonical bytes with the proof that it is final. */
const servedBlockCodec = struct('ServedBlock', {
  block: bytes({ max: BLOCK_MESSAGE_BYTES_MAX }),
  certificate: commitCertificateCodec,
});
export const blocksResponseCodec = struct('BlocksResponse', {
  blocks: vector(servedBlockCodec, { max: BLOCKS_PER_RESPONSE_MAX }),
});

/** Says that a block is final, to whoever holds its proposal already. */
export const blockAnnouncementCodec = struct('BlockAnnouncement', {
  header: headerCodec,
  certificate: commitCertificateCodec,
});
export type BlockAnnouncement = Infer<typeof blockAnnouncementCodec>;

export const faucetRequestCodec = struct('FaucetRequest', {
  recipient: addressCodec,
  /** A relay asks for somebody who is not connected to the faucet; it is not passed on again. */
  isForwarded: bool,
});
export const faucetResponseCodec = union('FaucetResponse', {
  granted: struct('Granted', { transactionId: hashCodec }),
  refused: struct('Refused', { code: text({ max: 64 }), retryAfterMs: option(u32) }),
});

/** One record of the write-ahead log on disk: the digest finds torn and flipped bytes. */
export const walRecordCodec = struct('WalRecord', {
  digest: fixedBytes(32),
  entry: bytes({ max: BLOCK_MESSAGE_BYTES_MAX }),
});
