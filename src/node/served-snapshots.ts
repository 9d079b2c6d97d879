import type { Bytes } from '../base/index.ts';
import { encode } from '../codec/index.ts';
import type { RequestKind } from '../network/index.ts';
import { CHUNKS_ANSWER_BYTES_MAX, SNAPSHOTS_OFFERED_MAX } from './limits.ts';
import type { ReadQuestion } from './served-proofs.ts';
import {
  chunksAnswerCodec,
  chunksRequestCodec,
  manifestAnswerCodec,
  manifestRequestCodec,
  snapshotsAnswerCodec,
} from './snapshot-messages.ts';
import type { LedgerStore } from './store/index.ts';

/** Questions of those who take over a state. */
export type SnapshotKind = Extract<RequestKind, 'snapshots' | 'manifest' | 'chunks'>;

/** Serves the snapshots that the store keeps. */
export class ServedSnapshots {
  readonly #store: LedgerStore;

  constructor(store: LedgerStore) {
    this.#store = store;
  }

  async answer(kind: SnapshotKind, request: Bytes, read: ReadQuestion): Promise<Bytes> {
    switch (kind) {
      case 'snapshots': {
        const offers = this.#store.snapshots().slice(0, SNAPSHOTS_OFFERED_MAX);
        return encode(snapshotsAnswerCodec, { offers });
      }
      case 'manifest': {
        const { stateRoot } = read(manifestRequestCodec, request);
        const manifest = await this.#store.snapshotManifest(stateRoot);
        return encode(manifestAnswerCodec, { manifest });
      }
      case 'chunks':
        return this.#chunks(request, read);
    }
  }

  async #chunks(request: Bytes, read: ReadQuestion): Promise<Bytes> {
    const { stateRoot, prefixes } = read(chunksRequestCodec, request);
    const chunks: (Bytes | undefined)[] = [];
    let bytes = 0;
    for (const prefix of prefixes) {
      const chunk = await this.#store.snapshotChunk(stateRoot, prefix);
      bytes += chunk?.length ?? 0;
      if (chunks.length > 0 && bytes > CHUNKS_ANSWER_BYTES_MAX) break;
      chunks.push(chunk);
    }
    return encode(chunksAnswerCodec, { chunks });
  }
}
