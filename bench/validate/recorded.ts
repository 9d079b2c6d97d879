import type { Bytes } from '../../src/base/index.ts';
import { assert } from '../../src/base/index.ts';
import { bytes, decode, encode, struct } from '../../src/codec/index.ts';
import type { CommitCertificate, GenesisDocument } from '../../src/ledger/index.ts';
import { protocol } from '../../src/ledger/index.ts';
import { blocksResponseCodec } from '../../src/node/messages.ts';

export const BLOCKS = 50;
export const TRANSFERS_PER_BLOCK = 200;
export const TRANSFERS = BLOCKS * TRANSFERS_PER_BLOCK;
/** Accounts among which the transfers go; each sends ten. */
export const ACCOUNTS = 1000;

/** A chain as it travels: what starts it, and its blocks as a peer serves them. */
export type Recorded = {
  readonly genesis: GenesisDocument;
  readonly blocks: readonly { readonly block: Bytes; readonly certificate: CommitCertificate }[];
};

const BYTES_MAX = 64 * 1024 * 1024;
const recordedCodec = struct('Recorded', {
  genesis: protocol.genesisCodec,
  answer: bytes({ max: BYTES_MAX }),
});

export function encodeRecorded({ genesis, blocks }: Recorded): Bytes {
  return encode(recordedCodec, { genesis, answer: encode(blocksResponseCodec, { blocks }) });
}

export function decodeRecorded(encoded: Uint8Array): Recorded {
  const recorded = decode(recordedCodec, encoded);
  assert(recorded.ok, 'encoded by `encodeRecorded`');
  const answer = decode(blocksResponseCodec, recorded.value.answer);
  assert(answer.ok, 'as above');
  return { genesis: recorded.value.genesis, blocks: answer.value.blocks };
}
