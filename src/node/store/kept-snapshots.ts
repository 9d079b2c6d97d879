import type { Bytes } from '../../base/index.ts';
import { equalBytes, formatHex } from '../../base/index.ts';
import { encode } from '../../codec/index.ts';
import type { Hash } from '../../crypto/index.ts';
import type { CheckpointPlan, Page, ServedChunk, WantedSubtree } from '../../state/index.ts';
import {
  decodeLayouts,
  joinPages,
  manifestCodec,
  manifestOfPages,
  mergePage,
  pageStoreKeys,
  subtreeOfChunk,
  verifyChunk,
  wholeOfDelta,
} from '../../state/index.ts';
import type { Core } from './core.ts';
import { readPages } from './core.ts';
import { layoutKey, unseal } from './records.ts';
import type { KeptSnapshot } from './snapshot-records.ts';
import { opened, SNAPSHOTS_KEY, snapshotsRecordCodec } from './snapshot-records.ts';

/** What peers are given of one snapshot; its chunks by prefix. */
type Served = {
  readonly manifest: Bytes;
  readonly chunks: ReadonlyMap<string, ServedChunk>;
  /** Chunks that were served before, by prefix: what lies on the disk is what its hash says. */
  readonly verified: Set<string>;
};

/** The snapshots that a store keeps for peers, newest first, and what it serves of them. */
export class KeptSnapshots {
  readonly #core: Core;
  #snapshots: readonly KeptSnapshot[];
  /** By root; made when first asked for. */
  readonly #served = new Map<string, Promise<Served | undefined>>();

  private constructor(core: Core, snapshots: readonly KeptSnapshot[]) {
    this.#core = core;
    this.#snapshots = snapshots;
  }

  static async load(core: Core): Promise<KeptSnapshots> {
    const bytes = await core.store.get('meta', SNAPSHOTS_KEY);
    const record = opened(core.ledger.suite, snapshotsRecordCodec, bytes);
    // A spoilt list is one of nothing: peers have the same snapshots.
    if (record === 'spoilt') core.tracer.trace('warn', 'snapshots-forgotten');
    const snapshots = record === undefined || record === 'spoilt' ? [] : record.snapshots;
    return new KeptSnapshots(core, snapshots);
  }

  get all(): readonly KeptSnapshot[] {
    return this.#snapshots;
  }

  /** Keeps these from now on. */
  adopt(snapshots: readonly KeptSnapshot[]): void {
    this.#snapshots = snapshots;
    const roots = new Set(snapshots.map(({ stateRoot }) => formatHex(stateRoot)));
    for (const root of [...this.#served.keys()]) if (!roots.has(root)) this.#served.delete(root);
  }

  /** The encoded manifest of a kept root. */
  async manifest(stateRoot: Hash): Promise<Bytes | undefined> {
    return (await this.#serve(stateRoot))?.manifest;
  }

  /** The bytes of a chunk of a kept root: pages as they lie on the disk, joined. */
  async chunk(stateRoot: Hash, prefix: Uint8Array): Promise<Bytes | undefined> {
    const served = await this.#serve(stateRoot);
    const place = prefix.join();
    const chunk = served?.chunks.get(place);
    if (served === undefined || chunk === undefined) return undefined;
    const { suite } = this.#core.ledger;
    const records = await readPages(this.#core, chunk.pages);
    const found = chunk.pages.flatMap(({ prefix, deltaGeneration }, at) => {
      const { base, delta } = records[at] ?? {};
      if (deltaGeneration === 0) return base ?? [];
      if (base === undefined) return (delta && wholeOfDelta(delta)) ?? [];
      return (delta && mergePage(suite, prefix, base, delta)) ?? [];
    });
    // A page that is lost, or was deleted while it was read, is one that we do not have.
    const joined = found.length === chunk.pages.length ? joinPages(found) : undefined;
    if (joined === undefined || served.verified.has(place)) return joined;
    // Whoever got a damaged page would take us for a liar.
    const verified = verifyChunk(suite, chunk, joined);
    if (verified.ok) {
      served.verified.add(place);
      return joined;
    }
    const { code } = verified.error;
    this.#core.tracer.trace('warn', 'snapshot-chunk-spoilt', { prefix: formatHex(prefix), code });
    return undefined;
  }

  /** A subtree of any kept state, encoded as a page; `undefined` when none has it. */
  async subtree(wanted: WantedSubtree): Promise<Bytes | undefined> {
    const { suite } = this.#core.ledger;
    for (const { stateRoot } of this.#snapshots) {
      const served = await this.#serve(stateRoot);
      // The chunk that it is, or is a part of: they divide the whole.
      for (let depth = wanted.prefix.length; depth >= 0; depth--) {
        const prefix = wanted.prefix.subarray(0, depth);
        if (served?.chunks.has(prefix.join()) !== true) continue;
        const bytes = await this.chunk(stateRoot, prefix);
        const found = bytes && subtreeOfChunk(suite, { prefix, bytes }, wanted);
        if (found !== undefined) return found;
        break;
      }
    }
    return undefined;
  }

  #serve(stateRoot: Hash): Promise<Served | undefined> {
    const snapshot = this.#snapshots.find((each) => equalBytes(each.stateRoot, stateRoot));
    if (snapshot === undefined) return Promise.resolve(undefined);
    const key = formatHex(stateRoot);
    let served = this.#served.get(key);
    if (served === undefined) {
      served = this.#read(snapshot);
      this.#served.set(key, served);
      served.catch(() => this.#served.delete(key)); // Asked for again, it is read again.
    }
    return served;
  }

  async #read(snapshot: KeptSnapshot): Promise<Served | undefined> {
    const pages = await this.pages(snapshot);
    if (pages === undefined) return undefined;
    const { root, manifest, chunks } = manifestOfPages(this.#core.ledger.suite, pages);
    if (!equalBytes(root, snapshot.stateRoot)) return undefined;
    return {
      manifest: encode(manifestCodec, manifest),
      chunks: new Map(chunks.map((chunk) => [chunk.prefix.join(), chunk])),
      verified: new Set(),
    };
  }

  /** The pages of a snapshot, none loaded; `undefined` when its layout is lost or spoilt. */
  async pages(snapshot: KeptSnapshot): Promise<readonly Page[] | undefined> {
    const { store, ledger, tracer } = this.#core;
    const sealed = await store.get('pages', layoutKey(snapshot.generation));
    const layout = sealed === undefined ? undefined : unseal(ledger.suite, sealed);
    const pages = layout === undefined ? undefined : decodeLayouts([layout]);
    if (pages?.ok === true) return pages.value;
    tracer.trace('warn', 'snapshot-lost', { height: snapshot.height });
    return undefined;
  }

  /**
   * Which snapshots are kept when a checkpoint becomes one, and the keys of the pages that only
   * those had which are kept no longer.
   */
  async next(
    plan: CheckpointPlan,
    blockHash: Hash,
    keptMax: number,
  ): Promise<{ readonly snapshots: readonly KeptSnapshot[]; readonly released: readonly Bytes[] }> {
    const { chunks } = manifestOfPages(this.#core.ledger.suite, plan.pages);
    const fresh: KeptSnapshot = {
      height: plan.height,
      blockHash,
      stateRoot: plan.root,
      generation: plan.generation,
      bytes: chunks.reduce((sum, { weight }) => sum + weight, 0),
      chunkCount: chunks.length,
    };
    const snapshots = [fresh, ...this.#snapshots].slice(0, keptMax);
    const released: Bytes[] = [];
    /** Keys of the next newer one, where they are known. */
    let newer: ReadonlySet<string> | undefined;
    for (const [at, snapshot] of [fresh, ...this.#snapshots].entries()) {
      if (at < keptMax - 1) continue; // Neither dropped nor next to one that is.
      const pages = at === 0 ? plan.pages : await this.pages(snapshot);
      const keys = pages?.flatMap(pageStoreKeys);
      const others = newer;
      // A page that the next newer one has not, nothing newer has. Unknown, it costs room.
      if (at >= keptMax && keys !== undefined && others !== undefined) {
        for (const key of keys) if (!others.has(key.join())) released.push(key);
      }
      newer = keys === undefined ? undefined : new Set(keys.map((key) => key.join()));
    }
    return { snapshots, released };
  }
}
