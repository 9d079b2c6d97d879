import { assert, encodeUtf8, systemClock } from '../../src/base/index.ts';
import { encode, toJson } from '../../src/codec/index.ts';
import { hashSuite, loadFastHashing, ZERO_HASH } from '../../src/crypto/index.ts';
import type { Address, Amount, Height } from '../../src/ledger/index.ts';
import { accountStateKeys, amountCodec, protocol } from '../../src/ledger/index.ts';
import { nodeFiles, storeJson } from '../../src/relay/layout.ts';
import { StateTree } from '../../src/state/index.ts';
import { GeneratedChain } from '../chain/generated-chain.ts';
import { writeSnapshotStore } from '../chain/snapshot-store.ts';
import { HEIGHT } from './plan.ts';

// A process: `prepare.ts FOLDER ACCOUNTS`. Writes the data of a relay whose state has so many
// accounts: that of a snapshot at the head of a chain with real headers and certificates.

const MEMBERS = 4;
const BALANCE = 1_000n as Amount; // In range.
const CHANGES_PER_STEP = 100_000;
const suite = hashSuite('blake3-256');

function balanceKey(number: number): Uint8Array<ArrayBuffer> {
  // Any 32 bytes are an address.
  const address = suite.hash('address', encodeUtf8(`account ${number}`)) as Uint8Array as Address;
  return accountStateKeys(address).nativeBalance;
}

await loadFastHashing();
const [folder, countText] = process.argv.slice(2);
assert(folder !== undefined && countText !== undefined, 'a folder and a number of accounts');
const accounts = Number(countText);
const plan = {
  blocks: HEIGHT,
  members: MEMBERS,
  changes: [],
  headMs: systemClock.now(),
};
// The state holds what genesis wrote, and genesis does not depend on the state.
const { ledger } = new GeneratedChain({ ...plan, stateRoot: ZERO_HASH });
const tree = StateTree.empty(suite, { versionsKept: 1 });
tree.apply(0 as Height, ledger.genesis.changes);
const value = encode(amountCodec, BALANCE);
for (let from = 0, step = 1; from < accounts; from += CHANGES_PER_STEP, step++) {
  const count = Math.min(CHANGES_PER_STEP, accounts - from);
  const changes = Array.from({ length: count }, (_, at) => ({ key: balanceKey(from + at), value }));
  changes.sort((left, right) => Buffer.compare(left.key, right.key));
  tree.apply(step as Height, changes); // Steps are counted.
}
const chain = new GeneratedChain({ ...plan, stateRoot: tree.root() });
const height = chain.height;
const files = nodeFiles(folder);
await storeJson(files.genesis, toJson(protocol.genesisCodec, chain.genesis));
await writeSnapshotStore(files.database, {
  ledger: chain.ledger,
  tree,
  trusted: {
    header: chain.header(height),
    hash: chain.hash(height),
    membership: chain.membershipAt(height),
    nextMembership: chain.membershipAt(height + 1),
  },
  certificate: chain.certificate(height),
  parent: chain.header(height - 1),
});
