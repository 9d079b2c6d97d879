import type { Bytes } from '../../src/base/index.ts';
import { assert, defined, timestampMs } from '../../src/base/index.ts';
import type { Hash, Verified } from '../../src/crypto/index.ts';
import type {
  CommitCertificate,
  GenesisDocument,
  Header,
  Height,
  Ledger,
  PreparedTransaction,
  Round,
} from '../../src/ledger/index.ts';
import { createDevnetGenesis, createLedger } from '../../src/ledger/index.ts';
import { StateTree } from '../../src/state/index.ts';
import type { Signer } from './signer.ts';
import { createSigner } from './signer.ts';

const GENESIS_MS = 1_700_000_000_000;
const VALIDATORS = 4;

/** Milliseconds of the clock at which such a chain begins, and `afterMs` later. */
export const momentOf = (afterMs: number) => timestampMs(GENESIS_MS + afterMs);

/** A network of four validators whose keys are made from a name: the same bytes each time. */
export type Founded = {
  readonly genesis: GenesisDocument;
  readonly ledger: Ledger;
  readonly validators: readonly Signer[];
};

export function found(
  name: string,
  balances: NonNullable<Parameters<typeof createDevnetGenesis>[0]['balances']>,
): Founded {
  const validators = Array.from({ length: VALIDATORS }, (_, at) =>
    createSigner(`${name} validator ${at + 1}`),
  );
  const genesis = createDevnetGenesis({
    name,
    timestampMs: momentOf(0),
    validators: validators.map(({ publicKey }, at) => ({ publicKey, name: `validator ${at}` })),
    balances,
  });
  const created = createLedger(genesis);
  assert(created.ok, 'the genesis is good');
  return { genesis, ledger: created.value, validators };
}

/** The certificate of a block, by those who decide it. */
export function certify(
  ledger: Ledger,
  signers: readonly Signer[],
  { height, hash }: { readonly height: Height; readonly hash: Hash },
): CommitCertificate {
  const round = 0 as Round; // The first.
  const signatures = signers.map((signer, validatorIndex) => {
    const vote = { kind: 'precommit', height, round, blockHash: hash, validatorIndex } as const;
    return { validatorIndex, signature: signer.sign(ledger.voteSigningBytes(vote)) };
  });
  return { height, round, blockHash: hash, signatures };
}

/** A block as a peer serves it. */
export type RecordedBlock = { readonly block: Bytes; readonly certificate: CommitCertificate };

/** A chain whose blocks are executed and certified as they are made. */
export class ExecutedChain {
  readonly #founded: Founded;
  readonly #tree: StateTree;
  #parent: Header;

  /** @param parent The newest header; the tree is the state after it. */
  constructor(founded: Founded, tree: StateTree, parent: Header) {
    this.#founded = founded;
    this.#tree = tree;
    this.#parent = parent;
  }

  static fromGenesis(founded: Founded): ExecutedChain {
    const { ledger } = founded;
    const tree = StateTree.empty(ledger.suite);
    tree.apply(0 as Height, ledger.genesis.changes); // Before the first block.
    return new ExecutedChain(founded, tree, ledger.genesisHeader(tree.root()));
  }

  /** The next block, of exactly these transactions; each of them succeeds. */
  append(afterMs: number, transactions: readonly Verified<PreparedTransaction>[]): RecordedBlock {
    const { ledger, validators } = this.#founded;
    const height = (this.#parent.height + 1) as Height; // The next one.
    const place = { height, timestampMs: momentOf(afterMs) };
    const verdict = ledger.executeCandidates(this.#tree.view(), place, transactions);
    assert(verdict.kind === 'executed', 'all of the state is in memory');
    assert(
      verdict.receipts.length === transactions.length &&
        verdict.receipts.every(({ outcome }) => outcome.kind === 'succeeded'),
      'every transaction is carried out',
    );
    this.#tree.apply(height, verdict.changes);
    const header = ledger.buildHeader(this.#parent, {
      ...place,
      proposer: defined(validators[0], 'four of them').publicKey,
      transactions: verdict.included,
      results: { ...verdict, stateRoot: this.#tree.root() },
    });
    const block = ledger.assembleBlock(header, verdict.included);
    this.#parent = header;
    const certificate = certify(ledger, validators, { height, hash: block.hash });
    return { block: ledger.encodeBlock(block), certificate };
  }
}
