import type { Json } from '../base/index.ts';
import { assert } from '../base/index.ts';
import type { Codec } from '../codec/index.ts';
import { text } from '../codec/index.ts';

const JSON_BYTES_MAX = 8 * 1024 * 1024;
const inner = text({ max: JSON_BYTES_MAX });

/** Name of the shape of {@link jsonCodec}; schemas show it as "any JSON". */
export const JSON_SHAPE_NAME = 'Json';

/**
 * Any JSON value, passed on as it is: schemas, diagnostics and facts whose form is not part of
 * the contract. Answers only; no method takes one as a parameter of consequence.
 */
export const jsonCodec: Codec<Json> = {
  shape: { kind: 'refined', name: JSON_SHAPE_NAME, inner: inner.shape, isText: false },
  write: () => assert(false, 'free JSON has no canonical bytes'),
  read(): Json {
    assert(false, 'free JSON has no canonical bytes');
    return null;
  },
  toJson: (value) => value,
  fromJson: (json) => json,
};
