/**
 * What one execution showed: `accepted`, or the code of a refusal, and after `@` where it was
 * decided. Each verdict not seen before keeps its input as a parent of later ones.
 */
export type Verdict = string;

/** An input as the target takes it. */
export type Input = Uint8Array<ArrayBuffer> | string;

/** A law that an input broke; its message is short and names no bytes. */
export class Broken extends Error {}

/** A target made ready: what it was fed with first, and how it is fed. */
export type Session<Of extends Input = Input> = {
  /** Valid inputs, made by the product's own encoders. */
  readonly seeds: readonly Of[];
  /** Executes one input. Throws whatever the product throws, and {@link Broken}. */
  readonly run?: (input: Of) => Verdict;
  /**
   * Executes many inputs at once; a verdict each. What concerns one input is returned in its
   * place; what concerns the whole (a head that moved) is thrown.
   */
  readonly runBatch?: (inputs: readonly Of[]) => Promise<readonly (Verdict | Error)[]>;
  /** Inputs of one batch, where the default is too many. */
  readonly batch?: number;
  readonly close?: () => Promise<void>;
};

/** One thing that takes input from strangers or from disk. */
export type Target = {
  readonly name: string;
  /** `bytes`: mutated as such. `json`: mutated as JSON and as text. `text`: as text. */
  readonly kind: 'bytes' | 'json' | 'text';
  readonly about: string;
  open(seed: number): Promise<Session<never>>;
};

/** A law broken, and by what. */
export type Finding = {
  readonly target: string;
  readonly kind: 'threw' | 'broken' | 'slow' | 'memory' | 'unhandled';
  readonly message: string;
  readonly input: Input;
  /** Whether the input alone shows it again, in a fresh session. */
  readonly isAlone: boolean;
};

/** What a run of one target came to. */
export type Report = {
  readonly target: string;
  readonly seed: number;
  readonly runs: number;
  readonly seconds: number;
  /** Executions by code. */
  readonly codes: ReadonlyMap<string, number>;
  /** Inputs kept because they showed something new. */
  readonly kept: number;
  readonly findings: readonly Finding[];
};

/** Joins a code and a place; equal texts are made once. */
const joined = new Map<string, string[]>();
export function refusedAt(code: string, at: number | string): Verdict {
  if (typeof at === 'string') return `${code}@${at.replace(/\d+/g, 'n').slice(0, 48)}`;
  const place = at < 512 ? at : 512 + Math.floor(8 * Math.log2(at / 512));
  let known = joined.get(code);
  if (known === undefined) {
    known = [];
    joined.set(code, known);
  }
  known[place] ??= `${code}@${place}`;
  return known[place];
}

/** The code of a verdict. */
export function codeOf(verdict: Verdict): string {
  const at = verdict.indexOf('@');
  return at < 0 ? verdict : verdict.slice(0, at);
}
