import { useCallback } from 'react';
import { equalBytes } from '../../base/index.ts';
import { useAsk } from './ask.ts';

/** Finds the name under which a validator is known on the ledger. */
export function useValidatorNames(): (publicKey: Uint8Array) => string | undefined {
  const { value } = useAsk('validators.get', {});
  return useCallback(
    (publicKey) => value?.validators.find((each) => equalBytes(each.publicKey, publicKey))?.name,
    [value],
  );
}
