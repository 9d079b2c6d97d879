import type { Bytes } from '../../base/index.ts';
import { encode, encodeEach } from '../../codec/index.ts';
import type { Hash, HashSuite } from '../../crypto/index.ts';
import { receiptCodec } from '../../ledger/index.ts';
import { encodeCommitted, journalRecordCodec, seal } from './records.ts';
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
  const { blockBytes, certificate, receipts, changes, nextMembership } = request;
  const { receiptBytes = encodeEach(receiptCodec, receipts) } = request;
  const record = encode(journalRecordCodec, {
    committed: encodeCommitted({ block: blockBytes, certificate, receiptBytes }),
    stateRoot,
    nextMembership: isSame ? undefined : nextMembership,
    changes,
  });
  return seal(suite, record);
}
