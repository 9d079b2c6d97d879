import type { Bytes, Result } from '../../base/index.ts';
import { defined, equalBytes, TabellionError } from '../../base/index.ts';
import { decode } from '../../codec/index.ts';
import type { Hash } from '../../crypto/index.ts';
import type { ChunkError, ChunkPlan } from '../../state/index.ts';
import {
  layoutOfChunks,
  manifestCodec,
  pageStoreKey,
  readManifest,
  recordOfChunk,
} from '../../state/index.ts';
import type { WriteOperation } from '../../storage/index.ts';
import { removeRange } from './checkpoint.ts';
import type { Core } from './core.ts';
import { writeNamed } from './core.ts';
import { CHECKPOINT_STEP_BYTES, SWEEP_RECORDS_PER_STEP } from './limits.ts';
import { orderedKey, seal, unseal } from './records.ts';
import type { AnchorRecord } from './snapshot-records.ts';
import {
  HAVE_KEY,
  haveRecordCodec,
  MANIFEST_KEY,
  opened,
  sealed,
  WRITER_KEY,
  writerRecordCodec,
} from './snapshot-records.ts';
import type { SnapshotRequest, StoredAnchor } from './types.ts';

/** The parts of a writer, as they lie on the disk. */
type Parts = {
  readonly anchor: AnchorRecord;
  readonly generation: number;
  readonly manifestHash: Hash;
  readonly plans: readonly ChunkPlan[];
  readonly have: ReadonlySet<number>;
};

/**
 * Takes in the chunks of a snapshot, in any order, beside the state that is in use. What was
 * written is there after a restart; nothing of it counts until the snapshot is adopted.
 */
export class SnapshotWriter {
  readonly #core: Core;
  readonly #parts: Omit<Parts, 'have'>;
  readonly #have: Set<number>;

  private constructor(core: Core, parts: Parts) {
    this.#core = core;
    this.#parts = parts;
    this.#have = new Set(parts.have);
  }

  /** The one that was begun before; `undefined` when there is none, or its records are spoilt. */
  static async load(core: Core): Promise<SnapshotWriter | undefined> {
    const parts = await loadParts(core);
    return parts === undefined ? undefined : new SnapshotWriter(core, parts);
  }

  /**
   * Begins to fetch a snapshot. Of one begun before, chunks that both have are kept, the others
   * deleted.
   *
   * Rejects with `snapshot-manifest-refused` when the manifest is not that of the block's state.
   */
  static async begin(
    core: Core,
    request: SnapshotRequest,
    former: SnapshotWriter | undefined,
    freshGeneration: number,
  ): Promise<SnapshotWriter> {
    const { suite } = core.ledger;
    const { header } = request.trusted;
    const manifest = decode(manifestCodec, request.manifest);
    const plans = manifest.ok ? readManifest(suite, header.stateRoot, manifest.value) : manifest;
    if (!plans.ok) {
      const { code } = plans.error;
      throw new TabellionError('snapshot-manifest-refused', { height: header.height, code });
    }
    const anchor = anchorOf(request);
    const manifestHash = suite.hash('journal', request.manifest);
    const isSame =
      former !== undefined &&
      equalBytes(former.anchor.hash, anchor.hash) &&
      equalBytes(former.#parts.manifestHash, manifestHash);
    if (isSame && !isRicher(anchor, former.anchor)) return former;
    const generation = former?.generation ?? freshGeneration;
    // What a writer left that nobody knows of any more would stay for ever among our chunks.
    if (former === undefined) await removeChunks(core, generation);
    const have = former === undefined ? new Set<number>() : await former.#keepShared(plans.value);
    const parts = { anchor, generation, manifestHash, plans: plans.value, have };
    const record = sealed(suite, writerRecordCodec, { anchor, generation, manifestHash });
    const put = (key: Bytes, value: Bytes): WriteOperation => ({
      kind: 'put',
      space: 'meta',
      key,
      value,
    });
    await writeNamed(
      core,
      'snapshot-begin',
      [
        put(WRITER_KEY, record),
        put(MANIFEST_KEY, seal(suite, request.manifest)),
        put(HAVE_KEY, sealedHave(core, parts)),
      ],
      'strict',
    );
    return new SnapshotWriter(core, parts);
  }

  get anchor(): StoredAnchor {
    return storedAnchor(this.#parts.anchor);
  }

  /** The chunks of the snapshot, by path; `put` and `have` name them by their place here. */
  get plans(): readonly ChunkPlan[] {
    return this.#parts.plans;
  }

  /** Part of the keys of its pages. */
  get generation(): number {
    return this.#parts.generation;
  }

  /** Which chunks are there. */
  have(): ReadonlySet<number> {
    return this.#have;
  }

  get isComplete(): boolean {
    return this.#have.size === this.plans.length;
  }

  /** The full layout of the state that the chunks make. */
  layout(): Bytes {
    return layoutOfChunks(this.plans, this.generation);
  }

  /** The record of a chunk, if bytes are that chunk; see `recordOfChunk`. */
  verify(index: number, bytes: Bytes): Result<Bytes, ChunkError> {
    const { ledger, pageRecords } = this.#core;
    const plan = defined(this.plans[index], 'a chunk of this snapshot');
    return recordOfChunk(ledger.suite, plan, bytes, pageRecords);
  }

  /**
   * Writes the records of chunks, as `verify` gave them, in steps of about a megabyte. A kill may
   * lose those of the last steps.
   */
  async put(chunks: readonly { readonly index: number; readonly bytes: Bytes }[]): Promise<void> {
    for (let from = 0; from < chunks.length; ) {
      let bytes = 0;
      let to = from;
      while (to < chunks.length && bytes < CHECKPOINT_STEP_BYTES) {
        bytes += chunks[to]?.bytes.length ?? 0;
        to += 1;
      }
      const step = chunks.slice(from, to);
      from = to;
      const have = new Set(this.#have);
      for (const { index } of step) have.add(index);
      await writeNamed(this.#core, 'snapshot-chunks', [
        ...step.map(({ index, bytes: value }): WriteOperation => {
          return { kind: 'put', space: 'pages', key: this.#key(index), value };
        }),
        { kind: 'put', space: 'meta', key: HAVE_KEY, value: this.#sealedHave(have) },
      ]);
      for (const { index } of step) this.#have.add(index);
    }
  }

  /** Returns when all chunks would survive a loss of power. Rejects when some are missing. */
  async finish(): Promise<void> {
    if (!this.isComplete) throw new TabellionError('snapshot-incomplete', this.#progress());
    const value = this.#sealedHave(this.#have);
    const put = { kind: 'put', space: 'meta', key: HAVE_KEY, value } as const;
    await writeNamed(this.#core, 'snapshot-finish', [put], 'strict');
  }

  #progress(): { readonly have: number; readonly chunks: number } {
    return { have: this.#have.size, chunks: this.plans.length };
  }

  #key(index: number): Bytes {
    const { prefix } = defined(this.plans[index], 'a chunk of this snapshot');
    return pageStoreKey({ prefix, generation: this.generation });
  }

  #sealedHave(have: ReadonlySet<number>): Bytes {
    return sealedHave(this.#core, { ...this.#parts, have });
  }

  /**
   * Deletes the chunks that another division has not. At any moment what is noted as there is; so a
   * kill costs chunks, and leaves none that nobody knows of.
   *
   * @returns The places in `plans` of the chunks that stay.
   */
  async #keepShared(plans: readonly ChunkPlan[]): Promise<Set<number>> {
    const places = new Map(plans.map(({ prefix }, index) => [prefix.join(), index]));
    const kept = new Set<number>();
    const gone: number[] = [];
    for (const index of this.#have) {
      const former = defined(this.plans[index], 'a chunk of this snapshot');
      const place = places.get(former.prefix.join());
      const plan = place === undefined ? undefined : plans[place];
      // A root binds no weights: what was verified by one manifest is not by another that names
      // false ones, and pages of a false weight could never be read.
      const isShared =
        plan !== undefined &&
        equalBytes(plan.hash, former.hash) &&
        plan.weight === former.weight &&
        plan.count === former.count;
      if (place !== undefined && isShared) kept.add(place);
      else gone.push(index);
    }
    await this.#remove(gone);
    return kept;
  }

  async #remove(indexes: readonly number[]): Promise<void> {
    for (let from = 0; from < indexes.length; from += SWEEP_RECORDS_PER_STEP) {
      const step = indexes.slice(from, from + SWEEP_RECORDS_PER_STEP);
      const have = new Set(this.#have);
      for (const index of step) have.delete(index);
      await writeNamed(this.#core, 'snapshot-begin', [
        ...step.map((index): WriteOperation => {
          return { kind: 'delete', space: 'pages', key: this.#key(index) };
        }),
        { kind: 'put', space: 'meta', key: HAVE_KEY, value: this.#sealedHave(have) },
      ]);
      for (const index of step) this.#have.delete(index);
    }
  }

  /** Deletes all that was written of it. */
  async discard(): Promise<void> {
    await this.#remove([...this.#have]);
    await writeNamed(this.#core, 'snapshot-begin', writerRecordsGone(), 'strict');
  }
}

/** Whether one record of a block proves it, and the other does not. */
function isRicher(one: AnchorRecord, other: AnchorRecord): boolean {
  const proves = ({ certificate, parent }: AnchorRecord): boolean =>
    certificate !== undefined && parent !== undefined;
  return proves(one) && !proves(other);
}

function removeChunks(core: Core, generation: number): Promise<void> {
  const from = orderedKey(generation);
  const to = orderedKey(generation + 1);
  return removeRange(core, 'checkpoint-clean', { space: 'pages', from, to });
}

/** Deletes of the records of a writer, but not of its pages. */
export function writerRecordsGone(): WriteOperation[] {
  return [WRITER_KEY, MANIFEST_KEY, HAVE_KEY].map((key) => ({
    kind: 'delete',
    space: 'meta',
    key,
  }));
}

async function loadParts(core: Core): Promise<Parts | undefined> {
  const { suite } = core.ledger;
  const [writer, manifestBytes, have] = await core.store.getMany('meta', [
    WRITER_KEY,
    MANIFEST_KEY,
    HAVE_KEY,
  ]);
  const record = opened(suite, writerRecordCodec, writer);
  const noted = opened(suite, haveRecordCodec, have);
  const payload = manifestBytes === undefined ? undefined : unseal(suite, manifestBytes);
  const manifest = payload === undefined ? undefined : decode(manifestCodec, payload);
  if (record === undefined && noted === undefined && manifestBytes === undefined) return undefined;
  const isWhole =
    record !== undefined && record !== 'spoilt' && noted !== undefined && noted !== 'spoilt';
  const plans =
    isWhole && manifest?.ok === true && payload !== undefined
      ? readManifest(suite, record.anchor.header.stateRoot, manifest.value)
      : undefined;
  if (!isWhole || payload === undefined || plans?.ok !== true) {
    // Its chunks are cleaned away like those of an unfinished checkpoint.
    core.tracer.trace('warn', 'snapshot-forgotten');
    return undefined;
  }
  const manifestHash = suite.hash('journal', payload);
  const isOne =
    equalBytes(manifestHash, record.manifestHash) && equalBytes(noted.manifestHash, manifestHash);
  if (!isOne) return undefined;
  const { anchor, generation } = record;
  const places = new Set<number>();
  plans.value.forEach((_, index) => {
    if ((((noted.bits[index >> 3] ?? 0) >> (index & 7)) & 1) === 1) places.add(index);
  });
  return { anchor, generation, manifestHash, plans: plans.value, have: places };
}

function sealedHave(core: Core, parts: Omit<Parts, 'anchor' | 'generation'>): Bytes {
  const { plans, have, manifestHash } = parts;
  const bits = new Uint8Array((plans.length + 7) >> 3);
  for (const index of have) bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
  return sealed(core.ledger.suite, haveRecordCodec, { manifestHash, bits });
}

function anchorOf({ trusted, certificate, parent }: SnapshotRequest): AnchorRecord {
  const { header, hash, membership, nextMembership } = trusted;
  return { header, hash, membership, nextMembership, certificate, parent };
}

/** An anchor as readers get it. */
export function storedAnchor(record: AnchorRecord): StoredAnchor {
  return record;
}
