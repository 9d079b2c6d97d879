import { beforeAll, describe, expect, it } from 'vitest';
import { defined, timestampMs } from '../base/index.ts';
import { encode, toJson } from '../codec/index.ts';
import type { Hash, KeyPair } from '../crypto/index.ts';
import { generateKeyPair, merkleProof, merkleRoot, signEd25519 } from '../crypto/index.ts';
import type {
  Address,
  AssetId,
  CommitCertificate,
  Header,
  Height,
  Ledger,
  Membership,
  Round,
} from '../ledger/index.ts';
import {
  createDevnetGenesis,
  createLedger,
  NATIVE_ASSET,
  protocol,
  transactionLeaf,
} from '../ledger/index.ts';
import type { AccountProof, Finality, TransactionProof } from '../rpc/index.ts';
import { StateTree, stateProofCodec } from '../state/index.ts';
import type { ProofAnchor } from './verify.ts';
import {
  accountProofKeys,
  proofAnchorOf,
  verifyAccountProof,
  verifyFinality,
  verifyTransactionProof,
} from './verify.ts';

const keys = [1, 2, 3, 4].map((seed) => generateKeyPair('ed25519', new Uint8Array(32).fill(seed)));
const holder = new Uint8Array(32).fill(7) as unknown as Address; // 32 bytes, as every address.
const stranger = new Uint8Array(32).fill(8) as unknown as Address;
const otherAsset = new Uint8Array(32).fill(9) as unknown as AssetId;

let ledger: Ledger;
let anchor: ProofAnchor;
let tree: StateTree;
let header: Header;

beforeAll(() => {
  const document = createDevnetGenesis({
    name: 'Test',
    timestampMs: timestampMs(1_000),
    validators: keys.map(({ publicKey }, at) => ({ publicKey, name: `v${at}` })),
    balances: [{ address: holder, amount: 1_234n }],
  });
  const made = createLedger(document);
  if (!made.ok) throw new Error(made.error.code);
  ledger = made.value;
  const read = proofAnchorOf(toJson(protocol.genesisCodec, document));
  if (!read.ok) throw new Error(read.error.code);
  anchor = read.value;
  tree = StateTree.empty(ledger.suite);
  tree.apply(1 as Height, ledger.genesis.changes);
  const first = ledger.genesisHeader(tree.root());
  header = { ...first, height: 1 as Height, transactionsRoot: root() };
});

const pairs = [1, 2, 3].map((byte) => ({
  id: new Uint8Array(32).fill(byte) as Hash,
  signedHash: new Uint8Array(32).fill(byte + 100) as Hash,
}));
const leaves = () => pairs.map((pair) => transactionLeaf(ledger.suite, pair));
const root = () => merkleRoot(ledger.suite, leaves());

function certify(of: Header, signers: readonly (KeyPair | undefined)[] = keys): CommitCertificate {
  const blockHash = ledger.blockHash(of);
  const round = 0 as Round;
  const { height } = of;
  return {
    ...{ height, round, blockHash },
    signatures: signers.flatMap((pair, validatorIndex) => {
      if (pair === undefined) return [];
      const vote = { kind: 'precommit', height, round, blockHash, validatorIndex } as const;
      const signature = signEd25519(pair.secretKey, ledger.voteSigningBytes(vote));
      return [{ validatorIndex, signature }];
    }),
  };
}

function finality(change: Partial<Finality> = {}, of: Header = header): Finality {
  return {
    header: of,
    hash: ledger.blockHash(of),
    certificate: certify(of),
    membership: ledger.genesis.membership,
    ...change,
  };
}

const codeOf = (result: { ok: boolean; error?: { code: string } }) =>
  result.ok ? 'ok' : result.error?.code;

describe('finality', () => {
  it('holds for a header that more than two thirds signed', async () => {
    expect(codeOf(await verifyFinality(anchor, finality()))).toBe('ok');
    const three = certify(header, [keys[0], keys[1], keys[2], undefined]);
    expect(codeOf(await verifyFinality(anchor, finality({ certificate: three })))).toBe('ok');
  });

  it('is refused with too few, wrong or repeated signatures', async () => {
    const two = certify(header, [keys[0], keys[1], undefined, undefined]);
    const swapped = certify(header, [keys[1], keys[0], keys[2], keys[3]]);
    const [one] = certify(header).signatures;
    const repeated = { ...certify(header), signatures: Array(4).fill(defined(one, 'one')) };
    const cases = { two, swapped, repeated };
    const codes = await Promise.all(
      Object.values(cases).map(async (certificate) =>
        codeOf(await verifyFinality(anchor, finality({ certificate }))),
      ),
    );
    expect(codes).toEqual([
      'certificate-power-too-low',
      'certificate-signature-invalid',
      'certificate-order-wrong',
    ]);
  });

  it('is refused for another block, network or set of members', async () => {
    const other = { ...header, timestampMs: timestampMs(5_000) };
    const strange: Membership = {
      validators: keys.map((_, at) => ({
        publicKey: generateKeyPair('ed25519', new Uint8Array(32).fill(50 + at)).publicKey,
        power: 1n,
        name: 'x',
      })),
    };
    const foreign = { ...header, chainId: new Uint8Array(32) as Hash };
    const check = async (given: Finality) => codeOf(await verifyFinality(anchor, given));
    expect(await check(finality({ header: other }))).toBe('header-hash-mismatch');
    expect(await check(finality({ certificate: certify(other) }))).toBe('certificate-mismatch');
    expect(await check(finality({ membership: strange }))).toBe('membership-unknown');
    expect(await check(finality({}, foreign))).toBe('wrong-network');
    expect(await check(finality({ certificate: undefined }))).toBe('certificate-missing');
  });

  it('of the genesis block rests on its hash alone', async () => {
    const genesis = ledger.genesisHeader(tree.root());
    const given = finality({ certificate: undefined }, genesis);
    expect(codeOf(await verifyFinality(anchor, given, given.hash))).toBe('ok');
    expect(codeOf(await verifyFinality(anchor, given))).toBe('certificate-missing');
    expect(codeOf(await verifyFinality(anchor, given, header.stateRoot))).toBe(
      'certificate-missing',
    );
  });
});

describe('a transaction proof', () => {
  const proof = (change: Partial<TransactionProof> = {}): TransactionProof => ({
    ...finality(),
    ...defined(pairs[1], 'three pairs'),
    ...{ index: 1, count: 3, siblings: merkleProof(ledger.suite, leaves(), 1) },
    ...change,
  });

  it('shows that the block holds it, and only it', async () => {
    expect(codeOf(await verifyTransactionProof(anchor, proof()))).toBe('ok');
    const lies: Partial<TransactionProof>[] = [
      { id: new Uint8Array(32) as Hash },
      { signedHash: new Uint8Array(32) as Hash },
      { index: 0 },
      { siblings: [] },
      { count: 0 },
    ];
    for (const lie of lies) {
      expect(codeOf(await verifyTransactionProof(anchor, proof(lie)))).toBe(
        'transaction-not-in-block',
      );
    }
    const unsigned = proof({ certificate: certify(header, [keys[0]]) });
    expect(codeOf(await verifyTransactionProof(anchor, unsigned))).toBe(
      'certificate-power-too-low',
    );
  });
});

describe('an account proof', () => {
  function prove(address: Address, assets: readonly AssetId[] = []): AccountProof {
    const asked = accountProofKeys(address, assets);
    const proof = defined(tree.prove(1, asked), 'height 1 is kept');
    return { ...finality(), address, keys: asked, proof: encode(stateProofCodec, proof) };
  }

  it('gives balances, and absence as zero', async () => {
    const assets = [NATIVE_ASSET, otherAsset, otherAsset];
    const proven = await verifyAccountProof(anchor, prove(holder, assets), {
      address: holder,
      assets: [otherAsset],
    });
    expect(proven).toMatchObject({
      ok: true,
      value: {
        trust: 'proven',
        height: 1,
        value: {
          sequence: 0,
          policy: undefined,
          balances: [
            { asset: NATIVE_ASSET, amount: 1_234n },
            { asset: otherAsset, amount: 0n },
          ],
        },
      },
    });
    const nobody = await verifyAccountProof(anchor, prove(stranger), { address: stranger });
    expect(nobody).toMatchObject({ ok: true, value: { value: { balances: [{ amount: 0n }] } } });
  });

  it('of another account, another state or broken bytes is refused', async () => {
    const ask = async (proof: AccountProof) =>
      codeOf(await verifyAccountProof(anchor, proof, { address: holder }));
    expect(await ask(prove(holder))).toBe('ok');
    expect(await ask({ ...prove(stranger), keys: accountProofKeys(holder) })).not.toBe('ok');
    const moved = { ...header, stateRoot: new Uint8Array(32).fill(1) as Hash };
    expect(await ask({ ...prove(holder), ...finality({}, moved) })).toBe('proof-root-mismatch');
    const { proof } = prove(holder);
    for (let at = 0; at < proof.length; at++) {
      const flipped = proof.slice();
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      expect(await ask({ ...prove(holder), proof: flipped })).toMatch(/^proof-/);
      expect(await ask({ ...prove(holder), proof: proof.slice(0, at) })).toMatch(/^proof-/);
    }
  });
});
