import type { Shape } from '../codec/index.ts';
import type { Height } from '../ledger/index.ts';
import type { Trust } from '../rpc/index.ts';
import { trustCodec } from '../rpc/index.ts';

/** Stands in no value: it keeps object literals from passing for trusted values. */
declare const basis: unique symbol;

/**
 * A value, how far it may be believed, and the height it holds for. The level is part of the type:
 * whoever needs a proof asks for `Trusted<Balance, AtLeast<'proven'>>`.
 *
 * `proven` is made by the verifiers of this room alone, `validated` by the answers of a node of our
 * own; see {@link trustedOf}.
 */
export type Trusted<Value, Level extends Trust = Trust> = {
  readonly value: Value;
  readonly trust: Level;
  /** Absent where the value belongs to no height. */
  readonly height: Height | undefined;
  readonly [basis]: Level;
};

/** A level and all above it. */
export type AtLeast<Level extends Trust> = Level extends 'cached'
  ? Trust
  : Level extends 'reported'
    ? 'reported' | 'proven' | 'validated'
    : Level extends 'proven'
      ? 'proven' | 'validated'
      : 'validated';

const WORDS: readonly string[] =
  trustCodec.shape.kind === 'enumeration' ? trustCodec.shape.words : [];

/** Place in the order cached < reported < proven < validated. */
export function trustRank(trust: Trust): number {
  return WORDS.indexOf(trust);
}

/** The weaker of two. */
export function weakerTrust(left: Trust, right: Trust): Trust {
  return trustRank(left) <= trustRank(right) ? left : right;
}

/** Whether a value is worth at least `level`; the type knows it afterwards. */
export function isAtLeast<Value, Level extends Trust>(
  trusted: Trusted<Value>,
  level: Level,
): trusted is Trusted<Value, AtLeast<Level>> {
  return trustRank(trusted.trust) >= trustRank(level);
}

/**
 * Makes a trusted value of any level. Not one of the room's doors: `verify.ts` and the light
 * prover mint `proven`, the client what its node says; a test reads who imports it.
 */
export function mintTrusted<Value, Level extends Trust>(
  value: Value,
  trust: Level,
  height: Height | undefined,
): Trusted<Value, Level> {
  // `as`: the mark has no value; this function is the only one that grants it.
  return { value, trust, height } as Trusted<Value, Level>;
}

/** A value that somebody says, and nothing proves. */
export function reportedValue<Value>(
  value: Value,
  height: Height | undefined,
): Trusted<Value, 'reported'> {
  return mintTrusted(value, 'reported', height);
}

/** A value known from before. */
export function cachedValue<Value>(
  value: Value,
  height: Height | undefined,
): Trusted<Value, 'cached'> {
  return mintTrusted(value, 'cached', height);
}

/** A part of a trusted value, or what follows from it alone: worth as much as it is. */
export function mapTrusted<Value, Level extends Trust, Other>(
  trusted: Trusted<Value, Level>,
  change: (value: Value) => Other,
): Trusted<Other, Level> {
  return mintTrusted(change(trusted.value), trusted.trust, trusted.height);
}

/** What follows from two trusted values: worth as much as the weaker. */
export function joinTrusted<Left, Right, Level extends Trust, Other>(
  left: Trusted<Left, Level>,
  right: Trusted<Right, Level>,
  join: (left: Left, right: Right) => Other,
): Trusted<Other, Level> {
  const weaker = trustRank(left.trust) <= trustRank(right.trust) ? left : right;
  const height = left.height === right.height ? left.height : undefined;
  return mintTrusted(join(left.value, right.value), weaker.trust, height);
}

/* ---------------------------------------------------------------- answers of a node */

type Cap = (value: unknown, max: Trust) => unknown;
const caps = new WeakMap<Shape, { readonly cap: Cap | undefined }>();

/** What lowers the trust words in values of a shape; `undefined` when it holds none. */
function capOf(shape: Shape): Cap | undefined {
  const known = caps.get(shape);
  if (known !== undefined) return known.cap;
  const cap = makeCap(shape);
  caps.set(shape, { cap });
  return cap;
}

function makeCap(shape: Shape): Cap | undefined {
  // `as` below: the value was decoded by the codec of this very shape.
  switch (shape.kind) {
    case 'enumeration':
      if (shape.name !== 'Trust') return undefined;
      return (value, max) => weakerTrust(value as Trust, max);
    case 'option': {
      const item = capOf(shape.item);
      if (item === undefined) return undefined;
      return (value, max) => (value === undefined ? undefined : item(value, max));
    }
    case 'list': {
      const item = capOf(shape.item);
      if (item === undefined) return undefined;
      return (value, max) => (value as readonly unknown[]).map((each) => item(each, max));
    }
    case 'struct': {
      const members = shape.fields.flatMap(({ name, shape: each }) => {
        const cap = capOf(each);
        return cap === undefined ? [] : [{ name, cap }];
      });
      if (members.length === 0) return undefined;
      return (value, max) => {
        const copy = { ...(value as { readonly [name: string]: unknown }) };
        for (const { name, cap } of members) copy[name] = cap(copy[name], max);
        if (typeof copy.trust === 'string') answers.set(copy, copy.trust as Trust);
        return copy;
      };
    }
    case 'refined':
      return shape.isText ? undefined : capOf(shape.inner);
    default:
      return undefined; // Unions of the table hold no trust; a test walks all of it.
  }
}

/** Answers that came through a client, by identity, and what they are worth at most. */
const answers = new WeakMap<object, Trust>();

/**
 * Lowers every trust word of an answer, wherever it stands, to at most `max`: no relay can speak
 * for our own node. What went through here is known to {@link trustedOf}.
 */
export function capTrust<Value>(shape: Shape, value: Value, max: Trust): Value {
  const cap = capOf(shape);
  return cap === undefined ? value : (cap(value, max) as Value); // The same members, less trusted.
}

/**
 * Takes trust and height out of an answer of a client, an event of its topics, or a part of one
 * that carries its own trust word. Anything else (a copy, a literal) is worth `reported` at most,
 * whatever it says of itself.
 */
export function trustedOf<
  Value extends { readonly trust: Trust; readonly height?: Height | undefined },
>(value: Value, height: Height | undefined = value.height): Trusted<Value> {
  const told = answers.get(value) ?? weakerTrust(value.trust, 'reported');
  return mintTrusted(value, told, height);
}
