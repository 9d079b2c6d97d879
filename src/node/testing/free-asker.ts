import { TabellionError } from '../../base/index.ts';
import { decode } from '../../codec/index.ts';
import type { ProofAsker } from '../served-proofs.ts';

const refuse = () => new TabellionError('request-malformed');

/** Somebody for whom no answer costs too much, and who waits for each. */
export const FREE_ASKER: ProofAsker = {
  read(codec, bytes) {
    const decoded = decode(codec, bytes);
    if (decoded.ok) return decoded.value;
    throw refuse();
  },
  refuse,
  charge: () => undefined,
  signal: undefined,
};
