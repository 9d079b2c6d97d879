import type { Height } from '../ledger/index.ts';
import type { Trust } from '../rpc/index.ts';
import { trustCodec } from '../rpc/index.ts';

/** A value, how far it may be believed, and the height it holds for. */
export type Trusted<Value> = {
  readonly value: Value;
  readonly trust: Trust;
  /** Absent where the value belongs to no height. */
  readonly height: Height | undefined;
};

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

/** Lowers every `trust` of an answer to at most `max`: no relay can speak for our own node. */
export function capTrust<Value>(value: Value, max: Trust): Value {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const members = value as { readonly [name: string]: unknown };
  if (typeof members.trust !== 'string' && !('status' in members)) return value;
  const copy: { [name: string]: unknown } = { ...members };
  if (typeof members.trust === 'string') {
    copy.trust = weakerTrust(members.trust as Trust, max); // Decoded by `trustCodec`.
  }
  if ('status' in members) copy.status = capTrust(members.status, max);
  return copy as Value; // The same members, at most less trusted.
}

/** Takes trust and height out of an answer that carries them. */
export function trustedOf<Value extends { readonly trust: Trust; readonly height?: Height }>(
  value: Value,
): Trusted<Value> {
  return { value, trust: value.trust, height: value.height };
}
