import { TabellionError } from '../base/index.ts';

/** Codes of a store's failures; public and permanent. */
export type StoreErrorCode =
  | 'store-closed'
  | 'store-full'
  | 'store-failed'
  | 'store-in-use'
  | 'store-too-new';

/** A failure of a store, with the platform's own error as its cause. */
export function storeError(code: StoreErrorCode, cause?: unknown): TabellionError {
  return new TabellionError(code, {}, cause === undefined ? {} : { cause });
}
