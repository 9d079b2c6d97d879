import { existsSync } from 'node:fs';
import type { ValidatorMarker } from '../node/index.ts';
import { storeJson } from './layout.ts';

/**
 * A file beside the key that says: this validator once began. Whoever deletes the database keeps
 * it, so that the validator does not take itself for a new one and sign again what it signed.
 */
export function validatorMarker(path: string): ValidatorMarker {
  return {
    isSet: async () => existsSync(path),
    set: () => storeJson(path, { hasStarted: true }),
  };
}
