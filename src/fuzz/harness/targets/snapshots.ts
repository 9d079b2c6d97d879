import { equalBytes } from '../../../base/index.ts';
import { decode, encode } from '../../../codec/index.ts';
import { hashSuite } from '../../../crypto/index.ts';
import type { Height } from '../../../ledger/index.ts';
import {
  joinPages,
  manifestCodec,
  manifestOfPages,
  readManifest,
  StateTree,
  verifyChunk,
} from '../../../state/index.ts';
import type { Target } from '../types.ts';
import { Broken } from '../types.ts';
import { bytesTarget } from './codec-target.ts';

const suite = hashSuite('blake3-256');
/** So that a small state has many chunks. */
const CHUNK_MAX = 600;

/** A state as a peer serves it: its root, its manifest and its chunks. */
function servedState(count: number, mark: number) {
  const tree = StateTree.empty(suite, { pageBytesMax: 300 });
  const changes = Array.from({ length: count }, (_, at) => ({
    key: Uint8Array.of(1, mark, at & 255, at >> 8),
    value: new Uint8Array(at % 40 === 7 ? 700 : at % 30).fill(at),
  }));
  tree.apply(5 as Height, changes); // A height like any other.
  const plan = tree.planCheckpoint(1);
  const bytes = new Map(plan.written.map((page) => [page, plan.encode(page).value]));
  const { root, manifest, chunks } = manifestOfPages(suite, plan.pages, CHUNK_MAX);
  return {
    root,
    manifest: encode(manifestCodec, manifest),
    chunks: chunks.map((chunk) => {
      const pages = chunk.pages.map((page) => bytes.get(page) ?? new Uint8Array());
      return { plan: chunk, bytes: joinPages(pages) ?? new Uint8Array() };
    }),
  };
}

const manifestTarget: Target = bytesTarget(
  'state-manifest',
  'how a peer says that a state of a known root is divided',
  async () => {
    const served = servedState(200, 1);
    const truth = served.chunks.map(({ plan }) => plan);
    return {
      seeds: [served.manifest, servedState(90, 2).manifest, servedState(3, 3).manifest],
      run(input) {
        const decoded = decode(manifestCodec, input);
        if (!decoded.ok) return decoded.error.code;
        if (!equalBytes(encode(manifestCodec, decoded.value), input)) {
          throw new Broken('a second form');
        }
        const read = readManifest(suite, served.root, decoded.value, CHUNK_MAX);
        if (!read.ok) return `${read.error.code}@${Math.min(64, input.length >> 6)}`;
        // Weights and counts may lie, but not without changing each other's sums; hashes may not.
        for (const { prefix, hash } of read.value) {
          const own = truth.find((plan) => equalBytes(plan.prefix, prefix));
          if (own !== undefined && !equalBytes(own.hash, hash)) throw new Broken('another hash');
        }
        return equalBytes(input, served.manifest) ? 'accepted' : 'accepted-lie';
      },
    };
  },
);

const chunkTarget: Target = bytesTarget(
  'state-chunk',
  'a chunk of a state, as a peer sends it',
  async () => {
    const { chunks } = servedState(200, 1);
    const aliens = servedState(60, 2).chunks.slice(0, 4);
    return {
      seeds: [...chunks, ...aliens].map(({ bytes }) => bytes),
      run(input) {
        // Offered for the chunk whose length it has, or for the first.
        const asked = chunks.find(({ bytes }) => bytes.length === input.length) ?? chunks[0];
        if (asked === undefined) throw new Error('there are chunks');
        const verified = verifyChunk(suite, asked.plan, input, CHUNK_MAX);
        if (!verified.ok) {
          if (verified.error.code === 'chunk-plan-false') throw new Broken('the plan is true');
          return `${verified.error.code}@${Math.min(32, input.length >> 5)}`;
        }
        if (!equalBytes(input, asked.bytes)) throw new Broken('another chunk under the same hash');
        return 'accepted';
      },
    };
  },
);

export const snapshotTargets: readonly Target[] = [manifestTarget, chunkTarget];
