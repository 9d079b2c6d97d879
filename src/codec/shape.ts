/**
 * A codec described as data: what forms, explorers, clear-signing and the OpenRPC document are
 * drawn from, so that nobody writes a type down a second time.
 */
export type Shape =
  | { readonly kind: 'integer'; readonly bits: 8 | 16 | 32 | 53 | 64 }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'bytes'; readonly lengthMin: number; readonly lengthMax: number }
  | { readonly kind: 'text'; readonly bytesMax: number }
  | {
      readonly kind: 'list';
      readonly item: Shape;
      readonly lengthMin: number;
      readonly lengthMax: number;
    }
  | { readonly kind: 'option'; readonly item: Shape }
  | { readonly kind: 'enumeration'; readonly name: string; readonly words: readonly string[] }
  | { readonly kind: 'struct'; readonly name: string; readonly fields: readonly FieldShape[] }
  | { readonly kind: 'union'; readonly name: string; readonly variants: readonly FieldShape[] }
  /** A value with a meaning of its own, such as `Address`; `inner` is its wire form. */
  | {
      readonly kind: 'refined';
      readonly name: string;
      readonly inner: Shape;
      /** Whether JSON shows it as a text of its own (an address) or as `inner` does. */
      readonly isText: boolean;
    };

/** A named member of a struct or union. */
export type FieldShape = { readonly name: string; readonly shape: Shape };

/** JSON Schema (2020-12) of the JSON form of a shape. */
export function jsonSchemaOf(shape: Shape): { readonly [key: string]: unknown } {
  switch (shape.kind) {
    case 'integer':
      return shape.bits === 64
        ? { type: 'string', pattern: '^(0|[1-9][0-9]{0,19})$' }
        : { type: 'integer', minimum: 0, maximum: 2 ** shape.bits - 1 };
    case 'boolean':
      return { type: 'boolean' };
    case 'bytes':
      return {
        type: 'string',
        pattern: '^([0-9a-f]{2})*$',
        minLength: 2 * shape.lengthMin,
        maxLength: 2 * shape.lengthMax,
      };
    case 'text':
      return { type: 'string', maxLength: shape.bytesMax };
    case 'list':
      return {
        type: 'array',
        items: jsonSchemaOf(shape.item),
        minItems: shape.lengthMin,
        maxItems: shape.lengthMax,
      };
    case 'option':
      return { anyOf: [jsonSchemaOf(shape.item), { type: 'null' }] };
    case 'enumeration':
      return { title: shape.name, enum: shape.words };
    case 'struct':
      return structSchema(shape.name, shape.fields, undefined);
    case 'union':
      return {
        title: shape.name,
        oneOf: shape.variants.map((variant) =>
          structSchema(
            variant.name,
            variant.shape.kind === 'struct' ? variant.shape.fields : [],
            variant.name,
          ),
        ),
      };
    case 'refined':
      return shape.isText
        ? { title: shape.name, type: 'string' }
        : { title: shape.name, ...jsonSchemaOf(shape.inner) };
    default: {
      const missing: never = shape;
      return missing;
    }
  }
}

function structSchema(
  title: string,
  fields: readonly FieldShape[],
  kind: string | undefined,
): { readonly [key: string]: unknown } {
  const properties: { [name: string]: unknown } =
    kind === undefined ? {} : { kind: { const: kind } };
  for (const field of fields) properties[field.name] = jsonSchemaOf(field.shape);
  const required = fields.filter((field) => field.shape.kind !== 'option').map((each) => each.name);
  return {
    title,
    type: 'object',
    properties,
    required: kind === undefined ? required : ['kind', ...required],
    additionalProperties: false,
  };
}
