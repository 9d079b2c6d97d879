import type { Json } from '../base/index.ts';
import { TabellionError } from '../base/index.ts';

/** Codes with which calls of this room reject; public and permanent. */
export type NetworkErrorCode =
  | 'request-timeout'
  | 'peer-gone'
  | 'response-too-large'
  | 'request-refused'
  | 'message-too-large'
  | 'address-malformed'
  | 'dial-failed'
  | 'network-stopped'
  | 'aborted';

/** Builds a failure of this room. */
export function networkError(
  code: NetworkErrorCode,
  facts: { readonly [name: string]: Json } = {},
  cause?: unknown,
): TabellionError {
  return new TabellionError(code, facts, cause === undefined ? {} : { cause });
}

/** Text of anything thrown, for traces. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.map(reasonOf).slice(0, 3).join('; ');
  }
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
