import type { Json, JsonObject } from '../base/index.ts';
import { isJsonObject } from '../base/index.ts';
import type { Shape } from '../codec/index.ts';
import { jsonSchemaOf } from '../codec/index.ts';
import { COMMON_ERROR_CODES } from './errors.ts';
import { JSON_SHAPE_NAME } from './json.ts';
import type { MethodSpec, Methods } from './methods.ts';
import type { TopicSpec } from './topics.ts';
import { topics } from './topics.ts';

/** Version of the request surface; the last number grows with additions. */
export const RPC_VERSION = '0.1.1';
const REFUSED = -32000;

/**
 * The OpenRPC 1.3.2 document of the table: made from the codecs, so it cannot say anything that
 * the server does not do. Subscriptions, which OpenRPC does not know, stand under `x-topics`.
 */
export function openRpcDocument(methods: Methods): JsonObject {
  // `as`: the exact types of the methods are of no use to a walk over all of them.
  const specs = methods as unknown as { readonly [name: string]: MethodSpec<unknown, unknown> };
  const streams = topics as unknown as { readonly [name: string]: TopicSpec<unknown, unknown> };
  const names = Object.keys(specs).sort();
  const book = new SchemaBook();
  const described = names.map((name) =>
    methodDocument(book, name, specs[name] as MethodSpec<unknown, unknown>),
  );
  const topicDocuments = Object.entries(streams).map(([name, spec]) => ({
    name,
    summary: spec.summary,
    access: spec.access,
    keep: spec.keep,
    params: book.schemaOf(spec.params.shape),
    event: book.schemaOf(spec.event.shape),
  }));
  return {
    openrpc: '1.3.2',
    info: {
      title: 'Tabellion',
      version: RPC_VERSION,
      description:
        'JSON-RPC 2.0 over HTTP (POST /rpc), WebSocket (/ws) and the port of a tab. Parameters ' +
        'by name. Bytes are lower-case hex, 64-bit integers decimal text. A refusal carries its ' +
        'permanent code and facts in error.data.',
      license: { name: 'Apache-2.0' },
    },
    methods: [...described, ...ownMethods()],
    'x-common-errors': COMMON_ERROR_CODES,
    'x-topics': topicDocuments,
    components: { schemas: book.schemas() },
  };
}

function methodDocument(
  book: SchemaBook,
  name: string,
  spec: MethodSpec<unknown, unknown>,
): JsonObject {
  const fields = spec.params.shape.kind === 'struct' ? spec.params.shape.fields : [];
  return {
    name,
    summary: spec.summary,
    paramStructure: 'by-name',
    params: fields.map((field) => ({
      name: field.name,
      required: field.shape.kind !== 'option',
      schema: book.schemaOf(field.shape),
    })),
    result: { name: 'result', schema: book.schemaOf(spec.result.shape) },
    errors: spec.errors.map((code) => ({ code: REFUSED, message: code, data: { code } })),
    'x-access': spec.access,
    'x-idempotent': spec.isIdempotent,
    'x-trust': spec.trust,
  };
}

function ownMethods(): readonly JsonObject[] {
  const integer = { type: 'integer', minimum: 1 };
  return [
    {
      name: 'rpc.subscribe',
      summary: 'Begins a stream of `rpc.event` notifications {subscription, event, dropped}.',
      paramStructure: 'by-name',
      params: [
        { name: 'topic', required: true, schema: { enum: Object.keys(topics) } },
        { name: 'params', required: false, schema: { type: 'object' } },
      ],
      result: { name: 'result', schema: objectOf('subscription', integer) },
    },
    {
      name: 'rpc.unsubscribe',
      summary: 'Ends a stream.',
      paramStructure: 'by-name',
      params: [{ name: 'subscription', required: true, schema: integer }],
      result: { name: 'result', schema: objectOf('wasOpen', { type: 'boolean' }) },
    },
    {
      name: 'rpc.cancel',
      summary: 'Aborts a call of this connection that still runs.',
      paramStructure: 'by-name',
      params: [{ name: 'id', required: true, schema: { type: ['string', 'integer'] } }],
      result: { name: 'result', schema: objectOf('wasRunning', { type: 'boolean' }) },
    },
  ];
}

function objectOf(name: string, schema: JsonObject): JsonObject {
  return { type: 'object', properties: { [name]: schema }, required: [name] };
}

/** Titled schemas longer than this stand once, under `components`. */
const SHARED_CHARACTERS_MIN = 120;

/** Collects the schemas that have a name, so that the document says each of them once. */
class SchemaBook {
  readonly #schemas = new Map<string, { readonly schema: JsonObject; readonly text: string }>();

  schemaOf(shape: Shape): Json {
    // `as`: a JSON Schema is JSON; its builder declares only that it is an object.
    return this.#share(jsonSchemaOf(shape) as Json);
  }

  schemas(): JsonObject {
    const names = [...this.#schemas.keys()].sort();
    return Object.fromEntries(names.map((name) => [name, this.#schemas.get(name)?.schema ?? {}]));
  }

  #share(schema: Json): Json {
    if (Array.isArray(schema)) return schema.map((each: Json) => this.#share(each));
    if (!isJsonObject(schema)) return schema;
    const { title } = schema;
    // Free JSON, which shapes can only describe as text, may be anything.
    if (title === JSON_SHAPE_NAME) return { title };
    const members = Object.entries(schema).map(([name, each]) => [name, this.#share(each)]);
    const shared: JsonObject = Object.fromEntries(members);
    const text = JSON.stringify(shared);
    if (typeof title !== 'string' || text.length < SHARED_CHARACTERS_MIN) return shared;
    const known = this.#schemas.get(title);
    if (known === undefined) this.#schemas.set(title, { schema: shared, text });
    else if (known.text !== text) return shared; // Another type of the same name stays in place.
    return { $ref: `#/components/schemas/${encodeURIComponent(title)}` };
  }
}

/** The document as the text that stands in `docs/openrpc.json`. */
export function formatOpenRpc(methods: Methods): string {
  return `${JSON.stringify(openRpcDocument(methods), undefined, 2)}\n`;
}
