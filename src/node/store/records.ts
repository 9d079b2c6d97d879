import type { Bytes } from '../../base/index.ts';
import { assert, concatBytes, encodeUtf8, equalBytes } from '../../base/index.ts';
import type { Infer } from '../../codec/index.ts';
import {
  bytes,
  encode,
  enumeration,
  option,
  Reader,
  Refusal,
  struct,
  u8,
  u16,
  u32,
  uint53,
  ulebLength,
  vector,
  Writer,
} from '../../codec/index.ts';
import type { HashSuite } from '../../crypto/index.ts';
import { hashCodec } from '../../crypto/index.ts';
import type { CommitCertificate, Header, Height } from '../../ledger/index.ts';
import {
  BLOCK_TRANSACTIONS_MAX,
  commitCertificateCodec,
  headerCodec,
  heightCodec,
  membershipCodec,
  receiptCodec,
} from '../../ledger/index.ts';
import { STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX } from '../../state/index.ts';
import { SPACES } from '../../storage/index.ts';
import { CHANGES_PER_BLOCK_MAX, RECORD_BYTES_MAX } from './limits.ts';

const recordBytes = bytes({ max: RECORD_BYTES_MAX });
const committedCertificate = option(commitCertificateCodec);

/** A block as peers get it, why it is final, and what it did; the record of space `blocks`. */
export const committedRecordCodec = struct('CommittedRecord', {
  /** Canonical bytes of the block. */
  block: recordBytes,
  certificate: committedCertificate,
  receipts: vector(receiptCodec, { max: BLOCK_TRANSACTIONS_MAX }),
});
export type CommittedRecord = Infer<typeof committedRecordCodec>;

/** What can be said of a block without decoding its transactions. */
export type BlockOutline = {
  readonly header: Header;
  readonly certificate: CommitCertificate | undefined;
  readonly transactionCount: number;
  readonly sizeBytes: number;
};

/** Runs a reading of the beginning of bytes; `undefined` when they are malformed. */
function readFront<Value>(from: Uint8Array, read: (reader: Reader) => Value): Value | undefined {
  try {
    return read(new Reader(from));
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

/** The {@link CommittedRecord} of a journal record's bytes, without decoding what else it holds. */
export function committedOf(journal: Uint8Array): Uint8Array | undefined {
  return readFront(journal, (reader) => recordBytes.read(reader));
}

/** Outline of the block of a {@link CommittedRecord}'s bytes, without decoding its transactions. */
export function outlineOf(committed: Uint8Array): BlockOutline | undefined {
  return readFront(committed, (reader) => {
    const block = recordBytes.read(reader);
    const certificate = committedCertificate.read(reader);
    const front = new Reader(block);
    const header = headerCodec.read(front);
    return { header, certificate, transactionCount: front.uleb(), sizeBytes: block.length };
  });
}

const optionalMembership = option(membershipCodec);
const changesCodec = vector(
  struct('StateChange', {
    key: bytes({ min: 1, max: STATE_KEY_BYTES_MAX }),
    value: option(bytes({ max: STATE_VALUE_BYTES_MAX })),
  }),
  { max: CHANGES_PER_BLOCK_MAX },
);

/** All that committing one block writes: the record of space `journal`. */
export const journalRecordCodec = struct('JournalRecord', {
  /** Canonical bytes of the {@link CommittedRecord}, moved as they are by a checkpoint. */
  committed: recordBytes,
  stateRoot: hashCodec,
  /** Who decides the next height, where that is not who decided this one. */
  nextMembership: optionalMembership,
  changes: changesCodec,
});
export type JournalRecord = Infer<typeof journalRecordCodec>;

/** What commits one block: parts of a {@link JournalRecord}, some of them encoded before. */
type JournalParts = Pick<CommittedRecord, 'block' | 'certificate'> &
  Pick<JournalRecord, 'stateRoot' | 'nextMembership' | 'changes'> & {
    readonly receiptBytes: readonly Bytes[];
  };

const CHECKSUM_BYTES = 32;

/**
 * A sealed {@link JournalRecord}, written in one go: by the codecs a block is copied six times on
 * its way into a record, each time to a buffer that the engine has to make and to collect.
 */
export function sealedJournal(suite: HashSuite, parts: JournalParts): Bytes {
  const { block, receiptBytes, changes } = parts;
  const certificate = encode(committedCertificate, parts.certificate);
  const nextMembership = encode(optionalMembership, parts.nextMembership);
  let committedLength = ulebLength(block.length) + block.length + certificate.length;
  committedLength += ulebLength(receiptBytes.length);
  for (let at = 0; at < receiptBytes.length; at++) committedLength += receiptBytes[at]?.length ?? 0;
  let changesLength = ulebLength(changes.length);
  for (let at = 0; at < changes.length; at++) {
    const { key, value } = changes[at] as JournalRecord['changes'][number]; // Inside.
    changesLength += ulebLength(key.length) + key.length + 1;
    if (value !== undefined) changesLength += ulebLength(value.length) + value.length;
  }
  assert(committedLength <= RECORD_BYTES_MAX, 'a block and its receipts fit into a record');
  const length = ulebLength(committedLength) + committedLength + 32 + nextMembership.length;
  const writer = new Writer(length + changesLength + CHECKSUM_BYTES);
  writer.uleb(committedLength);
  recordBytes.write(writer, block);
  writer.bytes(certificate);
  writer.uleb(receiptBytes.length);
  // Inside, as above.
  for (let at = 0; at < receiptBytes.length; at++) writer.bytes(receiptBytes[at] as Bytes);
  hashCodec.write(writer, parts.stateRoot);
  writer.bytes(nextMembership);
  changesCodec.write(writer, changes);
  writer.bytes(suite.hash('journal', writer.written()));
  return writer.take();
}

/** Which network and which version wrote a store; record `format` of space `meta`. */
export const formatRecordCodec = struct('FormatRecord', { version: u16, chainId: hashCodec });

/** A segment of the index: sorted entries, in runs. */
export const segmentCodec = struct('IndexSegment', {
  id: uint53,
  /** How often its entries were merged. */
  level: u8,
  count: uint53,
  /** The first entry of each run. */
  fences: vector(bytes({ min: 17, max: 17 }), { max: 1024 * 1024 }),
});
export type IndexSegment = Infer<typeof segmentCodec>;

/** The state of a store's background work; record `checkpoint` of space `meta`. */
export const checkpointRecordCodec = struct('CheckpointRecord', {
  height: heightCodec,
  blockHash: hashCodec,
  stateRoot: hashCodec,
  membership: membershipCodec,
  /** Counts checkpoints; part of the keys of their pages. */
  generation: uint53,
  /** Generations whose layout records, in this order, give the layout: a full one first. */
  layouts: vector(uint53, { max: 1024 * 1024 }),
  /** Bytes of the full layout, and of the changes since. */
  fullBytes: u32,
  changeBytes: u32,
  /** Oldest first. */
  segments: vector(segmentCodec, { max: 4096 }),
  nextSegment: uint53,
});
export type CheckpointRecord = Infer<typeof checkpointRecordCodec>;

/** What a checkpoint left to be deleted; record `garbage` of space `meta`. */
export const garbageRecordCodec = struct('GarbageRecord', {
  keys: vector(
    struct('GarbageKey', { space: enumeration('Space', SPACES), key: bytes({ max: 128 }) }),
    { max: 16 * 1024 * 1024 },
  ),
});

export const FORMAT_KEY = encodeUtf8('format');
export const CHECKPOINT_KEY = encodeUtf8('checkpoint');
export const GARBAGE_KEY = encodeUtf8('garbage');

/** A number as eight bytes whose order is the numbers' own. */
export function orderedKey(value: number): Bytes {
  const key = new Uint8Array(8);
  new DataView(key.buffer).setBigUint64(0, BigInt(value));
  return key;
}

/** The number of an {@link orderedKey}; `undefined` for other bytes. */
export function parseOrderedKey(key: Uint8Array): number | undefined {
  if (key.length !== 8) return undefined;
  const value = new DataView(key.buffer, key.byteOffset, 8).getBigUint64(0);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
}

/** The height of a journal or block record's key. */
export function parseHeightKey(key: Uint8Array): Height | undefined {
  return parseOrderedKey(key) as Height | undefined; // A safe whole number is a height.
}

/** Key of a generation's layout: no page has a prefix of 255 nibbles. */
export function layoutKey(generation: number): Bytes {
  return concatBytes(orderedKey(generation), Uint8Array.of(255));
}

/** Key of one run of a segment. */
export function runKey(segment: number, run: number): Bytes {
  return concatBytes(orderedKey(segment), orderedKey(run));
}

/** A record with its checksum behind it: 32 bytes. */
export function seal(suite: HashSuite, payload: Uint8Array): Bytes {
  return concatBytes(payload, suite.hash('journal', payload));
}

/** The record of sealed bytes; `undefined` when they were cut or changed. */
export function unseal(suite: HashSuite, sealed: Uint8Array): Uint8Array | undefined {
  if (sealed.length < 32) return undefined;
  const payload = sealed.subarray(0, sealed.length - 32);
  const isWhole = equalBytes(suite.hash('journal', payload), sealed.subarray(payload.length));
  return isWhole ? payload : undefined;
}
