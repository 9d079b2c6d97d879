import type { Result } from '../base/index.ts';
import { fail, ok } from '../base/index.ts';
import type { Verified } from '../crypto/index.ts';
import type {
  Height,
  Ledger,
  PreparedTransaction,
  Sequence,
  TransactionError,
} from '../ledger/index.ts';
import type { LedgerSource } from './source.ts';

/**
 * Whether the block after a source's head could take a transaction; a gap in the sequences is no
 * refusal. Rejects as the source does.
 */
export async function admitOn(
  source: LedgerSource,
  ledger: Ledger,
  prepared: Verified<PreparedTransaction>,
): Promise<Result<{ readonly accountSequence: Sequence }, TransactionError>> {
  const { sender } = prepared.transaction.body;
  const { verdict, sequence } = await source.read((view) => {
    const height = (source.head().header.height + 1) as Height; // One above a height.
    const judged = ledger.validateTransaction(view, prepared, { height });
    if (judged.kind === 'missing-keys') return judged;
    const { sequence: next } = ledger.readAccount(view, sender);
    return { kind: 'judged', verdict: judged, sequence: next } as const;
  });
  if (verdict.kind === 'valid') return ok({ accountSequence: sequence });
  const { error } = verdict;
  return error.code === 'sequence-gap' ? ok({ accountSequence: sequence }) : fail(error);
}
