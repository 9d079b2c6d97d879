import type { Bytes, Result } from '../base/index.ts';
import { equalBytes, fail, ok } from '../base/index.ts';
import { Reader, Refusal, Writer } from '../codec/index.ts';
import type { HashSuite } from '../crypto/index.ts';
import type { ChunkError } from './errors.ts';
import { imageOfSubtree, isImage, leavesOfImage } from './image.ts';
import { CHUNK_BYTES_MAX, CHUNK_ENCODED_BYTES_MAX, PAGE_LEAVES_MAX } from './limits.ts';
import type { ChunkPlan } from './manifest.ts';
import { totalsOf } from './nodes.ts';
import type { BuiltPage } from './page.ts';
import { buildPage } from './page.ts';
import type { PageRecordForm } from './types.ts';

/** How many leaves a page's bytes hold, and where they begin; `undefined` when they are no page. */
function readCount(encoded: Uint8Array): { count: number; from: number } | undefined {
  const reader = new Reader(encoded);
  try {
    const count = reader.uleb();
    return { count, from: reader.at };
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

/**
 * The bytes of a chunk: those of a page with all leaves of its pages, which stand in the order of
 * their paths. Leaves of records that are no images are not looked at; `undefined` when a record
 * cannot be read, or an image is not what was written.
 */
export function joinPages(records: readonly Uint8Array[]): Bytes | undefined {
  let count = 0;
  let length = 0;
  const bodies: Uint8Array[] = [];
  for (const record of records) {
    const encoded = isImage(record) ? leavesOfImage(record) : record;
    const head = encoded && readCount(encoded);
    if (encoded === undefined || head === undefined) return undefined;
    count += head.count;
    const body = encoded.subarray(head.from);
    length += body.length;
    bodies.push(body);
  }
  if (count < 1 || count > PAGE_LEAVES_MAX) return undefined;
  const writer = new Writer();
  writer.uleb(count);
  const head = writer.finish();
  const joined = new Uint8Array(head.length + length);
  joined.set(head);
  let at = head.length;
  for (const body of bodies) {
    joined.set(body, at);
    at += body.length;
  }
  return joined;
}

/** The subtree of a chunk's bytes, if they are exactly the chunk that a plan names. */
function builtOf(
  suite: HashSuite,
  plan: ChunkPlan,
  bytes: Uint8Array,
  chunkBytesMax: number,
): Result<BuiltPage, ChunkError> {
  if (bytes.length > CHUNK_ENCODED_BYTES_MAX) return fail({ code: 'chunk-malformed' });
  const built = buildPage(plan.prefix, { base: bytes, isOwn: false }, suite);
  if (built === undefined) return fail({ code: 'chunk-malformed' });
  if (!equalBytes(built.hash, plan.hash)) return fail({ code: 'chunk-mismatch' });
  const { weight, count } = totalsOf(built.table, built.root);
  const isTrue = weight === plan.weight && count === plan.count;
  const isChunk = count === 1 || weight <= chunkBytesMax;
  return isTrue && isChunk ? ok(built) : fail({ code: 'chunk-plan-false', weight, count });
}

/**
 * Whether bytes are exactly the chunk that a plan names; then they are the encoded page of its
 * prefix. Says whose fault it is when they are not, see {@link ChunkError}.
 *
 * @param chunkBytesMax The same everywhere, but for tests.
 */
export function verifyChunk(
  suite: HashSuite,
  plan: ChunkPlan,
  bytes: Uint8Array,
  chunkBytesMax = CHUNK_BYTES_MAX,
): Result<{ readonly weight: number; readonly count: number }, ChunkError> {
  const built = builtOf(suite, plan, bytes, chunkBytesMax);
  return built.ok ? ok({ weight: plan.weight, count: plan.count }) : built;
}

/**
 * The record of the page that a chunk is, as a store keeps it, if its bytes are exactly the chunk
 * that a plan names. An image is made while the chunk's hashes are there: later each reading of its
 * leaves would compute them again.
 */
export function recordOfChunk(
  suite: HashSuite,
  plan: ChunkPlan,
  bytes: Bytes,
  form: PageRecordForm,
): Result<Bytes, ChunkError> {
  const built = builtOf(suite, plan, bytes, CHUNK_BYTES_MAX);
  if (!built.ok) return built;
  if (form === 'leaves') return ok(bytes);
  const { table, root } = built.value;
  return ok(imageOfSubtree(table, root, plan.prefix));
}
