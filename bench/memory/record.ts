import { createPrivateKey, sign } from 'node:crypto';
import type { Bytes } from '../../src/base/index.ts';
import { assert, encodeUtf8, timestampMs } from '../../src/base/index.ts';
import { encode } from '../../src/codec/index.ts';
import type { Hash, KeyPair } from '../../src/crypto/index.ts';
import { generateKeyPair, hashSuite, sha256 } from '../../src/crypto/index.ts';
import type {
  Address,
  Amount,
  CommitCertificate,
  Gas,
  Height,
  KeyPolicy,
  Ledger,
  PreparedTransaction,
  Round,
  Sequence,
} from '../../src/ledger/index.ts';
import {
  addressOfPolicy,
  createDevnetGenesis,
  createLedger,
  NATIVE_ASSET,
  protocol,
} from '../../src/ledger/index.ts';
import { blocksResponseCodec } from '../../src/node/messages.ts';
import { StateTree } from '../../src/state/index.ts';
import {
  ACCOUNTS,
  blockFile,
  FIRST_BLOCKS,
  GENESIS_FILE,
  MORE_BLOCKS,
  PAYMENTS_PER_LATER_BLOCK,
} from './plan.ts';

const GENESIS_MS = 1_700_000_000_000;
const SENDERS = 100;
/** What precedes the 32 bytes of an Ed25519 secret key in PKCS #8 (RFC 8410 §7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

type Signer = { readonly publicKey: Bytes; readonly sign: (message: Uint8Array) => Bytes };
type Sender = Signer & { readonly policy: KeyPolicy; readonly address: Address };

/** Signs with OpenSSL, some twenty times faster than the JavaScript of the wallet. */
function createSigner(name: string): Signer {
  const pair: KeyPair = generateKeyPair('ed25519', sha256(encodeUtf8(`memory ${name}`)));
  const der = Buffer.concat([PKCS8_PREFIX, pair.secretKey]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const { publicKey } = pair;
  return { publicKey, sign: (message) => new Uint8Array(sign(null, message, key)) };
}

function createSender(name: string): Sender {
  const signer = createSigner(name);
  const key = { kind: 'ed25519', publicKey: signer.publicKey } as const;
  const policy: KeyPolicy = {
    keys: [{ key, role: 'signer', weight: 1, expiresAt: undefined }],
    thresholds: { everyday: 1, guarded: 1, vault: 1 },
  };
  return { ...signer, policy, address: addressOfPolicy(hashSuite('blake3-256'), policy) };
}

/** The address of an account that only ever receives. */
function recipientOf(number: number): Address {
  // Any 32 bytes are an address.
  return hashSuite('blake3-256').hash(
    'address',
    encodeUtf8(`recipient ${number}`),
  ) as Bytes as Address;
}

function payment(
  ledger: Ledger,
  sender: Sender,
  facts: { readonly sequence: number; readonly height: number; readonly recipient: Address },
): PreparedTransaction {
  const { sequence, height, recipient } = facts;
  const body = {
    version: 1,
    chainId: ledger.chainId,
    sender: sender.address,
    // Small whole numbers are sequences, heights, amounts and gas.
    sequence: sequence as Sequence,
    validFrom: (height - 1) as Height,
    validUntil: (height + 100) as Height,
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

function certify(
  ledger: Ledger,
  validators: readonly Signer[],
  { height, hash }: { readonly height: Height; readonly hash: Hash },
): CommitCertificate {
  const round = 0 as Round; // The first.
  const signatures = validators.map((validator, validatorIndex) => {
    const vote = { kind: 'precommit', height, round, blockHash: hash, validatorIndex } as const;
    return { validatorIndex, signature: validator.sign(ledger.voteSigningBytes(vote)) };
  });
  return { height, round, blockHash: hash, signatures };
}

/** The chain as files for a page: its genesis, and each block as a peer serves it. */
export function recordChain(): Map<string, Bytes> {
  const senders = Array.from({ length: SENDERS }, (_, at) => createSender(`sender ${at}`));
  const validators = [1, 2, 3, 4].map((number) => createSigner(`validator ${number}`));
  const genesis = createDevnetGenesis({
    name: 'memory',
    timestampMs: timestampMs(GENESIS_MS),
    validators: validators.map(({ publicKey }, at) => ({ publicKey, name: `validator ${at}` })),
    balances: senders.map(({ address }) => ({ address, amount: 10_000_000_000n })),
  });
  const created = createLedger(genesis);
  assert(created.ok, 'the genesis is good');
  const ledger = created.value;
  const tree = StateTree.empty(ledger.suite);
  tree.apply(0 as Height, ledger.genesis.changes);
  const files = new Map([[GENESIS_FILE, encode(protocol.genesisCodec, genesis)]]);
  let parent = ledger.genesisHeader(tree.root());
  let paid = 0;
  for (let at = 1; at <= FIRST_BLOCKS + MORE_BLOCKS; at++) {
    const height = at as Height;
    const count = at <= FIRST_BLOCKS ? ACCOUNTS / FIRST_BLOCKS : PAYMENTS_PER_LATER_BLOCK;
    const transactions = Array.from({ length: count }, () => {
      const number = paid++;
      const sender = senders[number % SENDERS];
      assert(sender !== undefined, 'numbered below the count');
      const sequence = Math.floor(number / SENDERS);
      const recipient = recipientOf((number * 7919) % ACCOUNTS); // Each once in the first blocks.
      const verified = ledger.verifyTransaction(
        payment(ledger, sender, { sequence, height: at, recipient }),
        [true],
      );
      assert(verified.ok, 'signed a moment ago');
      return verified.value;
    });
    const place = { height, timestampMs: timestampMs(GENESIS_MS + at * 1000) };
    const verdict = ledger.executeCandidates(tree.view(), place, transactions);
    assert(verdict.kind === 'executed', 'all of the state is in memory');
    assert(
      verdict.receipts.length === count &&
        verdict.receipts.every(({ outcome }) => outcome.kind === 'succeeded'),
      'every payment is carried out',
    );
    tree.apply(height, verdict.changes);
    const header = ledger.buildHeader(parent, {
      ...place,
      proposer: validators[0]?.publicKey ?? new Uint8Array(32),
      transactions: verdict.included,
      results: { ...verdict, stateRoot: tree.root() },
    });
    const block = ledger.assembleBlock(header, verdict.included);
    const certificate = certify(ledger, validators, { height, hash: block.hash });
    const blocks = [{ block: ledger.encodeBlock(block), certificate }];
    files.set(blockFile(at), encode(blocksResponseCodec, { blocks }));
    parent = header;
  }
  return files;
}
