import type { Trust } from '../hooks/client.ts';

/**
 * On what a figure stands. Figures of the ledger carry a trust level; the other three name figures
 * that are none: part of the genesis document, counted by this device, or just as it is written in
 * bytes to be signed.
 */
export type Standing = Trust | 'genesis' | 'counted' | 'stated';

/** A value and what it stands on; parts that draw figures of the ledger take nothing less. */
export type Shown<Value> = { readonly value: Value; readonly standing: Standing };

/** A part of an answer of the node: it stands as firmly as the whole. */
export function within<Value>(answer: { readonly trust: Trust }, value: Value): Shown<Value> {
  return { value, standing: answer.trust };
}

/** A value as it stands in bytes or was typed: a wish or a rule, not a fact of the ledger. */
export function stated<Value>(value: Value): Shown<Value> {
  return { value, standing: 'stated' };
}

/** A value of the genesis document. */
export function ofGenesis<Value>(value: Value): Shown<Value> {
  return { value, standing: 'genesis' };
}

/** What this device counted itself. */
export function counted<Value>(value: Value): Shown<Value> {
  return { value, standing: 'counted' };
}

const ORDER: readonly Standing[] = ['cached', 'reported', 'proven', 'validated'];

/** The least of several levels; figures that are none of the ledger do not weaken it. */
export function weakest(standings: readonly Standing[]): Standing | undefined {
  const places = standings.map((each) => ORDER.indexOf(each)).filter((place) => place >= 0);
  return places.length === 0 ? undefined : ORDER[Math.min(...places)];
}

/** An answer that is worth no more than `trust`; what carries no trust stays as it is. */
export function cappedBy<Value>(value: Value, trust: Trust | undefined): Value {
  if (trust === undefined || !isTrusted(value)) return value;
  const isWeaker = ORDER.indexOf(trust) < ORDER.indexOf(value.trust);
  return isWeaker ? { ...value, trust } : value;
}

function isTrusted(value: unknown): value is { readonly trust: Trust } {
  return typeof value === 'object' && value !== null && 'trust' in value;
}

/**
 * Whether the sign of a region speaks for a figure in it: it may promise less than the figure
 * deserves, never more. What is merely written, or was counted by this device, needs no sign: it
 * claims nothing about the ledger.
 */
export function isCovered(region: Standing | undefined, figure: Standing): boolean {
  if (figure === 'stated' || figure === 'counted' || region === figure) return true;
  if (region === undefined) return false;
  if (figure === 'genesis') return true;
  const place = ORDER.indexOf(region);
  return place >= 0 && place <= ORDER.indexOf(figure);
}
