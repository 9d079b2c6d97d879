export type { Codec, Infer } from './codec.ts';
export { decode, encode, encodeEach, parseJson, toJson } from './codec.ts';
export type { StructValue, UnionValue } from './composites.ts';
export { option, refined, struct, union, vector } from './composites.ts';
export type { DecodeCode, DecodeError } from './errors.ts';
export { Refusal } from './errors.ts';
export { Reader } from './reader.ts';
export {
  bool,
  bytes,
  enumeration,
  familiarBytes,
  fixedBytes,
  text,
  u8,
  u16,
  u32,
  u64,
  uint53,
} from './scalars.ts';
export type { FieldShape, Shape } from './shape.ts';
export { jsonSchemaOf } from './shape.ts';
export { ulebLength, Writer } from './writer.ts';
