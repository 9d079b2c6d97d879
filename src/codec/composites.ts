import type { Json, JsonObject, Result } from '../base/index.ts';
import { assert, defined, isJsonObject } from '../base/index.ts';
import type { Codec, Infer } from './codec.ts';
import { Refusal } from './errors.ts';

/** A list of values behind a ULEB128 count between `min` and `max`. */
export function vector<Item>(
  item: Codec<Item>,
  bounds: { readonly min?: number; readonly max: number },
): Codec<readonly Item[]> {
  const { min = 0, max } = bounds;
  return {
    shape: { kind: 'list', item: item.shape, lengthMin: min, lengthMax: max },
    write(writer, value) {
      const { length } = value;
      if (length < min || length > max) assert(false, `not ${min} to ${max} items`);
      writer.uleb(length);
      for (let at = 0; at < length; at++) item.write(writer, value[at] as Item); // Inside.
    },
    read(reader) {
      const at = reader.at;
      const length = reader.uleb();
      if (length > max) throw new Refusal('too-long', at);
      if (length < min) throw new Refusal('too-short', at);
      if (length === 0) return [];
      // Most lists hold one item, and one that grows makes room for seventeen at once.
      const items: Item[] = [item.read(reader)];
      // Grown item by item: a length that lies meets `truncated` before it costs memory.
      for (let count = 1; count < length; count++) items.push(item.read(reader));
      return items;
    },
    toJson: (value) => value.map((each) => item.toJson(each)),
    fromJson(json, path) {
      if (!Array.isArray(json)) throw new Refusal('json-malformed', path);
      if (json.length > max) throw new Refusal('too-long', path);
      if (json.length < min) throw new Refusal('too-short', path);
      return json.map((each: Json, at) => item.fromJson(each, `${path}.${at}`));
    },
  };
}

/** Absent (byte 0) or present (byte 1, then the value); `null` or no member at all in JSON. */
export function option<Item>(item: Codec<Item>): Codec<Item | undefined> {
  return {
    shape: { kind: 'option', item: item.shape },
    write(writer, value) {
      writer.u8(value === undefined ? 0 : 1);
      if (value !== undefined) item.write(writer, value);
    },
    read(reader) {
      const at = reader.at;
      const tag = reader.u8();
      if (tag > 1) throw new Refusal('non-canonical', at);
      return tag === 0 ? undefined : item.read(reader);
    },
    toJson: (value) => (value === undefined ? null : item.toJson(value)),
    fromJson: (json, path) => (json === null ? undefined : item.fromJson(json, path)),
  };
}

type Fields = { readonly [name: string]: Codec<never> };
type AnyCodec = Codec<unknown>;

/** The object type of a struct's fields. */
export type StructValue<Of> = { readonly [Name in keyof Of]: Infer<Of[Name]> };

/** Fields in the order written, without names or padding on the wire. */
export function struct<Of extends { readonly [name: string]: unknown }>(
  name: string,
  fields: Of & { readonly [Name in keyof Of]: Codec<Infer<Of[Name]>> },
): Codec<StructValue<Of>> {
  // Each field's own type is kept by `StructValue`; inside, the fields are walked alike.
  const entries = Object.entries(fields as unknown as Fields) as unknown as readonly [
    string,
    AnyCodec,
  ][];
  // In arrays of their own: taking pairs apart was a fifth of the time of reading and writing.
  const names = entries.map(([field]) => field);
  const codecs = entries.map(([, codec]) => codec);
  const { length } = entries;
  // Copied for each value: a third quicker than one that grows field by field.
  const blank: { readonly [field: string]: unknown } = Object.fromEntries(
    names.map((field) => [field, undefined]),
  );
  return {
    shape: {
      kind: 'struct',
      name,
      fields: entries.map(([field, codec]) => ({ name: field, shape: codec.shape })),
    },
    write(writer, value) {
      const record = value as { readonly [field: string]: unknown };
      // Both arrays have `length` items, as below.
      for (let at = 0; at < length; at++) {
        (codecs[at] as AnyCodec).write(writer, record[names[at] as string]);
      }
    },
    read(reader) {
      const value: { [field: string]: unknown } = { ...blank };
      for (let at = 0; at < length; at++) {
        value[names[at] as string] = (codecs[at] as AnyCodec).read(reader);
      }
      return value as StructValue<Of>; // Every field of `Of` was just set by its own codec.
    },
    toJson(value) {
      const record = value as { readonly [field: string]: unknown };
      const json: { [field: string]: Json } = {};
      for (const [field, codec] of entries) json[field] = codec.toJson(record[field]);
      return json;
    },
    fromJson(json, path) {
      const object = asObject(json, path);
      const value: { [field: string]: unknown } = {};
      for (const [field, codec] of entries) {
        const member = Object.hasOwn(object, field) ? object[field] : undefined;
        const place = path === '' ? field : `${path}.${field}`;
        if (member === undefined && codec.shape.kind !== 'option') {
          throw new Refusal('json-malformed', place);
        }
        value[field] = codec.fromJson(member ?? null, place);
      }
      for (const member of Object.keys(object)) {
        if (!Object.hasOwn(fields, member)) {
          throw new Refusal('json-malformed', path === '' ? member : `${path}.${member}`);
        }
      }
      return value as StructValue<Of>; // As in `read`.
    },
  };
}

function asObject(json: Json, path: string): JsonObject {
  if (!isJsonObject(json)) throw new Refusal('json-malformed', path);
  return json;
}

/** The union type of a union codec's variants: their fields beside a `kind`. */
export type UnionValue<Of> = {
  readonly [Kind in keyof Of]: { readonly kind: Kind } & Infer<Of[Kind]>;
}[keyof Of];

/**
 * One of several structs: a ULEB128 tag (place in `variants`, which only ever grows at its end),
 * then the fields. In memory and in JSON the fields stand beside `kind`.
 */
export function union<Of extends { readonly [kind: string]: unknown }>(
  name: string,
  variants: Of & { readonly [Kind in keyof Of]: Codec<Infer<Of[Kind]>> },
): Codec<UnionValue<Of>> {
  const kinds = Object.keys(variants);
  // As in `struct`: the exact types are kept by `UnionValue`.
  const codecs = Object.values(variants as unknown as Fields) as unknown as readonly AnyCodec[];
  const tags = new Map(kinds.map((kind, tag) => [kind, tag]));
  for (const codec of codecs) {
    assert(codec.shape.kind === 'struct', `variants of ${name} must be structs`);
  }
  return {
    shape: {
      kind: 'union',
      name,
      variants: kinds.map((kind, tag) => ({
        name: kind,
        shape: defined(codecs[tag], 'one codec a kind').shape,
      })),
    },
    write(writer, value) {
      // They are few, and known by identity: a map took longer.
      const tag = kinds.indexOf(value.kind as string); // Whatever is none is not found.
      if (tag < 0) assert(false, `unknown variant of ${name}: ${String(value.kind)}`);
      writer.uleb(tag);
      (codecs[tag] as AnyCodec).write(writer, value); // One a kind.
    },
    read(reader) {
      const at = reader.at;
      const tag = reader.uleb();
      const codec = codecs[tag];
      if (codec === undefined) throw new Refusal('unknown-variant', at);
      const value = codec.read(reader) as { kind?: unknown };
      value.kind = kinds[tag];
      return value as UnionValue<Of>; // The fields of that variant, and its kind.
    },
    toJson(value) {
      const tag = defined(tags.get(String(value.kind)), `unknown variant of ${name}`);
      const fields = defined(codecs[tag], 'one codec a kind').toJson(value) as JsonObject;
      return { kind: String(value.kind), ...fields };
    },
    fromJson(json, path) {
      const { kind, ...rest } = asObject(json, path);
      const tag = typeof kind === 'string' ? tags.get(kind) : undefined;
      if (tag === undefined) throw new Refusal('unknown-variant', path);
      const value = defined(codecs[tag], 'one codec a kind').fromJson(rest, path);
      return { ...(value as object), kind } as UnionValue<Of>; // As in `read`.
    },
  };
}

/**
 * Gives the wire form of `inner` a meaning of its own: a brand, a stricter range, its own JSON.
 *
 * @param refinement.parse Narrows a decoded inner value; a failure refuses with `value-malformed`.
 * @param refinement.text How JSON shows it; without it, as `inner` does.
 */
export function refined<Inner, Value extends Inner>(
  name: string,
  inner: Codec<Inner>,
  refinement: {
    readonly parse: (value: Inner) => Value | undefined;
    readonly text?: {
      readonly format: (value: Value) => string;
      readonly parse: (text: string) => Result<Value, unknown>;
    };
  },
): Codec<Value> {
  const { parse, text } = refinement;
  return {
    shape: { kind: 'refined', name, inner: inner.shape, isText: text !== undefined },
    write: inner.write,
    read(reader) {
      const at = reader.at;
      const value = parse(inner.read(reader));
      if (value === undefined) throw new Refusal('value-malformed', at);
      return value;
    },
    toJson: (value) => (text === undefined ? inner.toJson(value) : text.format(value)),
    fromJson(json, path) {
      if (text === undefined) {
        const value = parse(inner.fromJson(json, path));
        if (value === undefined) throw new Refusal('value-malformed', path);
        return value;
      }
      const parsed = typeof json === 'string' ? text.parse(json) : undefined;
      if (parsed === undefined || !parsed.ok) throw new Refusal('value-malformed', path);
      return parsed.value;
    },
  };
}
