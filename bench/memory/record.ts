import type { Bytes } from '../../src/base/index.ts';
import { assert, encodeUtf8 } from '../../src/base/index.ts';
import { encode } from '../../src/codec/index.ts';
import { hashSuite } from '../../src/crypto/index.ts';
import type { Address } from '../../src/ledger/index.ts';
import { protocol } from '../../src/ledger/index.ts';
import { blocksResponseCodec } from '../../src/node/messages.ts';
import { ExecutedChain, found } from '../chain/executed-chain.ts';
import { createSender, signTransfer } from '../chain/senders.ts';
import {
  ACCOUNTS,
  blockFile,
  FIRST_BLOCKS,
  GENESIS_FILE,
  MORE_BLOCKS,
  PAYMENTS_PER_LATER_BLOCK,
} from './plan.ts';

const SENDERS = 100;
const suite = hashSuite('blake3-256');

/** The address of an account that only ever receives. */
function recipientOf(number: number): Address {
  // Any 32 bytes are an address.
  return suite.hash('address', encodeUtf8(`recipient ${number}`)) as Bytes as Address;
}

/** The chain as files for a page: its genesis, and each block as a peer serves it. */
export function recordChain(): Map<string, Bytes> {
  const senders = Array.from({ length: SENDERS }, (_, at) => createSender(`memory sender ${at}`));
  const balances = senders.map(({ address }) => ({ address, amount: 10_000_000_000n }));
  const founded = found('memory', balances);
  const { genesis, ledger } = founded;
  const chain = ExecutedChain.fromGenesis(founded);
  const files = new Map([[GENESIS_FILE, encode(protocol.genesisCodec, genesis)]]);
  let paid = 0;
  for (let height = 1; height <= FIRST_BLOCKS + MORE_BLOCKS; height++) {
    const count = height <= FIRST_BLOCKS ? ACCOUNTS / FIRST_BLOCKS : PAYMENTS_PER_LATER_BLOCK;
    const transactions = Array.from({ length: count }, () => {
      const number = paid++;
      const sender = senders[number % SENDERS];
      assert(sender !== undefined, 'numbered below the count');
      return signTransfer(ledger, sender, {
        recipient: recipientOf((number * 7919) % ACCOUNTS), // Each once in the first blocks.
        amount: 5n,
        sequence: Math.floor(number / SENDERS),
        validFrom: height - 1,
        validUntil: height + 100,
      });
    });
    const blocks = [chain.append(height * 1000, transactions)];
    files.set(blockFile(height), encode(blocksResponseCodec, { blocks }));
  }
  return files;
}
