export { AssertionError, assert, defined, unreachable } from './assert.ts';
export type { Brand } from './brand.ts';
export type { Bytes } from './bytes.ts';
export {
  compareBytes,
  concatBytes,
  decodeUtf8,
  encodeUtf8,
  equalBytes,
  formatHex,
  parseHex,
} from './bytes.ts';
export { createChance } from './chance.ts';
export type { Clock, TimestampMs } from './clock.ts';
export { systemClock, timestampMs } from './clock.ts';
export type { ErrorData } from './error.ts';
export { errorFromData, errorToData, TabellionError } from './error.ts';
export type { Json, JsonObject } from './json.ts';
export { isJsonObject, parseJsonText } from './json.ts';
export type { Step, Transition } from './machine.ts';
export { allowOwnScripts } from './own-scripts.ts';
export type { Result } from './result.ts';
export { fail, ok } from './result.ts';
export type { Tracer } from './tracer.ts';
export { silentTracer } from './tracer.ts';
