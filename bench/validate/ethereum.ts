import type { Block } from '@ethereumjs/block';
import { createBlock, createBlockFromRLP } from '@ethereumjs/block';
import { Common, Hardfork, Mainnet } from '@ethereumjs/common';
import { MerklePatriciaTrie } from '@ethereumjs/mpt';
import { MerkleStateManager } from '@ethereumjs/statemanager';
import { createLegacyTx } from '@ethereumjs/tx';
import {
  Account,
  createAddressFromPrivateKey,
  createAddressFromString,
  MapDB,
} from '@ethereumjs/util';
import type { VM } from '@ethereumjs/vm';
import { buildBlock, createVM, runBlock } from '@ethereumjs/vm';
import { assert, encodeUtf8 } from '../../src/base/index.ts';
import { bytes, decode, encode, fixedBytes, struct, vector } from '../../src/codec/index.ts';
import { sha256 } from '../../src/crypto/index.ts';
import { ACCOUNTS, TRANSFERS_PER_BLOCK } from './recorded.ts';

// The reference: blocks of as many transfers among as many accounts, by EthereumJS. Fewer of them,
// for it takes some twenty times as long; what counts is the rate.
const BLOCKS = 5;
export const REFERENCE_TRANSFERS = BLOCKS * TRANSFERS_PER_BLOCK;

const chainCodec = struct('EthereumChain', {
  accounts: vector(fixedBytes(20), { max: ACCOUNTS }),
  /** RLP, as blocks travel. */
  blocks: vector(bytes({ max: 16 * 1024 * 1024 }), { max: BLOCKS }),
});

const BALANCE = 10n ** 24n;
const GAS_PRICE = 10n ** 10n;
const GAS_LIMIT = 30_000_000n;
const COINBASE = createAddressFromString(`0x${'c0'.repeat(20)}`);

/** Every fork from genesis on, those by time too: the state after each block is in its header. */
function createCommon(): Common {
  const hardforks = Mainnet.hardforks
    .slice(0, Mainnet.hardforks.findIndex(({ name }) => name === Hardfork.Shanghai) + 1)
    .filter(({ name }) => name !== Hardfork.Dao)
    .map(({ name }) =>
      name === Hardfork.Shanghai ? { name, block: null, timestamp: '0' } : { name, block: 0 },
    );
  const chain = { ...Mainnet, name: 'validate', chainId: 4700, hardforks };
  return new Common({ chain, hardfork: Hardfork.Shanghai });
}

async function createChain(common: Common, accounts: readonly Uint8Array[]): Promise<VM> {
  const trie = new MerklePatriciaTrie({ useKeyHashing: true, common, db: new MapDB() });
  const stateManager = new MerkleStateManager({ common, trie });
  const vm = await createVM({ common, stateManager });
  await stateManager.checkpoint();
  for (const address of accounts) {
    const hex = [...address].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    await stateManager.putAccount(createAddressFromString(`0x${hex}`), new Account(0n, BALANCE));
  }
  await stateManager.commit();
  await stateManager.flush();
  return vm;
}

/** Makes the chain of the reference: the same bytes each time. */
export async function recordEthereum(): Promise<Uint8Array<ArrayBuffer>> {
  const common = createCommon();
  const keys = Array.from({ length: ACCOUNTS }, (_, at) => sha256(encodeUtf8(`ethereum ${at}`)));
  const addresses = keys.map((key) => createAddressFromPrivateKey(key));
  const accounts = addresses.map(({ bytes: address }) => new Uint8Array(address));
  const vm = await createChain(common, accounts);
  let parent: Block | undefined;
  const blocks: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < BLOCKS; at++) {
    const header = {
      number: BigInt(at + 1),
      timestamp: BigInt(1_700_000_000 + at),
      gasLimit: GAS_LIMIT,
      coinbase: COINBASE,
      baseFeePerGas: 10n ** 9n,
      ...(parent === undefined ? {} : { parentHash: parent.hash() }),
    };
    const builder = await buildBlock(vm, {
      parentBlock: parent ?? genesisBlock(common),
      headerData: header,
      withdrawals: [],
      blockOpts: { putBlockIntoBlockchain: false, common },
    });
    for (let offset = 0; offset < TRANSFERS_PER_BLOCK; offset++) {
      const number = at * TRANSFERS_PER_BLOCK + offset;
      const key = keys[number % ACCOUNTS];
      const to = addresses[((number % ACCOUNTS) + 1 + 7 * (number % 131)) % ACCOUNTS];
      assert(key !== undefined && to !== undefined, 'numbered below the count');
      const nonce = BigInt(Math.floor(number / ACCOUNTS));
      const value = BigInt(1 + (number % 997));
      const fields = { nonce, gasPrice: GAS_PRICE, gasLimit: 21_000n, to, value };
      await builder.addTransaction(createLegacyTx(fields, { common }).sign(key));
    }
    const { block } = await builder.build();
    blocks.push(new Uint8Array(block.serialize()));
    parent = block;
  }
  return encode(chainCodec, { accounts, blocks });
}

function genesisBlock(common: Common): Block {
  const header = { gasLimit: GAS_LIMIT, baseFeePerGas: 10n ** 9n };
  return createBlock({ header, withdrawals: [] }, { common });
}

/**
 * Decodes, recovers every sender, executes, and checks roots, gas and blooms; in memory.
 *
 * @returns Milliseconds from the bytes of the blocks to the last root.
 */
export async function validateEthereum(encoded: Uint8Array): Promise<number> {
  const chain = decode(chainCodec, encoded);
  assert(chain.ok, 'encoded by `recordEthereum`');
  const common = createCommon();
  const vm = await createChain(common, chain.value.accounts);
  const beganMs = performance.now();
  for (const serialized of chain.value.blocks) {
    const block = createBlockFromRLP(serialized, { common });
    // What blockchains of this library check of headers needs their parents, and is not counted.
    await runBlock(vm, { block, skipHeaderValidation: true });
  }
  return performance.now() - beganMs;
}
