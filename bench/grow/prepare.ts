import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert, encodeUtf8 } from '../../src/base/index.ts';
import { encode } from '../../src/codec/index.ts';
import { loadFastHashing } from '../../src/crypto/index.ts';
import type { Address, Height, Ledger } from '../../src/ledger/index.ts';
import { balanceStateKey, NATIVE_ASSET, protocol } from '../../src/ledger/index.ts';
import { StateTree } from '../../src/state/index.ts';
import { ExecutedChain, found, momentOf } from '../chain/executed-chain.ts';
import type { Sender } from '../chain/senders.ts';
import { createSender, signTransfer } from '../chain/senders.ts';
import { writeSnapshotStore } from '../chain/snapshot-store.ts';
import {
  ANCHOR_HEIGHT,
  BLOCKS_FILE,
  DATABASE,
  GENESIS_FILE,
  MEASURED_BLOCKS,
  recordedCodec,
  SENDERS,
  SETTLING_BLOCKS,
  TRANSFERS_PER_BLOCK,
  WARM_UP_BLOCKS,
} from './plan.ts';

// A process: `prepare.ts FOLDER ACCOUNTS`. Writes a store whose state has so many accounts, and the
// signed blocks that follow it.

const BLOCKS = SETTLING_BLOCKS + WARM_UP_BLOCKS + MEASURED_BLOCKS;
const CHANGES_PER_STEP = 250_000;

/** The same numbers each time, spread evenly. */
function createRandom(): (below: number) => number {
  let state = 0x9e3779b9;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Addresses by number: those of senders first, then such as nobody has a key to. */
function addressOf(ledger: Ledger, senders: readonly Sender[], number: number): Address {
  // Any 32 bytes are an address.
  return (senders[number]?.address ??
    ledger.suite.hash('address', encodeUtf8(`account ${number}`))) as Address;
}

/** All accounts with the balance that genesis gave to the first. */
function fund(ledger: Ledger, senders: readonly Sender[], accounts: number): StateTree {
  const tree = StateTree.empty(ledger.suite, { versionsKept: 1 });
  tree.apply(0 as Height, ledger.genesis.changes);
  const { get } = tree.view();
  const keyOf = (number: number) =>
    balanceStateKey(addressOf(ledger, senders, number), NATIVE_ASSET);
  const value = get(keyOf(0));
  assert(value !== undefined, 'genesis funded the first');
  for (let from = 1, height = 1; from < accounts; from += CHANGES_PER_STEP, height++) {
    const count = Math.min(CHANGES_PER_STEP, accounts - from);
    const changes = Array.from({ length: count }, (_, at) => ({ key: keyOf(from + at), value }));
    tree.apply(height as Height, changes); // Steps are counted.
  }
  return tree;
}

await loadFastHashing();
const [folder, countText] = process.argv.slice(2);
assert(folder !== undefined && countText !== undefined, 'a folder and a number of accounts');
const accounts = Number(countText);
const random = createRandom();
const senders = Array.from({ length: SENDERS }, (_, at) => createSender(`grow sender ${at}`));
const [first] = senders;
assert(first !== undefined, 'there are senders');
const founded = found('grow', [{ address: first.address, amount: 1_000_000_000n }]);
const { genesis, ledger } = founded;
const tree = fund(ledger, senders, accounts);
const anchor = {
  ...ledger.genesisHeader(tree.root()),
  height: ANCHOR_HEIGHT as Height, // Whole and small.
  timestampMs: momentOf(ANCHOR_HEIGHT),
};
const { membership } = ledger.genesis;
const hash = ledger.blockHash(anchor);
const trusted = { header: anchor, hash, membership, nextMembership: membership };
await writeSnapshotStore(join(folder, DATABASE), { ledger, tree, trusted });
const chain = new ExecutedChain(founded, tree, anchor);
const blocks = Array.from({ length: BLOCKS }, (_, at) => {
  const transactions = Array.from({ length: TRANSFERS_PER_BLOCK }, (_, offset) => {
    const number = at * TRANSFERS_PER_BLOCK + offset;
    const sender = senders[number % SENDERS];
    assert(sender !== undefined, 'numbered below the count');
    return signTransfer(ledger, sender, {
      recipient: addressOf(ledger, senders, random(accounts)),
      amount: 5n,
      sequence: Math.floor(number / SENDERS),
      validFrom: ANCHOR_HEIGHT,
      validUntil: ANCHOR_HEIGHT + 1000,
    });
  });
  return chain.append(ANCHOR_HEIGHT + 1000 * (1 + at), transactions);
});
await writeFile(join(folder, GENESIS_FILE), encode(protocol.genesisCodec, genesis));
await writeFile(join(folder, BLOCKS_FILE), encode(recordedCodec, { blocks }));
