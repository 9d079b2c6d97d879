import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bytes } from '../../src/base/index.ts';
import { assert, defined, encodeUtf8, timestampMs } from '../../src/base/index.ts';
import { encode } from '../../src/codec/index.ts';
import { hashSuite, loadFastHashing, sha256 } from '../../src/crypto/index.ts';
import type {
  Address,
  Amount,
  CommitCertificate,
  Gas,
  Header,
  Height,
  KeyPolicy,
  Ledger,
  PreparedTransaction,
  Round,
  Sequence,
} from '../../src/ledger/index.ts';
import {
  addressOfPolicy,
  balanceStateKey,
  createDevnetGenesis,
  createLedger,
  NATIVE_ASSET,
  protocol,
} from '../../src/ledger/index.ts';
import { openLedgerStore } from '../../src/node/index.ts';
import { joinPages, manifestCodec, manifestOfPages, StateTree } from '../../src/state/index.ts';
import { LevelDbStore } from '../../src/storage/level-db-store.ts';
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

const GENESIS_MS = 1_700_000_000_000;
const BLOCKS = SETTLING_BLOCKS + WARM_UP_BLOCKS + MEASURED_BLOCKS;
/** What precedes the 32 bytes of an Ed25519 secret key in PKCS #8 (RFC 8410 §7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const CHANGES_PER_STEP = 250_000;
const suite = hashSuite('blake3-256');

type Signer = { readonly publicKey: Bytes; readonly sign: (message: Uint8Array) => Bytes };
type Sender = Signer & { readonly policy: KeyPolicy; readonly address: Address };

/** Keys and signatures by OpenSSL, some twenty times faster than the JavaScript of the wallet. */
function createSigner(name: string): Signer {
  const der = Buffer.concat([PKCS8_PREFIX, sha256(encodeUtf8(`grow ${name}`))]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const publicDer = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const publicKey = new Uint8Array(publicDer.subarray(-32));
  return { publicKey, sign: (message) => new Uint8Array(sign(null, message, key)) };
}

function createSender(name: string): Sender {
  const signer = createSigner(name);
  const key = { kind: 'ed25519', publicKey: signer.publicKey } as const;
  const policy: KeyPolicy = {
    keys: [{ key, role: 'signer', weight: 1, expiresAt: undefined }],
    thresholds: { everyday: 1, guarded: 1, vault: 1 },
  };
  return { ...signer, policy, address: addressOfPolicy(suite, policy) };
}

/** The same numbers each time, spread evenly. */
function createRandom(): (below: number) => number {
  let state = 0x9e3779b9;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Addresses by number: those of senders first, then such as nobody has a key to. */
function addressOf(senders: readonly Sender[], number: number): Address {
  // Any 32 bytes are an address.
  return (senders[number]?.address ??
    suite.hash('address', encodeUtf8(`account ${number}`))) as Address;
}

function createChain(first: Address) {
  const validators = [1, 2, 3, 4].map((number) => createSigner(`validator ${number}`));
  const genesis = createDevnetGenesis({
    name: 'grow',
    timestampMs: timestampMs(GENESIS_MS),
    validators: validators.map(({ publicKey }, at) => ({ publicKey, name: `validator ${at}` })),
    balances: [{ address: first, amount: 1_000_000_000n }],
  });
  const created = createLedger(genesis);
  assert(created.ok, 'the genesis is good');
  return { genesis, validators, ledger: created.value };
}

/** All accounts with the balance that genesis gave to the first. */
function fund(ledger: Ledger, senders: readonly Sender[], accounts: number): StateTree {
  const tree = StateTree.empty(ledger.suite, { versionsKept: 1 });
  tree.apply(0 as Height, ledger.genesis.changes);
  const { get } = tree.view();
  const value = get(balanceStateKey(addressOf(senders, 0), NATIVE_ASSET));
  assert(value !== undefined, 'genesis funded the first');
  for (let from = 1, height = 1; from < accounts; from += CHANGES_PER_STEP, height++) {
    const count = Math.min(CHANGES_PER_STEP, accounts - from);
    const changes = Array.from({ length: count }, (_, at) => {
      return { key: balanceStateKey(addressOf(senders, from + at), NATIVE_ASSET), value };
    });
    tree.apply(height as Height, changes); // Steps are counted.
  }
  return tree;
}

function transfer(
  ledger: Ledger,
  sender: Sender,
  facts: { readonly recipient: Address; readonly sequence: number },
): PreparedTransaction {
  const { recipient, sequence } = facts;
  const body = {
    version: 1,
    chainId: ledger.chainId,
    sender: sender.address,
    // Small whole numbers are sequences, heights, amounts and gas.
    sequence: sequence as Sequence,
    validFrom: ANCHOR_HEIGHT as Height,
    validUntil: (ANCHOR_HEIGHT + 1000) as Height,
    feeMax: 20_000n as Amount,
    gasLimit: 5000 as Gas,
    sponsor: undefined,
    actions: [{ kind: 'asset.transfer', asset: NATIVE_ASSET, recipient, amount: 5n }],
    memo: '',
  };
  const signature = sender.sign(ledger.signingHash(ledger.encodeBody(body)));
  const prepared = ledger.prepareTransaction({
    body,
    sender: {
      initialPolicy: sequence === 0 ? sender.policy : undefined,
      signatures: [{ kind: 'ed25519', publicKey: sender.publicKey, signature }],
    },
    sponsor: undefined,
  });
  assert(prepared.ok, 'small enough');
  return prepared.value;
}

/** Writes the state of a tree as the snapshot that a fresh node took over. */
async function writeStore(folder: string, ledger: Ledger, tree: StateTree): Promise<Header> {
  const header = {
    ...ledger.genesisHeader(tree.root()),
    height: ANCHOR_HEIGHT as Height, // Whole and small.
    timestampMs: timestampMs(GENESIS_MS + ANCHOR_HEIGHT),
  };
  const plan = tree.planCheckpoint(1);
  const { manifest, chunks } = manifestOfPages(ledger.suite, plan.pages);
  const database = await LevelDbStore.open(join(folder, DATABASE));
  const store = await openLedgerStore({ store: database, ledger });
  const { membership } = ledger.genesis;
  const trusted = {
    header,
    hash: ledger.blockHash(header),
    membership,
    nextMembership: membership,
  };
  const writer = await store.beginSnapshot({ trusted, manifest: encode(manifestCodec, manifest) });
  const BATCH = 64;
  for (let from = 0; from < chunks.length; from += BATCH) {
    const batch = chunks.slice(from, from + BATCH).map(({ pages }, at) => {
      const bytes = joinPages(pages.map((page) => plan.encode(page).value));
      return { index: from + at, bytes: defined(bytes, 'written a moment ago') };
    });
    await writer.put(batch);
  }
  await writer.finish();
  await store.adoptSnapshot(writer);
  await store.close();
  await database.close();
  return header;
}

await loadFastHashing();
const [folder, countText] = process.argv.slice(2);
assert(folder !== undefined && countText !== undefined, 'a folder and a number of accounts');
const accounts = Number(countText);
const random = createRandom();
const senders = Array.from({ length: SENDERS }, (_, at) => createSender(`sender ${at}`));
const { genesis, validators, ledger } = createChain(addressOf(senders, 0));
const tree = fund(ledger, senders, accounts);
let parent = await writeStore(folder, ledger, tree);
const blocks: { block: Bytes; certificate: CommitCertificate }[] = [];
for (let at = 0; at < BLOCKS; at++) {
  const height = (ANCHOR_HEIGHT + 1 + at) as Height; // Counted from a height.
  const transactions = Array.from({ length: TRANSFERS_PER_BLOCK }, (_, offset) => {
    const number = at * TRANSFERS_PER_BLOCK + offset;
    const sender = senders[number % SENDERS];
    assert(sender !== undefined, 'numbered below the count');
    const recipient = addressOf(senders, random(accounts));
    const sequence = Math.floor(number / SENDERS);
    const prepared = transfer(ledger, sender, { recipient, sequence });
    const verified = ledger.verifyTransaction(prepared, [true]);
    assert(verified.ok, 'signed a moment ago');
    return verified.value;
  });
  const place = { height, timestampMs: timestampMs(GENESIS_MS + ANCHOR_HEIGHT + 1000 * (1 + at)) };
  const verdict = ledger.executeCandidates(tree.view(), place, transactions);
  assert(verdict.kind === 'executed', 'all of the state is in memory');
  assert(
    verdict.receipts.length === TRANSFERS_PER_BLOCK &&
      verdict.receipts.every(({ outcome }) => outcome.kind === 'succeeded'),
    'every transfer is carried out',
  );
  tree.apply(height, verdict.changes);
  const header = ledger.buildHeader(parent, {
    ...place,
    proposer: validators[0]?.publicKey ?? new Uint8Array(32),
    transactions: verdict.included,
    results: { ...verdict, stateRoot: tree.root() },
  });
  const block = ledger.assembleBlock(header, verdict.included);
  const signatures = validators.map((validator, validatorIndex) => {
    const round = 0 as Round; // The first.
    const kind = 'precommit' as const;
    const vote = { kind, height, round, blockHash: block.hash, validatorIndex };
    return { validatorIndex, signature: validator.sign(ledger.voteSigningBytes(vote)) };
  });
  const round = 0 as Round; // The first.
  const certificate = { height, round, blockHash: block.hash, signatures };
  blocks.push({ block: ledger.encodeBlock(block), certificate });
  parent = header;
}
await writeFile(join(folder, GENESIS_FILE), encode(protocol.genesisCodec, genesis));
await writeFile(join(folder, BLOCKS_FILE), encode(recordedCodec, { blocks }));
