import type { Json } from './json.ts';

/** A failure as data: what crosses a worker boundary or a socket, where classes do not survive. */
export type ErrorData = {
  /** Public, permanent, kebab-case. */
  readonly code: string;
  /** Small facts about the failure: no states, no blocks, no secrets. */
  readonly facts: { readonly [name: string]: Json };
  /** For developers; people see wording made from the code. */
  readonly message: string;
};

/** A failure of the world (quota, closed connection, abort) met by an IO room or the SDK. */
export class TabellionError extends Error {
  override readonly name = 'TabellionError';
  readonly code: string;
  readonly facts: { readonly [name: string]: Json };

  constructor(
    code: string,
    facts: { readonly [name: string]: Json } = {},
    options: { readonly cause?: unknown; readonly message?: string } = {},
  ) {
    super(options.message ?? code, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.facts = facts;
  }
}

/** Turns anything thrown into data that can be cloned or put into JSON. */
export function errorToData(error: unknown): ErrorData {
  if (error instanceof TabellionError) {
    return { code: error.code, facts: error.facts, message: error.message };
  }
  if (error instanceof Error) {
    const code = error.name === 'AbortError' ? 'aborted' : 'internal-error';
    return { code, facts: {}, message: error.message };
  }
  return { code: 'internal-error', facts: {}, message: String(error) };
}

/** Rebuilds an error that travelled as data. */
export function errorFromData(data: ErrorData): TabellionError {
  return new TabellionError(data.code, data.facts, { message: data.message });
}
