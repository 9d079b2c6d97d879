import type { HashSuiteName } from '../../crypto/index.ts';
import type { Input } from './input.ts';
import { Unusable } from './input.ts';

/** Suites by every name that the world has for them. */
const SUITES: { readonly [name: string]: HashSuiteName } = {
  'blake3-256': 'blake3-256',
  blake3: 'blake3-256',
  'sha2-256': 'sha2-256',
  'sha-256': 'sha2-256',
  sha256: 'sha2-256',
};
export const SUITES_TEXT = 'blake3-256 or sha2-256';
export const SUITES_OPTIONAL = `${SUITES_TEXT}; blake3-256 when absent`;

/** The suite that an input names. */
export function suiteOf(input: Input, isOptional: boolean): HashSuiteName {
  const name = input.raw('suite');
  if (name === undefined && isOptional) return 'blake3-256';
  const suite = typeof name === 'string' && Object.hasOwn(SUITES, name) ? SUITES[name] : undefined;
  if (suite === undefined) throw new Unusable('suite-unknown', 'suite');
  return suite;
}
