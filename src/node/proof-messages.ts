import type { Infer } from '../codec/index.ts';
import { bool, bytes, enumeration, option, struct, u16, vector } from '../codec/index.ts';
import { hashCodec, MERKLE_PATH_LENGTH_MAX } from '../crypto/index.ts';
import {
  addressCodec,
  BLOCK_TRANSACTIONS_MAX,
  heightCodec,
  receiptCodec,
  TRANSACTION_BYTES_MAX,
} from '../ledger/index.ts';
import { CHUNK_ENCODED_BYTES_MAX, STATE_KEY_BYTES_MAX, stateProofCodec } from '../state/index.ts';
import { HISTORY_PLACES_MAX, PROVEN_KEYS_MAX } from './limits.ts';

/** Asks what some distinct keys held after a block. */
export const stateRequestCodec = struct('StateRequest', {
  height: heightCodec,
  keys: vector(bytes({ max: STATE_KEY_BYTES_MAX }), { min: 1, max: PROVEN_KEYS_MAX }),
});
export type StateRequest = Infer<typeof stateRequestCodec>;

/** Absent when that version of the state is not kept. */
export const stateAnswerCodec = struct('StateAnswer', { proof: option(stateProofCodec) });

/** Asks what the transactions of a block did. */
export const receiptsRequestCodec = struct('ReceiptsRequest', { height: heightCodec });
/** In the order of their transactions; absent when the block is not kept. */
export const receiptsAnswerCodec = struct('ReceiptsAnswer', {
  receipts: option(vector(receiptCodec, { max: BLOCK_TRANSACTIONS_MAX })),
});

/** Where in the chain a transaction stands. */
const placeCodec = struct('Place', { height: heightCodec, index: u16 });

/** Asks where transactions of an account stand, newest first. */
export const historyRequestCodec = struct('HistoryRequest', {
  address: addressCodec,
  /** Only those strictly before this place. */
  before: option(placeCodec),
  limit: u16,
});
/** What the asked node's index holds; nothing proves that it is all. */
export const historyAnswerCodec = struct('HistoryAnswer', {
  places: vector(placeCodec, { max: HISTORY_PLACES_MAX }),
  /** Lowest height from which its index is complete. */
  completeFrom: heightCodec,
});

/** Asks where a transaction or a block stands. A block has index 0. */
export const locateRequestCodec = struct('LocateRequest', {
  what: enumeration('Located', ['transaction', 'block']),
  hash: hashCodec,
});
export const locateAnswerCodec = struct('LocateAnswer', { place: option(placeCodec) });

/**
 * Asks for the leaves of a subtree of any state, by its place, one nibble a byte, and its hash:
 * whoever has it may be of another height by far.
 */
export const pageRequestCodec = struct('PageRequest', {
  prefix: bytes({ max: 64 }),
  hash: hashCodec,
});
/** Encoded as a page of that prefix; absent where no state that is kept has that subtree. */
export const pageAnswerCodec = struct('PageAnswer', {
  page: option(bytes({ max: CHUNK_ENCODED_BYTES_MAX })),
});

/** Asks as `history` does, for the transactions themselves, with what binds them to their blocks. */
export const entriesRequestCodec = struct('EntriesRequest', {
  address: addressCodec,
  before: option(placeCodec),
  limit: u16,
});
const hashPath = vector(hashCodec, { max: MERKLE_PATH_LENGTH_MAX });
/** A transaction and what it did, each with the way to its root in the header of that height. */
const provenEntryCodec = struct('ProvenEntry', {
  place: placeCodec,
  /** Transactions of the block. */
  count: u16,
  transaction: bytes({ max: TRANSACTION_BYTES_MAX }),
  transactionPath: hashPath,
  receipt: receiptCodec,
  receiptPath: hashPath,
});
export type ProvenEntry = Infer<typeof provenEntryCodec>;
/** Newest first; nothing proves that these are all. */
export const entriesAnswerCodec = struct('EntriesAnswer', {
  entries: vector(provenEntryCodec, { max: HISTORY_PLACES_MAX }),
  /** Whether the asked node's index holds nothing older. */
  isWhole: bool,
});
