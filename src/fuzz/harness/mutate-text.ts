import type { Json } from '../../base/index.ts';
import type { Prng } from '../../simulator/prng.ts';

/** Longest text made by mutation. */
const INPUT_CHARACTERS_MAX = 16 * 1024;

const deep = (depth: number): Json => {
  let json: Json = 0;
  for (let at = 0; at < depth; at++) json = at % 2 === 0 ? [json] : { a: json };
  return json;
};

/** `JSON.parse` alone makes an own member of this name. */
const PROTO = JSON.parse('{"__proto__":{"kind":"x","length":9}}') as Json;

const ODD_VALUES: readonly Json[] = [
  ...[null, true, false, 0, -0, 1, -1, 255, 256, 65_536, 0.5, 1e21, 1e-7, 1.797e308],
  ...[2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 64],
  ...['', '0', '-1', '00', '1e3', '0x10', ' 1', '18446744073709551615', '18446744073709551616'],
  ...['9'.repeat(60), 'a'.repeat(300), '00'.repeat(32), 'ff'.repeat(33), 'FF', '0', 'zz'],
  ...['\ud800', '\udc00\ud800', '\u0000', '\u202e', 'é', '\ufeff', '💚'],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'then', 'kind', 'rpc.discover'],
  ...[[], {}, [[]], [null], { kind: 'x' }, { length: 1e9 }, PROTO, deep(8), deep(31), deep(40)],
];

const ODD_KEYS = [
  ...['__proto__', 'constructor', 'toString', 'kind', 'then', 'id', 'params', 'method', 'jsonrpc'],
  ...['', '0', 'length', 'toJSON', 'valueOf', 'a'.repeat(200)],
];

const NUMBER_TEXTS = [
  ...[
    '-0',
    '1E400',
    '-1e999',
    '0.1e-7',
    '1e5',
    '9007199254740993',
    '1'.repeat(40),
    '00',
    '1.',
    '+1',
  ],
];

const ODD_PIECES = [
  ...['{', '}', '[', ']', '"', ',', ':', '\\', '\\u', '\\ud800', '\\u0000', 'null', 'NaN', ' '],
  ...[
    '\ud83d',
    '\u0000',
    '\u2028',
    '\ufeff',
    '\r\n',
    '//',
    '/*',
    '-',
    '.',
    'e',
    'tab1',
    '0x',
    '%00',
  ],
];

const isContainer = (json: Json): json is readonly Json[] | { readonly [name: string]: Json } =>
  typeof json === 'object' && json !== null;

/** A value somewhere inside another. */
function anywhere(json: Json, prng: Prng): Json {
  let here = json;
  while (isContainer(here) && prng.chance(700)) {
    const members: readonly Json[] = Array.isArray(here) ? here : Object.values(here);
    if (members.length === 0) break;
    here = prng.pick(members);
  }
  return here;
}

function oddString(text: string, prng: Prng): string {
  const at = prng.below(text.length + 1);
  switch (prng.below(6)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + prng.pick(ODD_PIECES) + text.slice(at);
    case 2:
      return text.toUpperCase();
    case 3:
      return text + text;
    case 4:
      return text.slice(0, at) + prng.pick('0123456789abcdefqz'.split('')) + text.slice(at + 1);
    default:
      return text.slice(at);
  }
}

/** One item many times; a large one only twice, so that changes of changes stay bounded. */
function repeated(item: Json, prng: Prng): Json {
  const isSmall = JSON.stringify(item).length < 300;
  return new Array<Json>(isSmall ? prng.pick([2, 9, 51]) : 2).fill(item);
}

/** One change of a value itself. */
function changeHere(json: Json, other: Json, prng: Prng): Json {
  if (prng.chance(200)) return anywhere(other, prng);
  if (typeof json === 'string' && prng.chance(500)) return oddString(json, prng);
  if (typeof json === 'number' && prng.chance(400)) return json + prng.pick([-1, 1, 0.5, 2 ** 32]);
  if (Array.isArray(json)) {
    const at = prng.below(json.length + 1);
    switch (prng.below(4)) {
      case 0:
        return [...json.slice(0, at), ...json.slice(at + 1)];
      case 1:
        return [...json.slice(0, at), prng.pick(ODD_VALUES), ...json.slice(at)];
      case 2:
        return repeated(json[at] ?? null, prng);
      default:
        return prng.pick(ODD_VALUES);
    }
  }
  if (isContainer(json)) {
    const entries = Object.entries(json);
    const at = prng.below(entries.length + 1);
    switch (prng.below(4)) {
      case 0:
        return Object.fromEntries([...entries.slice(0, at), ...entries.slice(at + 1)]);
      case 1:
        return Object.fromEntries([...entries, [prng.pick(ODD_KEYS), prng.pick(ODD_VALUES)]]);
      case 2: {
        const value = entries[at]?.[1] ?? null;
        const kept = entries.filter((_, place) => place !== at);
        return Object.fromEntries([...kept, [prng.pick(ODD_KEYS), value]]);
      }
      default:
        return prng.pick(ODD_VALUES);
    }
  }
  return prng.pick(ODD_VALUES);
}

/** Of changes to a container, how many in a thousand are to itself; the rest go deeper. */
const HERE = 180;

/** A copy with one change somewhere, mostly deep inside; what did not change is shared. */
export function mutateJson(json: Json, other: Json, prng: Prng): Json {
  if (!isContainer(json) || prng.chance(HERE)) return changeHere(json, other, prng);
  const entries = Object.entries(json);
  // Members that hold members hold what is read last.
  const deeper = prng.chance(650) ? entries.filter(([, each]) => isContainer(each)) : entries;
  const [name] = prng.pick(deeper.length > 0 ? deeper : [...entries, ['', null] as const]);
  if (Array.isArray(json)) {
    return json.map((each: Json, at) =>
      String(at) === name ? mutateJson(each, other, prng) : each,
    );
  }
  if (!Object.hasOwn(json, name)) return changeHere(json, other, prng);
  const members = json as { readonly [name: string]: Json }; // No array, so an object.
  return { ...members, [name]: mutateJson(members[name] ?? null, other, prng) };
}

/** Levels at which readers and writers of JSON that call themselves run out of stack. */
const LEVELS = 10_000;
/** What stands for a value before the text is made: no other input holds it. */
const MARK = 'a value of many levels';

/** A copy with one value, somewhere, that stands for another. */
function marked(json: Json, prng: Prng): Json {
  const entries = isContainer(json) ? Object.entries(json) : [];
  if (entries.length === 0 || prng.chance(HERE)) return MARK;
  const [name, value] = prng.pick(entries);
  const changed = marked(value, prng);
  if (Array.isArray(json))
    return json.map((each: Json, at) => (String(at) === name ? changed : each));
  return Object.fromEntries([...entries, [name, changed]]);
}

/** The text of a value one of whose parts is lists in lists, more than fit on a stack. */
export function nestedText(json: Json, prng: Prng): string {
  const nested = '['.repeat(LEVELS) + ']'.repeat(LEVELS);
  return JSON.stringify(marked(json, prng)).replace(JSON.stringify(MARK), nested);
}

/** One change of the characters. */
function changeText(text: string, other: string, prng: Prng): string {
  const at = prng.below(text.length + 1);
  const count = prng.below(Math.min(16, text.length - at + 1));
  switch (prng.below(9)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + text.slice(at + count);
    case 2:
      return text.slice(0, at) + prng.pick(ODD_PIECES) + text.slice(at + prng.below(2));
    case 3:
      return text.slice(0, at) + String.fromCharCode(prng.below(0x250)) + text.slice(at + 1);
    case 4:
      return (
        text.slice(0, at) + text.slice(at, at + count).repeat(1 + prng.below(40)) + text.slice(at)
      );
    case 5:
      return text.slice(0, at) + other.slice(prng.below(other.length + 1));
    case 6: {
      // Another number in the place of one.
      const digits = /\d+/.exec(text.slice(at));
      if (digits === null) return text;
      const from = at + digits.index;
      return text.slice(0, from) + prng.pick(NUMBER_TEXTS) + text.slice(from + digits[0].length);
    }
    case 7: {
      // A name twice, or the one that means the prototype.
      const brace = text.indexOf('{', at);
      if (brace < 0) return text;
      const name = /"[^"\\]*"(?=:)/.exec(text.slice(brace))?.[0] ?? '"__proto__"';
      const twice = prng.chance(500) ? name : JSON.stringify(prng.pick(ODD_KEYS));
      return `${text.slice(0, brace + 1)}${twice}:null,${text.slice(brace + 1)}`;
    }
    default:
      return text.slice(0, at) + String.fromCharCode(prng.below(0x1_0000)) + text.slice(at + 1);
  }
}

export function mutateText(parent: string, other: string, prng: Prng): string {
  let made = parent;
  do made = changeText(made, other, prng);
  while (prng.chance(400));
  return made.length > INPUT_CHARACTERS_MAX ? made.slice(0, INPUT_CHARACTERS_MAX) : made;
}

/** Shorter texts, the boldest first. */
export function* simplerTexts(input: string): Generator<string> {
  for (let count = input.length >> 1; count >= 1; count >>= 1) {
    for (let at = 0; at + count <= input.length; at += count) {
      yield input.slice(0, at) + input.slice(at + count);
    }
  }
}
