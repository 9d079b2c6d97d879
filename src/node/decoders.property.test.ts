import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equalBytes } from '../base/index.ts';
import { consensusCodecsOf } from '../consensus/index.ts';
import { hashSuite } from '../crypto/index.ts';
import { createProtocol } from '../ledger/index.ts';
import { describeDecoder, untyped } from '../ledger/testing/decoder-laws.ts';
import {
  firstReplayRecordCodec,
  checkpointRecordCodec as givenRecordCodec,
  replayRecordCodec,
} from './checkpoint-record.ts';
import {
  blockAnnouncementCodec,
  blocksRequestCodec,
  blocksResponseCodec,
  faucetRequestCodec,
  faucetResponseCodec,
  peerStatusCodec,
  transactionsMessageCodec,
  walRecordCodec,
} from './messages.ts';
import { modeRecordCodec } from './mode-record.ts';
import {
  entriesAnswerCodec,
  entriesRequestCodec,
  historyAnswerCodec,
  historyRequestCodec,
  locateAnswerCodec,
  locateRequestCodec,
  pageAnswerCodec,
  pageRequestCodec,
  receiptsAnswerCodec,
  receiptsRequestCodec,
  stateAnswerCodec,
  stateRequestCodec,
} from './proof-messages.ts';
import { signingMarkCodec } from './signing-guard.ts';
import {
  chunksAnswerCodec,
  chunksRequestCodec,
  manifestAnswerCodec,
  manifestRequestCodec,
  snapshotsAnswerCodec,
} from './snapshot-messages.ts';
import {
  checkpointRecordCodec,
  committedRecordCodec,
  formatRecordCodec,
  garbageRecordCodec,
  journalRecordCodec,
  orderedKey,
  parseOrderedKey,
  seal,
  segmentCodec,
  unseal,
} from './store/records.ts';

const { proposal, vote, catchUpRequest, catchUpAnswer, walEntry } = consensusCodecsOf(
  createProtocol().codecs.block,
);

const codecs = untyped({
  // What peers send.
  transactions: transactionsMessageCodec,
  peerStatus: peerStatusCodec,
  blocksRequest: blocksRequestCodec,
  blocksResponse: blocksResponseCodec,
  blockAnnouncement: blockAnnouncementCodec,
  faucetRequest: faucetRequestCodec,
  faucetResponse: faucetResponseCodec,
  proposal,
  vote,
  catchUpRequest,
  catchUpAnswer,
  stateRequest: stateRequestCodec,
  stateAnswer: stateAnswerCodec,
  receiptsRequest: receiptsRequestCodec,
  receiptsAnswer: receiptsAnswerCodec,
  historyRequest: historyRequestCodec,
  historyAnswer: historyAnswerCodec,
  locateRequest: locateRequestCodec,
  locateAnswer: locateAnswerCodec,
  pageRequest: pageRequestCodec,
  pageAnswer: pageAnswerCodec,
  entriesRequest: entriesRequestCodec,
  entriesAnswer: entriesAnswerCodec,
  snapshotsAnswer: snapshotsAnswerCodec,
  manifestRequest: manifestRequestCodec,
  manifestAnswer: manifestAnswerCodec,
  chunksRequest: chunksRequestCodec,
  chunksAnswer: chunksAnswerCodec,
  // What stores give back.
  walRecord: walRecordCodec,
  walEntry,
  signingMark: signingMarkCodec,
  modeRecord: modeRecordCodec,
  checkpointGivenRecord: givenRecordCodec,
  replayRecord: replayRecordCodec,
  firstReplayRecord: firstReplayRecordCodec,
  committedRecord: committedRecordCodec,
  journalRecord: journalRecordCodec,
  formatRecord: formatRecordCodec,
  checkpointRecord: checkpointRecordCodec,
  segment: segmentCodec,
  garbageRecord: garbageRecordCodec,
});

for (const [name, codec] of Object.entries(codecs)) describeDecoder(name, codec, 30);

describe('keys and seals of records', () => {
  const suite = hashSuite('blake3-256');

  it('a key is that of one number, in the order of numbers', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        expect(parseOrderedKey(orderedKey(value))).toBe(value);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        const value = parseOrderedKey(bytes);
        if (value !== undefined) expect(orderedKey(value)).toEqual(new Uint8Array(bytes));
      }),
    );
    expect(parseOrderedKey(new Uint8Array(8).fill(255))).toBeUndefined();
  });

  it('sealed bytes come back; cut, changed or foreign ones do not', () => {
    const payloads = fc.uint8Array({ maxLength: 100 });
    fc.assert(
      fc.property(payloads, fc.nat(), fc.integer({ min: 1, max: 255 }), (payload, place, mask) => {
        const sealed = seal(suite, payload);
        const opened = unseal(suite, sealed);
        expect(opened !== undefined && equalBytes(opened, payload)).toBe(true);
        const at = place % sealed.length;
        expect(unseal(suite, sealed.subarray(0, at))).toBeUndefined();
        const changed = new Uint8Array(sealed);
        changed[at] = (changed[at] ?? 0) ^ mask;
        expect(unseal(suite, changed)).toBeUndefined();
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(unseal(suite, bytes)).toBeUndefined();
      }),
    );
  });
});
