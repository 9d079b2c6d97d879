import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { assert, encodeUtf8 } from '../../src/base/index.ts';
import { encode } from '../../src/codec/index.ts';
import { hashSuite, loadFastHashing } from '../../src/crypto/index.ts';
import type { Address, Amount, Height, KeyPolicy, StateChange } from '../../src/ledger/index.ts';
import {
  accountStateKeys,
  addressOfPolicy,
  amountCodec,
  heightCodec,
  keyPolicyCodec,
  protocol,
} from '../../src/ledger/index.ts';
import { StateTree } from '../../src/state/index.ts';
import { GeneratedChain } from '../chain/generated-chain.ts';
import { writeSnapshotStore } from '../chain/snapshot-store.ts';
import type { Prepared } from './plan.ts';
import { ACTIVE_EVERY, DATABASE, GENESIS_FILE, SNAPSHOT_HEIGHT } from './plan.ts';

// A process: `prepare.ts FOLDER ACCOUNTS HEAD-MS`. Writes the store of a relay that has just taken
// over the snapshot of a chain with so many accounts.

const MEMBERS = 4;
const CHANGES_PER_STEP = 250_000;
const suite = hashSuite('blake3-256');

/** What is written of one account. */
function* stateOf(number: number): Generator<StateChange> {
  const publicKey = new Uint8Array(33);
  publicKey.set(suite.hash('key', encodeUtf8(`account ${number}`)), 1);
  publicKey[0] = 2;
  const policy: KeyPolicy = {
    keys: [{ key: { kind: 'p256', publicKey }, role: 'signer', weight: 1, expiresAt: undefined }],
    thresholds: { everyday: 1, guarded: 1, vault: 1 },
  };
  const address: Address = addressOfPolicy(suite, policy);
  const keys = accountStateKeys(address);
  yield { key: keys.nativeBalance, value: encode(amountCodec, BigInt(number + 1) as Amount) };
  if (number % ACTIVE_EVERY !== 0) return;
  // Eight bytes each; a record is a policy and a little more.
  yield { key: keys.sequence, value: encode(heightCodec, (1 + (number % 50)) as Height) };
  yield { key: keys.policy, value: encode(keyPolicyCodec, policy) };
}

function fill(accounts: number): { readonly tree: StateTree; leaves: number; rawBytes: number } {
  const tree = StateTree.empty(suite, { versionsKept: 1 });
  let changes: StateChange[] = [];
  let [leaves, rawBytes, height] = [0, 0, 0];
  const apply = () => {
    height += 1;
    tree.apply(height as Height, changes); // Steps are counted.
    changes = [];
  };
  for (let number = 0; number < accounts; number++) {
    for (const change of stateOf(number)) {
      changes.push(change);
      leaves += 1;
      rawBytes += change.key.length + (change.value?.length ?? 0);
    }
    if (changes.length >= CHANGES_PER_STEP) apply();
  }
  apply();
  return { tree, leaves, rawBytes };
}

await loadFastHashing();
const [folder, accounts, headMs] = process.argv.slice(2);
assert(folder !== undefined, 'which folder?');
const { tree, leaves, rawBytes } = fill(Number(accounts));
const chain = new GeneratedChain({
  blocks: SNAPSHOT_HEIGHT,
  members: MEMBERS,
  changes: [],
  headMs: Number(headMs),
  stateRoot: tree.root(),
});
const membership = chain.membershipAt(SNAPSHOT_HEIGHT);
const chunks = await writeSnapshotStore(join(folder, DATABASE), {
  ledger: chain.ledger,
  tree,
  trusted: {
    header: chain.header(SNAPSHOT_HEIGHT),
    hash: chain.hash(SNAPSHOT_HEIGHT),
    membership,
    nextMembership: membership,
  },
  certificate: chain.certificate(chain.height),
  parent: chain.header(SNAPSHOT_HEIGHT - 1),
});
await writeFile(join(folder, GENESIS_FILE), encode(protocol.genesisCodec, chain.genesis));
const prepared: Prepared = { rawBytes, leaves, chunks };
process.stdout.write(JSON.stringify(prepared));
