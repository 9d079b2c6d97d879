import type { Json } from '../base/index.ts';
import { assert } from '../base/index.ts';
import type { Codec } from '../codec/index.ts';
import { Refusal, text } from '../codec/index.ts';
import { isTooDeep } from './jsonrpc.ts';
import { ANSWER_DEPTH_MAX } from './limits.ts';

const JSON_BYTES_MAX = 8 * 1024 * 1024;
const inner = text({ max: JSON_BYTES_MAX });

/** Name of the shape of {@link jsonCodec}; schemas show it as "any JSON". */
export const JSON_SHAPE_NAME = 'Json';

/**
 * Any JSON value, passed on as it is: schemas, diagnostics and facts whose form is not part of
 * the contract. Answers only; no method takes one as a parameter of consequence. One of more levels
 * than ours have is refused: whoever shows or keeps it walks over it, and its stack has an end.
 */
export const jsonCodec: Codec<Json> = {
  shape: { kind: 'refined', name: JSON_SHAPE_NAME, inner: inner.shape, isText: false },
  write: () => assert(false, 'free JSON has no canonical bytes'),
  read(): Json {
    assert(false, 'free JSON has no canonical bytes');
    return null;
  },
  toJson: (value) => value,
  fromJson(json, path) {
    if (isTooDeep(json, ANSWER_DEPTH_MAX)) throw new Refusal('json-malformed', path);
    return json;
  },
};
