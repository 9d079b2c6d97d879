import { randomBytes } from 'node:crypto';
import type { Block } from '@ethereumjs/block';
import { createBlock } from '@ethereumjs/block';
import { Common, Hardfork, Mainnet } from '@ethereumjs/common';
import { MerklePatriciaTrie } from '@ethereumjs/mpt';
import { MerkleStateManager } from '@ethereumjs/statemanager';
import { createLegacyTx, createTxFromRLP } from '@ethereumjs/tx';
import type { Address } from '@ethereumjs/util';
import { Account, createAddressFromPrivateKey, MapDB } from '@ethereumjs/util';
import type { VM } from '@ethereumjs/vm';
import { buildBlock, createVM } from '@ethereumjs/vm';

const TRANSFERS_PER_BLOCK = 200;
const SENDERS = 200;
const BALANCE = 10n ** 24n;
const GAS_PRICE = 10n ** 10n;
const BLOCK_GAS_LIMIT = 30_000_000n;
const SECONDS_BETWEEN_BLOCKS = 12n;
const WARM_UP_BLOCKS = 5;

/** Every fork from genesis on, those by time too. */
function createCommon(): Common {
  const last = Mainnet.hardforks.findIndex(({ name }) => name === Hardfork.Shanghai);
  const hardforks = Mainnet.hardforks
    .slice(0, last + 1)
    .filter(({ name }) => name !== Hardfork.Dao)
    .map(({ name }) =>
      name === Hardfork.Shanghai ? { name, block: null, timestamp: '0' } : { name, block: 0 },
    );
  const chain = { ...Mainnet, name: 'throughput', chainId: 4700, hardforks };
  return new Common({ chain, hardfork: Hardfork.Shanghai });
}

async function createFundedVm(common: Common, accounts: readonly Address[]): Promise<VM> {
  const trie = new MerklePatriciaTrie({ useKeyHashing: true, common, db: new MapDB() });
  const stateManager = new MerkleStateManager({ common, trie });
  const vm = await createVM({ common, stateManager });
  await stateManager.checkpoint();
  for (const address of accounts) await stateManager.putAccount(address, new Account(0n, BALANCE));
  await stateManager.commit();
  await stateManager.flush();
  return vm;
}

/**
 * The reference: one process mines blocks of plain transfers with the EthereumJS VM, from signed
 * bytes as they would be submitted: decoded, senders recovered, executed, roots made. In memory,
 * with nobody to agree with.
 *
 * @returns Transactions a second of each block, the first few excepted.
 */
export async function mineEthereum(count: number): Promise<readonly number[]> {
  const common = createCommon();
  const keys = Array.from({ length: SENDERS }, () => new Uint8Array(randomBytes(32)));
  const addresses = keys.map((key) => createAddressFromPrivateKey(key));
  const vm = await createFundedVm(common, addresses);
  const signed = Array.from({ length: count }, (_, at) => {
    const [key, to] = [keys[at % SENDERS], addresses[(at + 1) % SENDERS]];
    if (key === undefined || to === undefined) throw new Error('numbered below the count');
    const nonce = BigInt(Math.floor(at / SENDERS));
    const fields = { nonce, gasPrice: GAS_PRICE, gasLimit: 21_000n, to, value: 1n };
    return createLegacyTx(fields, { common }).sign(key).serialize();
  });
  const header = { gasLimit: BLOCK_GAS_LIMIT, baseFeePerGas: 10n ** 9n };
  let parentBlock: Block = createBlock({ header, withdrawals: [] }, { common });
  const rates: number[] = [];
  for (let at = 0; at < count; at += TRANSFERS_PER_BLOCK) {
    const startedMs = performance.now();
    const builder = await buildBlock(vm, {
      parentBlock,
      headerData: {
        ...header,
        number: parentBlock.header.number + 1n,
        timestamp: parentBlock.header.timestamp + SECONDS_BETWEEN_BLOCKS,
      },
      withdrawals: [],
      blockOpts: { putBlockIntoBlockchain: false, common },
    });
    for (const bytes of signed.slice(at, at + TRANSFERS_PER_BLOCK)) {
      await builder.addTransaction(createTxFromRLP(bytes, { common }));
    }
    ({ block: parentBlock } = await builder.build());
    const mined = Math.min(TRANSFERS_PER_BLOCK, count - at);
    rates.push((mined * 1000) / (performance.now() - startedMs));
  }
  return rates.slice(WARM_UP_BLOCKS);
}
