import type { Bytes } from '../../base/index.ts';
import { concatBytes, encodeUtf8 } from '../../base/index.ts';
import type { Codec, Infer } from '../../codec/index.ts';
import { bytes, decode, encode, option, struct, u32, uint53, vector } from '../../codec/index.ts';
import type { HashSuite } from '../../crypto/index.ts';
import { hashCodec } from '../../crypto/index.ts';
import {
  commitCertificateCodec,
  headerCodec,
  heightCodec,
  membershipCodec,
} from '../../ledger/index.ts';
import { SNAPSHOTS_KEPT_MAX } from './limits.ts';
import { orderedKey, seal, unseal } from './records.ts';

/** A block that stands for all before it: its state was taken over from peers. */
export const anchorRecordCodec = struct('AnchorRecord', {
  header: headerCodec,
  hash: hashCodec,
  /** Header of the block below, where it is known: a light block of this height names it. */
  parent: option(headerCodec),
  certificate: option(commitCertificateCodec),
  /** Who decided it, and who decides the height after it. */
  membership: membershipCodec,
  nextMembership: membershipCodec,
});
export type AnchorRecord = Infer<typeof anchorRecordCodec>;

/** A checkpoint whose pages are kept for peers. */
export const keptSnapshotCodec = struct('KeptSnapshot', {
  height: heightCodec,
  blockHash: hashCodec,
  stateRoot: hashCodec,
  /** Whose layout record, a full one, names its pages. */
  generation: uint53,
  /** Weight of all leaves, and into how many chunks they are divided. */
  bytes: uint53,
  chunkCount: u32,
});
export type KeptSnapshot = Infer<typeof keptSnapshotCodec>;

/** Newest first. */
export const snapshotsRecordCodec = struct('SnapshotsRecord', {
  snapshots: vector(keptSnapshotCodec, { max: SNAPSHOTS_KEPT_MAX }),
});

/** A snapshot being fetched; its chunks lie in space `pages` under the generation. */
export const writerRecordCodec = struct('SnapshotWriterRecord', {
  anchor: anchorRecordCodec,
  generation: uint53,
  /** Digest of the manifest's record. */
  manifestHash: hashCodec,
});

/** Which chunks of it are there: a bit each, lowest first. */
export const haveRecordCodec = struct('SnapshotHaveRecord', {
  manifestHash: hashCodec,
  bits: bytes({ max: 1024 * 1024 }),
});

/** From which height on blocks and histories are kept. */
export const historyRecordCodec = struct('HistoryRecord', { earliest: heightCodec });

/** What an adopted snapshot made useless: everything below these. */
export const sweepRecordCodec = struct('SweepRecord', {
  pagesBelow: uint53,
  runsBelow: uint53,
});
export type SweepRecord = Infer<typeof sweepRecordCodec>;

/** Who decides from a height on. */
export const membershipRecordCodec = membershipCodec;

export const ANCHOR_KEY = encodeUtf8('anchor');
export const SNAPSHOTS_KEY = encodeUtf8('snapshots');
export const WRITER_KEY = encodeUtf8('snapshot-writer');
export const MANIFEST_KEY = encodeUtf8('snapshot-manifest');
export const HAVE_KEY = encodeUtf8('snapshot-have');
export const HISTORY_KEY = encodeUtf8('history');
export const SWEEP_KEY = encodeUtf8('sweep');
const MEMBERSHIP_PREFIX = encodeUtf8('membership/');

/** Key of the record that says who decides a height and those after it, until the next record. */
export function membershipKey(height: number): Bytes {
  return concatBytes(MEMBERSHIP_PREFIX, orderedKey(height));
}

/** Sealed bytes of a record. */
export function sealed<Value>(suite: HashSuite, codec: Codec<Value>, value: Value): Bytes {
  return seal(suite, encode(codec, value));
}

/** The record of sealed bytes; `spoilt` when they were cut or changed. */
export function opened<Value>(
  suite: HashSuite,
  codec: Codec<Value>,
  bytesRead: Uint8Array | undefined,
): Value | 'spoilt' | undefined {
  if (bytesRead === undefined) return undefined;
  const payload = unseal(suite, bytesRead);
  const record = payload === undefined ? undefined : decode(codec, payload);
  return record?.ok === true ? record.value : 'spoilt';
}
