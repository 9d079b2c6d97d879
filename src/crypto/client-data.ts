import type { Result } from '../base/index.ts';
import { decodeUtf8, fail, ok } from '../base/index.ts';
import type { WebauthnError } from './errors.ts';
import { CLIENT_DATA_DEPTH_MAX, CLIENT_DATA_JSON_BYTES_MAX } from './limits.ts';

/** What an assertion's clientDataJSON says (WebAuthn Level 3 §5.8.1). */
export type ClientData = {
  readonly type: string;
  /** Base64url text, as written. */
  readonly challenge: string;
  readonly origin: string;
  /** Absent counts as false. */
  readonly crossOrigin: boolean;
};

/** A value of the JSON text, as far as it matters: containers are only known to be well formed. */
type Value = string | boolean | undefined;

/** Leaves the recursive reader at the first bad character; caught by {@link parseClientData}. */
class Malformed extends Error {}

const ESCAPES: { readonly [letter: string]: string } = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

/** JSON (RFC 8259) without leniency: no duplicate names, no lone surrogates, bounded nesting. */
class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Reads the whole text as one object and hands each of its members to `visit`. */
  readDocument(visit: (name: string, value: Value) => void): void {
    this.#skipSpace();
    this.#readObject(1, visit);
    this.#skipSpace();
    if (this.#at !== this.#text.length) throw new Malformed();
  }

  #skipSpace(): void {
    for (;;) {
      const character = this.#text.charAt(this.#at);
      if (character === '' || !' \t\n\r'.includes(character)) return;
      this.#at++;
    }
  }

  #expect(character: string): void {
    if (this.#text.charAt(this.#at) !== character) throw new Malformed();
    this.#at++;
  }

  /** After an item: true when another follows, false at the closing bracket. */
  #continues(closing: string): boolean {
    this.#skipSpace();
    if (this.#text.charAt(this.#at) === ',') {
      this.#at++;
      return true;
    }
    this.#expect(closing);
    return false;
  }

  #opensEmpty(opening: string, closing: string): boolean {
    this.#expect(opening);
    this.#skipSpace();
    if (this.#text.charAt(this.#at) !== closing) return false;
    this.#at++;
    return true;
  }

  #readObject(depth: number, visit?: (name: string, value: Value) => void): void {
    if (depth > CLIENT_DATA_DEPTH_MAX) throw new Malformed();
    if (this.#opensEmpty('{', '}')) return;
    const names = new Set<string>();
    do {
      this.#skipSpace();
      const name = this.#readString();
      if (names.has(name)) throw new Malformed();
      names.add(name);
      this.#skipSpace();
      this.#expect(':');
      const value = this.#readValue(depth);
      visit?.(name, value);
    } while (this.#continues('}'));
  }

  #readArray(depth: number): void {
    if (depth > CLIENT_DATA_DEPTH_MAX) throw new Malformed();
    if (this.#opensEmpty('[', ']')) return;
    do this.#readValue(depth);
    while (this.#continues(']'));
  }

  #readValue(depth: number): Value {
    this.#skipSpace();
    switch (this.#text.charAt(this.#at)) {
      case '"':
        return this.#readString();
      case '{':
        this.#readObject(depth + 1);
        return undefined;
      case '[':
        this.#readArray(depth + 1);
        return undefined;
      case 't':
        return this.#readWord('true', true);
      case 'f':
        return this.#readWord('false', false);
      case 'n':
        return this.#readWord('null', undefined);
      default:
        this.#skipNumber();
        return undefined;
    }
  }

  #readWord(word: string, value: Value): Value {
    if (!this.#text.startsWith(word, this.#at)) throw new Malformed();
    this.#at += word.length;
    return value;
  }

  #skipNumber(): void {
    NUMBER.lastIndex = this.#at;
    if (!NUMBER.test(this.#text)) throw new Malformed();
    this.#at = NUMBER.lastIndex;
  }

  #readString(): string {
    this.#expect('"');
    let value = '';
    for (;;) {
      const character = this.#text.charAt(this.#at);
      this.#at++;
      if (character === '"') break;
      if (character < ' ') throw new Malformed(); // Also the end of the text, an empty string.
      value += character === '\\' ? this.#readEscape() : character;
    }
    if (!value.isWellFormed()) throw new Malformed();
    return value;
  }

  #readEscape(): string {
    const letter = this.#text.charAt(this.#at);
    this.#at++;
    if (letter === 'u') {
      const digits = this.#text.slice(this.#at, this.#at + 4);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw new Malformed();
      this.#at += 4;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const escaped = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
    if (escaped === undefined) throw new Malformed();
    return escaped;
  }
}

/**
 * What browsers write of a plain assertion (WebAuthn Level 3 §5.8.1.1), letter for letter, without
 * anything escaped. A text of this form means to any reader of JSON what stands between the quotes;
 * telling so at once is ten times as fast as reading it.
 */
const PLAIN =
  /^\{"type":"([a-z.]*)","challenge":"([\w-]*)","origin":"([ !#-[\]-~]*)","crossOrigin":(true|false)\}$/;

/**
 * Reads clientDataJSON: at most 1,024 bytes of well-formed UTF-8, one JSON object nested at most
 * 4 deep, no name twice. `type`, `challenge` and `origin` must be texts, `crossOrigin` a boolean
 * if present; browsers add further members, which are ignored whatever they hold (§5.8.1).
 */
export function parseClientData(bytes: Uint8Array): Result<ClientData, WebauthnError> {
  const malformed = fail({ code: 'client-data-malformed' } as const);
  if (bytes.length > CLIENT_DATA_JSON_BYTES_MAX) return malformed;
  const text = decodeUtf8(bytes);
  if (!text.ok) return malformed;
  const plain = PLAIN.exec(text.value);
  if (plain !== null) {
    const [, type = '', challenge = '', origin = '', crossOrigin] = plain;
    return ok({ type, challenge, origin, crossOrigin: crossOrigin === 'true' });
  }
  const members = new Map<string, Value>();
  try {
    new JsonReader(text.value).readDocument((name, value) => members.set(name, value));
  } catch (error) {
    if (error instanceof Malformed) return malformed;
    throw error;
  }
  const type = members.get('type');
  const challenge = members.get('challenge');
  const origin = members.get('origin');
  const crossOrigin = members.has('crossOrigin') ? members.get('crossOrigin') : false;
  if (typeof type !== 'string' || typeof challenge !== 'string') return malformed;
  if (typeof origin !== 'string' || typeof crossOrigin !== 'boolean') return malformed;
  return ok({ type, challenge, origin, crossOrigin });
}
