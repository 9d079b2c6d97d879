import { expect, it } from 'vitest';
import { encode, encodeEach } from '../../codec/index.ts';
import { receiptCodec } from '../../ledger/index.ts';
import { recordChain } from './chain.fixture.ts';
import { committedRecordCodec, encodeCommitted } from './records.ts';

it('a record of encoded receipts is the record of the receipts', () => {
  const chain = recordChain(2);
  for (const { blockBytes: block, certificate, receipts } of chain.blocks) {
    const receiptBytes = encodeEach(receiptCodec, receipts);
    const expected = encode(committedRecordCodec, { block, certificate, receipts });
    expect(receipts.length).toBeGreaterThan(0);
    expect(encodeCommitted({ block, certificate, receiptBytes })).toEqual(expected);
    const empty = encode(committedRecordCodec, { block, certificate: undefined, receipts: [] });
    expect(encodeCommitted({ block, certificate: undefined, receiptBytes: [] })).toEqual(empty);
  }
  const many = Array.from({ length: 300 }, () => chain.blocks[0]?.receipts[0]).flatMap((receipt) =>
    receipt === undefined ? [] : [receipt],
  );
  const block = new Uint8Array(3);
  const expected = encode(committedRecordCodec, { block, certificate: undefined, receipts: many });
  const receiptBytes = encodeEach(receiptCodec, many);
  expect(encodeCommitted({ block, certificate: undefined, receiptBytes })).toEqual(expected);
});
