import type { Bytes } from '../base/index.ts';
import { equalBytes, timestampMs } from '../base/index.ts';
import { encode } from '../codec/index.ts';
import type { Hash } from '../crypto/index.ts';
import { ZERO_HASH } from '../crypto/index.ts';
import type { Block, Gas, Height } from '../ledger/index.ts';
import { headerCodec } from '../ledger/index.ts';
import { QUICK_SUITE } from './quick-suite.ts';

/** A block with its hash. */
export type HashedBlock = { readonly block: Block; readonly blockHash: Hash };

/**
 * A block without transactions whose validity is a flag in its consensus field; `payload` tells
 * blocks of one proposer apart. Execution is not what is simulated here.
 */
export function makeBlock(fields: {
  readonly height: Height;
  readonly parentHash: Hash;
  readonly proposer: Bytes;
  readonly atMs: number;
  readonly isValid: boolean;
  readonly payload: number;
  /** Who decides the next height: always the same. */
  readonly membershipHash: Hash;
}): HashedBlock {
  const consensus = new Uint8Array(5);
  consensus[0] = fields.isValid ? 1 : 0;
  new DataView(consensus.buffer).setUint32(1, fields.payload);
  const block: Block = {
    header: {
      version: 1,
      chainId: ZERO_HASH,
      height: fields.height,
      parentHash: fields.parentHash,
      timestampMs: timestampMs(Math.max(0, fields.atMs)),
      proposer: fields.proposer,
      transactionsRoot: ZERO_HASH,
      receiptsRoot: ZERO_HASH,
      stateRoot: ZERO_HASH,
      nextMembershipHash: fields.membershipHash,
      gasUsed: 0 as Gas, // 0 is in the range of the brand.
      consensus,
    },
    transactions: [],
  };
  return { block, blockHash: QUICK_SUITE.hash('block', encode(headerCodec, block.header)) };
}

/** The block that nobody decided, and everybody starts from. */
export function makeGenesis(membershipHash: Hash): HashedBlock {
  return makeBlock({
    height: 0 as Height, // By definition.
    parentHash: ZERO_HASH,
    proposer: new Uint8Array(32),
    atMs: 0,
    isValid: true,
    payload: 0,
    membershipHash,
  });
}

/** Whether a block is a valid child of a node's head. */
export function isValidBlock(block: Block, parentHash: Hash): boolean {
  const isSound = block.header.consensus[0] === 1 && bindsBody(block);
  return isSound && equalBytes(block.header.parentHash, parentHash);
}

/** Whether a body is the one of its header: here every header is made for an empty one. */
export function bindsBody(block: Block): boolean {
  return block.transactions.length === 0;
}

/** The same header before another body. */
export function alterBody(block: Block): Block {
  // Only counted: nothing here looks into a transaction.
  return { ...block, transactions: [{} as Block['transactions'][number]] };
}
