import { expect, it } from 'vitest';
import { encode, encodeEach } from '../../codec/index.ts';
import { ZERO_HASH } from '../../crypto/index.ts';
import type { Receipt } from '../../ledger/index.ts';
import { receiptCodec } from '../../ledger/index.ts';
import { recordChain } from './chain.fixture.ts';
import type { JournalRecord } from './records.ts';
import { committedRecordCodec, journalRecordCodec, seal, sealedJournal } from './records.ts';

const chain = recordChain(2);
const { suite, genesis } = chain.ledger;

type Parts = Parameters<typeof sealedJournal>[1] & { readonly receipts: readonly Receipt[] };

/** The record of the same by the codecs, which say what it is. */
function byCodecs({ block, certificate, receipts, ...rest }: Parts): Uint8Array {
  const committed = encode(committedRecordCodec, { block, certificate, receipts });
  const record: JournalRecord = { ...rest, committed };
  return seal(suite, encode(journalRecordCodec, record));
}

function partsOf(receipts: readonly Receipt[]): Omit<Parts, 'block' | 'certificate'> {
  const receiptBytes = encodeEach(receiptCodec, receipts);
  return { receipts, receiptBytes, stateRoot: ZERO_HASH, nextMembership: undefined, changes: [] };
}

it('a record that is written in one go is the record of the codecs', () => {
  const long = new Uint8Array(200).fill(7);
  for (const { blockBytes: block, certificate, receipts, changes } of chain.blocks) {
    expect(receipts.length).toBeGreaterThan(0);
    const parts = { ...partsOf(receipts), block, certificate, changes };
    const nextMembership = genesis.membership;
    const gone = { key: new Uint8Array(128).fill(1), value: undefined };
    const cases: Parts[] = [
      parts,
      { ...parts, nextMembership },
      { ...parts, certificate: undefined, changes: [] },
      { ...parts, changes: [gone, { key: new Uint8Array(2), value: long }, ...changes] },
    ];
    for (const each of cases) expect(sealedJournal(suite, each)).toEqual(byCodecs(each));
  }
});

it('so is one of many receipts, and of none', () => {
  const some = chain.blocks[0]?.receipts ?? [];
  const many = Array.from({ length: 300 }, () => some).flat();
  for (const receipts of [many, []]) {
    const parts = { ...partsOf(receipts), block: new Uint8Array(3), certificate: undefined };
    expect(sealedJournal(suite, parts)).toEqual(byCodecs(parts));
  }
});
