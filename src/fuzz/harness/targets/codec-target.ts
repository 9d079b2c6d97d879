import fc from 'fast-check';
import type { Bytes } from '../../../base/index.ts';
import { equalBytes } from '../../../base/index.ts';
import type { Codec } from '../../../codec/index.ts';
import { decode, encode, parseJson, toJson } from '../../../codec/index.ts';
import { jsonOf } from '../../../ledger/testing/arbitrary.ts';
import type { Recording } from '../record.ts';
import { recordNetwork } from '../record.ts';
import type { Session, Target, Verdict } from '../types.ts';
import { Broken, refusedAt } from '../types.ts';

/** Values of a shape that start a codec's target beside what the network really said. */
const SAMPLES = 48;
const SAMPLE_BYTES_MAX = 1536;
/** Of accepted inputs, one in so many is also taken through JSON and back. */
const JSON_EVERY = 8;

/** Encoded values of a codec's shape; the same every time. */
function samplesOf(codec: Codec<unknown>): Bytes[] {
  return fc
    .sample(jsonOf(codec.shape), { numRuns: SAMPLES, seed: 7 })
    .flatMap((json) => {
      const value = parseJson(codec, json);
      return value.ok ? [encode(codec, value.value)] : [];
    })
    .filter(({ length }) => length <= SAMPLE_BYTES_MAX);
}

/** Executes one input of a codec: refuses, or accepts what re-encodes to the same bytes. */
function codecRun(codec: Codec<unknown>): (input: Uint8Array) => Verdict {
  let accepted = 0;
  return (input) => {
    const decoded = decode(codec, input);
    if (!decoded.ok) return refusedAt(decoded.error.code, decoded.error.at);
    if (!equalBytes(encode(codec, decoded.value), input)) throw new Broken('a second form');
    accepted += 1;
    if (accepted % JSON_EVERY === 0) {
      const again = parseJson(codec, toJson(codec, decoded.value));
      if (!again.ok) throw new Broken(`its own JSON is refused: ${again.error.code}`);
      if (!equalBytes(encode(codec, again.value), input)) throw new Broken('JSON changes it');
    }
    return `accepted@${Math.min(input.length >> 3, 64)}`;
  };
}

/** A target that is a codec: canonical bytes of one type. */
export function codecTarget<Value>(
  name: string,
  codec: Codec<Value> | (() => Codec<Value>),
  said?: (recording: Recording) => readonly Uint8Array[],
): Target {
  return bytesTarget(name, 'canonical bytes of one type', async () => {
    // The laws are the same for every type.
    const any = (typeof codec === 'function' ? codec() : codec) as Codec<unknown>;
    const real = said?.(await recordNetwork()) ?? [];
    return {
      seeds: [...real.map((bytes) => new Uint8Array(bytes)), ...samplesOf(any)],
      run: codecRun(any),
    };
  });
}

export function bytesTarget(
  name: string,
  about: string,
  open: () => Promise<Session<Bytes>>,
): Target {
  // The engine feeds a session only what it bred from its own seeds.
  return { name, kind: 'bytes', about, open: open as unknown as Target['open'] };
}

export function textTarget(
  name: string,
  about: string,
  open: () => Promise<Session<string>>,
  kind: 'json' | 'text' = 'text',
): Target {
  // As above.
  return { name, kind, about, open: open as unknown as Target['open'] };
}
