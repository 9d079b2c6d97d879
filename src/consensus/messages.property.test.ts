import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defined, equalBytes, formatHex } from '../base/index.ts';
import type { Codec } from '../codec/index.ts';
import { decode, encode, struct, vector } from '../codec/index.ts';
import { keyPairOfSecret, signEd25519, verifySignature, ZERO_HASH } from '../crypto/index.ts';
import type { Block, Transaction } from '../ledger/index.ts';
import { headerCodec } from '../ledger/index.ts';
import {
  consensusCodecsOf,
  proposalClaim,
  proposalSigningBytes,
  verifiedWalEntry,
  voteClaim,
  walEntryHeight,
} from './index.ts';
import { A, FOUR, H1, proposalOf, round, suite, voteOf } from './testing/committee.ts';
import type { WalEntry } from './wal.ts';

// Blocks here have no transactions, so no module needs to be known.
const noTransaction: Codec<Transaction> = struct('None', {}) as unknown as Codec<Transaction>;
const blockCodec: Codec<Block> = struct('Block', {
  header: headerCodec,
  transactions: vector(noTransaction, { max: 0 }),
});
const codecs = consensusCodecsOf(blockCodec);

const plain = ({ proposal, signature }: ReturnType<typeof proposalOf>) => ({ proposal, signature });

const entries: readonly WalEntry[] = [
  { kind: 'work-available', height: H1 },
  { kind: 'proposal-received', proposal: plain(proposalOf(A)) },
  { kind: 'proposal-signed', proposal: plain(proposalOf(A, { round: 2, validRound: 1 })) },
  { kind: 'vote-received', vote: voteOf('prevote', 1, undefined) },
  { kind: 'vote-signed', vote: voteOf('precommit', 0, A.blockHash, { round: 3 }) },
  {
    kind: 'block-validated',
    height: H1,
    blockHash: A.blockHash,
    isValid: true,
    isTimely: false,
  },
  { kind: 'timeout-elapsed', height: H1, round: round(4), timeout: 'precommit' },
];

describe('what consensus sends and writes', () => {
  it('every kind of log entry comes back as it was, at its height', () => {
    for (const entry of entries) {
      expect(decode(codecs.walEntry, encode(codecs.walEntry, entry))).toEqual({
        ok: true,
        value: entry,
      });
      expect(walEntryHeight(entry)).toBe(1);
    }
  });

  it('proposals, votes, questions and answers come back as they were', () => {
    const proposal = plain(proposalOf(A, { round: 1, validRound: 0 }));
    const vote = voteOf('prevote', 2, A.blockHash);
    const request = { height: H1, round: round(7) };
    const answer = { proposals: [proposal], votes: [vote] };
    const { proposal: ofProposal, vote: ofVote, catchUpRequest, catchUpAnswer } = codecs;
    expect(decode(ofProposal, encode(ofProposal, proposal))).toEqual({ ok: true, value: proposal });
    expect(decode(ofVote, encode(ofVote, vote))).toEqual({ ok: true, value: vote });
    expect(decode(catchUpRequest, encode(catchUpRequest, request))).toEqual({
      ok: true,
      value: request,
    });
    expect(decode(catchUpAnswer, encode(catchUpAnswer, answer))).toEqual({
      ok: true,
      value: answer,
    });
  });

  it('no bytes make a decoder throw, and whatever it accepts has one form', () => {
    const samples = [
      ...entries.map((entry) => encode(codecs.walEntry, entry)),
      encode(codecs.proposal, plain(proposalOf(A))),
    ];
    const damaged = fc
      .tuple(fc.constantFrom(...samples), fc.nat(), fc.nat({ max: 255 }), fc.nat({ max: 400 }))
      .map(([sample, at, byte, cut]) => {
        const bytes = sample.slice(0, Math.max(1, sample.length - (cut < 50 ? cut : 0)));
        bytes[at % bytes.length] = byte;
        return bytes;
      });
    const input = fc.oneof(fc.uint8Array({ maxLength: 400 }), damaged);
    fc.assert(
      fc.property(input, fc.constantFrom(...Object.values(codecs)), (bytes, codec) => {
        // The codecs' values differ; each is only given back to its own codec.
        const any = codec as Codec<unknown>;
        const decoded = decode(any, bytes);
        if (decoded.ok) expect(equalBytes(encode(any, decoded.value), bytes)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('a log with a signature that does not hold is refused whole', () => {
    const mint = { vote: () => undefined, proposal: () => undefined };
    const [work, proposal, , vote] = entries;
    expect(work && verifiedWalEntry(work, mint)).toEqual(work);
    expect(proposal && verifiedWalEntry(proposal, mint)).toBeUndefined();
    expect(vote && verifiedWalEntry(vote, mint)).toBeUndefined();
  });
});

/** Changing these is a new protocol version. */
const FROZEN = [
  '23982696e1de000b84a4c079ce8a034a201a54f73332c115d02e97064f989113',
  'b38583e497d2958bcc59c63302093a32505fefabd7c62373e02a169fff08affd',
];

describe('signatures', () => {
  const { secretKey, publicKey } = defined(
    keyPairOfSecret('ed25519', new Uint8Array(32).fill(7)),
    '32 bytes are a secret key',
  );
  const network = { suite, chainId: ZERO_HASH };
  const membership = {
    validators: FOUR.validators.map((each, index) => (index === 3 ? { ...each, publicKey } : each)),
  };

  it('what a proposer signs is frozen', () => {
    const fresh = proposalOf(A).proposal;
    const again = proposalOf(A, { round: 2, validRound: 1 }).proposal;
    const bytes = [fresh, again].map((proposal) =>
      formatHex(proposalSigningBytes(suite, ZERO_HASH, proposal, A.blockHash)),
    );
    expect(bytes).toEqual(FROZEN);
  });

  it('a proposal holds for its own height, round, valid round, block and network only', () => {
    const signed = plain(proposalOf(A, { round: 2, validRound: 1 }));
    const leader = { membership, index: 3 };
    const unsigned = proposalClaim(network, leader, signed, A.blockHash);
    const signature = signEd25519(secretKey, unsigned.message);
    const holds = (
      changes: Partial<typeof signed.proposal>,
      chainId = ZERO_HASH,
      blockHash = A.blockHash,
    ) => {
      const changed = { proposal: { ...signed.proposal, ...changes }, signature };
      return verifySignature(proposalClaim({ suite, chainId }, leader, changed, blockHash));
    };
    expect(holds({})).toBe(true);
    expect(holds({ round: round(3) })).toBe(false);
    expect(holds({ validRound: undefined })).toBe(false);
    expect(holds({ validRound: round(0) })).toBe(false);
    expect(holds({}, A.blockHash)).toBe(false);
    expect(holds({}, ZERO_HASH, ZERO_HASH)).toBe(false);
  });

  it('a vote claim names the key of its voter, and nobody without a place', () => {
    const vote = voteOf('prevote', 3, undefined);
    expect(voteClaim(network, membership, vote)?.publicKey).toEqual(publicKey);
    expect(voteClaim(network, membership, voteOf('prevote', 4, undefined))).toBeUndefined();
  });
});
