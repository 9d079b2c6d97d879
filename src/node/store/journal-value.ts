import type { Bytes } from '../../base/index.ts';
import { encodeEach } from '../../codec/index.ts';
import type { Hash, HashSuite } from '../../crypto/index.ts';
import { receiptCodec } from '../../ledger/index.ts';
import { sealedJournal } from './records.ts';
import type { CommitRequest } from './types.ts';

/**
 * All that committing one block writes, sealed.
 *
 * @param isSame Whether the next height is decided by those who decided this one.
 */
export function journalValue(
  suite: HashSuite,
  request: CommitRequest,
  stateRoot: Hash,
  isSame: boolean,
): Bytes {
  const { blockBytes: block, certificate, receipts, changes } = request;
  const { receiptBytes = encodeEach(receiptCodec, receipts) } = request;
  const nextMembership = isSame ? undefined : request.nextMembership;
  const parts = { block, certificate, receiptBytes, stateRoot, nextMembership, changes };
  return sealedJournal(suite, parts);
}
