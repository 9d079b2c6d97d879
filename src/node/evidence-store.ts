import type { Bytes } from '../base/index.ts';
import { concatBytes, encodeUtf8, TabellionError } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { Evidence } from '../ledger/index.ts';
import { evidenceCodec } from '../ledger/index.ts';
import type { KeyValueStore } from '../storage/index.ts';
import type { OnCrashPoint } from './crash-points.ts';
import { EVIDENCE_LISTED_MAX } from './limits.ts';

const PREFIX = encodeUtf8('evidence/');
/** The prefix with its last byte one higher: the end of its range. */
const END = encodeUtf8('evidence0');

/** Remembers proofs that a member voted twice: one a member, height and kind of vote. */
export class EvidenceStore {
  readonly #store: KeyValueStore;
  readonly #onCrashPoint: OnCrashPoint | undefined;

  constructor(store: KeyValueStore, onCrashPoint?: OnCrashPoint) {
    this.#store = store;
    this.#onCrashPoint = onCrashPoint;
  }

  /** Returns once the evidence survives a crash; the same again changes nothing. */
  async append(evidence: Evidence): Promise<void> {
    const value = encode(evidenceCodec, evidence);
    const key = keyOf(evidence);
    await this.#onCrashPoint?.('evidence-begun');
    await this.#store.write([{ kind: 'put', space: 'meta', key, value }], 'strict');
    await this.#onCrashPoint?.('evidence-done');
  }

  /** The newest evidence, newest first, at most {@link EVIDENCE_LISTED_MAX}. */
  async list(): Promise<Evidence[]> {
    const entries = await this.#store.list('meta', {
      from: PREFIX,
      to: END,
      reverse: true,
      limit: EVIDENCE_LISTED_MAX,
    });
    return entries.map(({ value }) => {
      const decoded = decode(evidenceCodec, value);
      if (!decoded.ok) throw new TabellionError('store-corrupt', { reason: 'evidence' });
      return decoded.value;
    });
  }
}

/** Prefix ‖ height u64 ‖ member u32, big-endian ‖ kind: the order of keys is that of heights. */
function keyOf({ first }: Evidence): Bytes {
  const { height, validatorIndex, kind } = first.vote;
  const place = new Uint8Array(13);
  const view = new DataView(place.buffer);
  view.setBigUint64(0, BigInt(height));
  view.setUint32(8, validatorIndex);
  view.setUint8(12, kind === 'prevote' ? 0 : 1);
  return concatBytes(PREFIX, place);
}
