import { bytes, option, struct, u32, uint53, vector } from '../codec/index.ts';
import { hashCodec } from '../crypto/index.ts';
import { heightCodec } from '../ledger/index.ts';
import { CHUNK_ENCODED_BYTES_MAX } from '../state/index.ts';
import { ANSWER_BYTES_MAX, CHUNKS_PER_REQUEST_MAX, SNAPSHOTS_OFFERED_MAX } from './limits.ts';

/** A state that a peer serves to whoever takes it over; what it says is proven before it counts. */
const snapshotOfferCodec = struct('SnapshotOffer', {
  height: heightCodec,
  blockHash: hashCodec,
  stateRoot: hashCodec,
  /** Weight of its leaves. */
  bytes: uint53,
  chunkCount: u32,
});

/** Answers an empty question. */
export const snapshotsAnswerCodec = struct('SnapshotsAnswer', {
  offers: vector(snapshotOfferCodec, { max: SNAPSHOTS_OFFERED_MAX }),
});

/** Asks how a state is divided into chunks. */
export const manifestRequestCodec = struct('ManifestRequest', { stateRoot: hashCodec });
export const manifestAnswerCodec = struct('ManifestAnswer', {
  manifest: option(bytes({ max: ANSWER_BYTES_MAX })),
});

/** Asks for chunks of a state by their prefixes, one nibble a byte. */
export const chunksRequestCodec = struct('ChunksRequest', {
  stateRoot: hashCodec,
  prefixes: vector(bytes({ max: 64 }), { min: 1, max: CHUNKS_PER_REQUEST_MAX }),
});
/** In the order of the question; cut short when it becomes too long, after the first. */
export const chunksAnswerCodec = struct('ChunksAnswer', {
  chunks: vector(option(bytes({ max: CHUNK_ENCODED_BYTES_MAX })), {
    max: CHUNKS_PER_REQUEST_MAX,
  }),
});
