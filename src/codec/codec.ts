import type { Bytes, Json, Result } from '../base/index.ts';
import { fail, ok } from '../base/index.ts';
import type { DecodeError } from './errors.ts';
import { Refusal } from './errors.ts';
import { Reader } from './reader.ts';
import type { Shape } from './shape.ts';
import { Writer } from './writer.ts';

/**
 * One type, defined once: its canonical bytes (BCS), its JSON form, and its description.
 *
 * `read` and `fromJson` throw {@link Refusal}; callers outside this room use {@link decode} and
 * {@link parseJson}, which return it as a value. `write` asserts: an unencodable value is a bug.
 */
export interface Codec<Value> {
  readonly shape: Shape;
  write(writer: Writer, value: Value): void;
  read(reader: Reader): Value;
  toJson(value: Value): Json;
  fromJson(json: Json, path: string): Value;
}

/** The type of value that a codec maps. */
export type Infer<Of> = Of extends Codec<infer Value> ? Value : never;

/** A scratch buffer that grew beyond this is not kept. */
const SCRATCH_BYTES_MAX = 1024 * 1024;
/**
 * Lent to one `encode` at a time; one inside another gets its own. Making a buffer for each call
 * was a tenth of the time of executing blocks.
 */
let spare: Writer | undefined;

/** Canonical bytes of a value; equal values give equal bytes. */
export function encode<Value>(codec: Codec<Value>, value: Value): Bytes {
  const writer = spare ?? new Writer(4096);
  spare = undefined;
  codec.write(writer, value);
  const bytes = writer.finish();
  writer.clear();
  if (bytes.length <= SCRATCH_BYTES_MAX) spare = writer;
  return bytes;
}

/** Canonical bytes of each of some values: views of one fresh buffer, in their order. */
export function encodeEach<Value>(codec: Codec<Value>, values: readonly Value[]): Bytes[] {
  const writer = spare ?? new Writer(4096);
  spare = undefined;
  const ends = values.map((value) => {
    codec.write(writer, value);
    return writer.length;
  });
  const whole = writer.finish();
  writer.clear();
  if (whole.length <= SCRATCH_BYTES_MAX) spare = writer;
  return ends.map((end, at) => whole.subarray(ends[at - 1] ?? 0, end));
}

/**
 * The value of canonical bytes. Whatever is accepted re-encodes to the very same bytes: lengths,
 * tags, booleans and numbers have one form each, and no byte may follow.
 */
export function decode<Value>(codec: Codec<Value>, bytes: Uint8Array): Result<Value, DecodeError> {
  const reader = new Reader(bytes);
  try {
    const value = codec.read(reader);
    if (reader.remaining > 0) return fail({ code: 'trailing-bytes', at: reader.at });
    return ok(value);
  } catch (error) {
    if (error instanceof Refusal) return fail(error.error);
    throw error;
  }
}

/** JSON form of a value: bytes as lower-case hex, 64-bit integers as decimal text. */
export function toJson<Value>(codec: Codec<Value>, value: Value): Json {
  return codec.toJson(value);
}

/** The value of its JSON form; unknown members are refused, absent options are absent. */
export function parseJson<Value>(codec: Codec<Value>, json: Json): Result<Value, DecodeError> {
  try {
    return ok(codec.fromJson(json, ''));
  } catch (error) {
    if (error instanceof Refusal) return fail(error.error);
    throw error;
  }
}
