import type { Bytes, Json, JsonObject } from '../../base/index.ts';
import { isJsonObject, parseHex } from '../../base/index.ts';
import type { Codec } from '../../codec/index.ts';
import { decode, parseJson } from '../../codec/index.ts';

/** Ends one operation with a code; caught where operations are run. */
export class Unusable extends Error {
  override readonly name = 'Unusable';
  readonly code: string;
  readonly member: string | undefined;

  constructor(code: string, member?: string) {
    super(code);
    this.code = code;
    this.member = member;
  }
}

/** Members of an operation's input; each reader refuses with `input-malformed` and the name. */
export class Input {
  readonly #json: JsonObject;

  constructor(json: Json | undefined) {
    if (!isJsonObject(json)) throw new Unusable('input-malformed');
    this.#json = json;
  }

  raw(name: string): Json | undefined {
    return Object.hasOwn(this.#json, name) ? this.#json[name] : undefined;
  }

  text(name: string): string {
    const value = this.raw(name);
    if (typeof value !== 'string') throw new Unusable('input-malformed', name);
    return value;
  }

  bytes(name: string): Bytes {
    return bytesOf(this.raw(name), name);
  }

  list(name: string): readonly Json[] {
    const value = this.raw(name);
    if (!Array.isArray(value)) throw new Unusable('input-malformed', name);
    return value;
  }

  /** A value in its JSON form, or as hex of its canonical bytes. */
  value<Value>(name: string, codec: Codec<Value>): Value {
    const given = this.raw(name);
    if (given === undefined) throw new Unusable('input-malformed', name);
    const read =
      typeof given === 'string' ? decode(codec, this.bytes(name)) : parseJson(codec, given);
    if (!read.ok) throw new Unusable(read.error.code, name);
    return read.value;
  }

  /** A whole number that is not negative; `absent` where the member is. */
  whole(name: string, absent?: number): number {
    const value = this.raw(name) ?? absent;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      throw new Unusable('input-malformed', name);
    }
    return value;
  }

  texts(name: string): string[] {
    return this.list(name).map((each) => {
      if (typeof each !== 'string') throw new Unusable('input-malformed', name);
      return each;
    });
  }
}

/** Bytes of lower-case hex. */
export function bytesOf(value: Json | undefined, name: string): Bytes {
  const parsed = typeof value === 'string' ? parseHex(value) : undefined;
  if (parsed === undefined || !parsed.ok) throw new Unusable('input-malformed', name);
  return parsed.value;
}
