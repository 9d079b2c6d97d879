import type { Bytes } from '../../src/base/index.ts';
import { assert, concatBytes, encodeUtf8, timestampMs } from '../../src/base/index.ts';
import type { Hash, KeyPair } from '../../src/crypto/index.ts';
import {
  encodeBase64Url,
  generateKeyPair,
  hashSuite,
  sha256,
  signEd25519,
  signP256,
  webauthnMessage,
} from '../../src/crypto/index.ts';
import type {
  Address,
  Amount,
  Gas,
  Height,
  Key,
  KeyPolicy,
  KeySignature,
  Ledger,
  PreparedTransaction,
  Round,
  Sequence,
  Transaction,
} from '../../src/ledger/index.ts';
import {
  addressOfPolicy,
  createDevnetGenesis,
  createLedger,
  NATIVE_ASSET,
} from '../../src/ledger/index.ts';
import { StateTree } from '../../src/state/index.ts';
import type { Recorded } from './recorded.ts';
import { ACCOUNTS, BLOCKS, TRANSFERS_PER_BLOCK } from './recorded.ts';

const GENESIS_MS = 1_700_000_000_000;
const RP_ID = 'localhost';
const ORIGIN = 'http://localhost:4700';

/** How the senders sign: with a key of a program, or with a passkey. */
export type Scheme = 'p256' | 'webauthn-p256';

type Sender = { readonly pair: KeyPair; readonly policy: KeyPolicy; readonly address: Address };

const pairOf = (algorithm: KeyPair['algorithm'], name: string): KeyPair =>
  generateKeyPair(algorithm, sha256(encodeUtf8(`validate ${name}`)));

function createSender(scheme: Scheme, name: string): Sender {
  const pair = pairOf('p256', name);
  const { publicKey } = pair;
  const rpIdHash = sha256(encodeUtf8(RP_ID));
  const key: Key =
    scheme === 'p256'
      ? { kind: scheme, publicKey }
      : { kind: scheme, publicKey, rpIdHash, origins: [ORIGIN], mustVerifyUser: false };
  const policy: KeyPolicy = {
    keys: [{ key, role: 'signer', weight: 1, expiresAt: undefined }],
    thresholds: { everyday: 1, guarded: 1, vault: 1 },
  };
  return { pair, policy, address: addressOfPolicy(hashSuite('blake3-256'), policy) };
}

function sign(scheme: Scheme, { pair }: Sender, signingHash: Hash): KeySignature {
  const { publicKey, secretKey } = pair;
  if (scheme === 'p256') {
    return { kind: scheme, publicKey, signature: signP256(secretKey, signingHash) };
  }
  // What Chromium's authenticators and Chromium itself write.
  const authenticatorData = concatBytes(sha256(encodeUtf8(RP_ID)), Uint8Array.of(0x05, 0, 0, 0, 0));
  const challenge = encodeBase64Url(signingHash);
  const clientDataJson = encodeUtf8(
    `{"type":"webauthn.get","challenge":"${challenge}","origin":"${ORIGIN}","crossOrigin":false}`,
  );
  const signature = signP256(secretKey, webauthnMessage(authenticatorData, clientDataJson));
  return { kind: scheme, publicKey, authenticatorData, clientDataJson, signature };
}

/** Signs the transfers of a chain; each sender shows its policy with its first one. */
class Writer {
  readonly #ledger: Ledger;
  readonly #scheme: Scheme;
  readonly #senders: readonly Sender[];
  readonly #sequences: number[];

  constructor(ledger: Ledger, scheme: Scheme, senders: readonly Sender[]) {
    this.#ledger = ledger;
    this.#scheme = scheme;
    this.#senders = senders;
    this.#sequences = senders.map(() => 0);
  }

  transfer(number: number): PreparedTransaction {
    const at = number % ACCOUNTS;
    const sequence = this.#sequences[at] ?? 0;
    this.#sequences[at] = sequence + 1;
    const sender = this.#senders[at];
    // A step without a factor in common with the count: everybody pays everybody sometime.
    const recipient = this.#senders[(at + 1 + 7 * (number % 131)) % ACCOUNTS];
    assert(sender !== undefined && recipient !== undefined, 'numbered below the count');
    const body = {
      version: 1,
      chainId: this.#ledger.chainId,
      sender: sender.address,
      // Small whole numbers are sequences, heights, amounts and gas.
      sequence: sequence as Sequence,
      validFrom: 0 as Height,
      validUntil: 1000 as Height,
      feeMax: 20_000n as Amount,
      gasLimit: 5000 as Gas,
      sponsor: undefined,
      actions: [
        {
          kind: 'asset.transfer',
          asset: NATIVE_ASSET,
          recipient: recipient.address,
          amount: BigInt(1 + (number % 997)),
        },
      ],
      memo: '',
    };
    const signingHash = this.#ledger.signingHash(this.#ledger.encodeBody(body));
    const transaction: Transaction = {
      body,
      sender: {
        initialPolicy: sequence === 0 ? sender.policy : undefined,
        signatures: [sign(this.#scheme, sender, signingHash)],
      },
      sponsor: undefined,
    };
    const prepared = this.#ledger.prepareTransaction(transaction);
    assert(prepared.ok, 'small enough');
    return prepared.value;
  }
}

/** Makes the chain that everybody validates: the same bytes each time. */
export function recordChain(scheme: Scheme): Recorded {
  const senders = Array.from({ length: ACCOUNTS }, (_, at) => createSender(scheme, `sender ${at}`));
  const validators = [1, 2, 3, 4].map((number) => pairOf('ed25519', `validator ${number}`));
  const genesis = createDevnetGenesis({
    name: 'validate',
    timestampMs: timestampMs(GENESIS_MS),
    validators: validators.map(({ publicKey }, at) => ({ publicKey, name: `validator ${at}` })),
    balances: senders.map(({ address }) => ({ address, amount: 1_000_000_000n })),
  });
  const created = createLedger(genesis);
  assert(created.ok, 'the genesis is good');
  const ledger = created.value;
  const writer = new Writer(ledger, scheme, senders);
  const tree = StateTree.empty(ledger.suite);
  tree.apply(0 as Height, ledger.genesis.changes);
  let parent = ledger.genesisHeader(tree.root());
  const blocks: Recorded['blocks'][number][] = [];
  for (let at = 1; at <= BLOCKS; at++) {
    const first = (at - 1) * TRANSFERS_PER_BLOCK;
    const transactions = Array.from({ length: TRANSFERS_PER_BLOCK }, (_, offset) => {
      const prepared = writer.transfer(first + offset);
      const verified = ledger.verifyTransaction(prepared, [true]);
      assert(verified.ok, 'signed a moment ago');
      return verified.value;
    });
    const place = { height: at as Height, timestampMs: timestampMs(GENESIS_MS + at * 1000) };
    const verdict = ledger.executeCandidates(tree.view(), place, transactions);
    assert(verdict.kind === 'executed', 'all of the state is in memory');
    assert(verdict.included.length === TRANSFERS_PER_BLOCK, 'every transfer is valid');
    assert(
      verdict.receipts.every(({ outcome }) => outcome.kind === 'succeeded'),
      'every transfer is carried out',
    );
    tree.apply(place.height, verdict.changes);
    const header = ledger.buildHeader(parent, {
      ...place,
      proposer: validators[0]?.publicKey ?? new Uint8Array(32),
      transactions: verdict.included,
      results: { ...verdict, stateRoot: tree.root() },
    });
    const block = ledger.assembleBlock(header, verdict.included);
    const certificate = certify(ledger, validators, { height: place.height, hash: block.hash });
    blocks.push({ block: ledger.encodeBlock(block), certificate });
    parent = header;
  }
  return { genesis, blocks };
}

function certify(
  ledger: Ledger,
  validators: readonly KeyPair[],
  { height, hash }: { readonly height: Height; readonly hash: Hash },
): Recorded['blocks'][number]['certificate'] {
  const round = 0 as Round; // The first.
  const signatures = validators.map(({ secretKey }, validatorIndex) => {
    const vote = { kind: 'precommit', height, round, blockHash: hash, validatorIndex } as const;
    const message: Bytes = ledger.voteSigningBytes(vote);
    return { validatorIndex, signature: signEd25519(secretKey, message) };
  });
  return { height, round, blockHash: hash, signatures };
}
