import type { Bytes, Json, Result } from '../base/index.ts';
import { equalBytes, fail, formatHex, ok } from '../base/index.ts';
import { decode } from '../codec/index.ts';
import type { Hash, HashSuite, SignatureClaim } from '../crypto/index.ts';
import { verifyMerkleProof, verifySignature } from '../crypto/index.ts';
import type {
  Address,
  Amount,
  AssetId,
  CertificateError,
  GenesisError,
  KeyPolicy,
  Membership,
  Sequence,
} from '../ledger/index.ts';
import {
  accountStateKeys,
  balanceStateKey,
  blockHashOf,
  certificateClaims,
  certifies,
  createLedger,
  membershipHashOf,
  NATIVE_ASSET,
  parseGenesis,
  readAccount,
  readBalance,
  transactionLeaf,
} from '../ledger/index.ts';
import type { AccountProof, Finality, TransactionProof } from '../rpc/index.ts';
import type { ProofError } from '../state/index.ts';
import { stateProofCodec, verifyProof } from '../state/index.ts';
import type { Trusted } from './trust.ts';
import { mintTrusted } from './trust.ts';

/** Why an answer is not proven. */
export type ProofRefusal =
  | { readonly code: 'wrong-network' }
  | { readonly code: 'header-hash-mismatch' }
  /** The members that signed are not those this network is known to have. */
  | { readonly code: 'membership-unknown' }
  | { readonly code: 'certificate-missing' }
  | { readonly code: 'certificate-mismatch' }
  | { readonly code: 'transaction-not-in-block' }
  | CertificateError
  | ProofError;

/** An account as a state proof shows it. */
export type ProvenAccount = {
  readonly address: Address;
  readonly sequence: Sequence;
  /** Absent: the account has no record of its own at that height. */
  readonly policy: KeyPolicy | undefined;
  readonly balances: readonly { readonly asset: AssetId; readonly amount: Amount }[];
};

/** What one is sure of before asking anybody: taken from the genesis document. */
export type ProofAnchor = {
  readonly suite: HashSuite;
  readonly chainId: Hash;
  /** Who decides; the only membership there is on networks where it is fixed. */
  readonly membership: Membership;
};

/** Reads the anchor from the genesis document, which names the network by its hash. */
export function proofAnchorOf(genesis: Json): Result<ProofAnchor, GenesisError> {
  const document = parseGenesis(genesis);
  if (!document.ok) return document;
  const ledger = createLedger(document.value);
  if (!ledger.ok) return ledger;
  const { suite, chainId } = ledger.value;
  return ok({ suite, chainId, membership: ledger.value.genesis.membership });
}

/** So many signatures are checked before the page gets a turn: about 10 ms of work. */
const CLAIMS_PER_TURN = 8;

/**
 * Checks that a header is final: its hash, this network's members, and every signature of its
 * certificate. The genesis block needs no certificate; whoever asks knows its hash.
 *
 * @param genesisHash Hash of the block of height 0, when that may be asked about.
 */
export async function verifyFinality<Of extends Finality>(
  anchor: ProofAnchor,
  finality: Of,
  genesisHash?: Hash,
): Promise<Result<Trusted<Of, 'proven'>, ProofRefusal>> {
  const { suite, chainId } = anchor;
  const { header, hash, certificate, membership } = finality;
  if (!equalBytes(header.chainId, chainId)) return fail({ code: 'wrong-network' });
  if (!equalBytes(blockHashOf(suite, header), hash)) return fail({ code: 'header-hash-mismatch' });
  if (header.height === 0) {
    const isGenesis = genesisHash !== undefined && equalBytes(hash, genesisHash);
    return isGenesis ? ok(provenOf(finality)) : fail({ code: 'certificate-missing' });
  }
  const known = membershipHashOf(suite, anchor.membership);
  if (!equalBytes(membershipHashOf(suite, membership), known)) {
    return fail({ code: 'membership-unknown' });
  }
  if (certificate === undefined) return fail({ code: 'certificate-missing' });
  if (!certifies(certificate, { hash, height: header.height })) {
    return fail({ code: 'certificate-mismatch' });
  }
  const claims = certificateClaims(suite, chainId, membership, certificate);
  if (!claims.ok) return claims;
  const forged = await firstForged(claims.value);
  if (forged === undefined) return ok(provenOf(finality));
  const validatorIndex = certificate.signatures[forged]?.validatorIndex ?? 0;
  return fail({ code: 'certificate-signature-invalid', validatorIndex });
}

/** Place of the first claim that does not hold; the page gets a turn now and then. */
export async function firstForged(claims: readonly SignatureClaim[]): Promise<number | undefined> {
  for (const [at, claim] of claims.entries()) {
    if (at > 0 && at % CLAIMS_PER_TURN === 0) await turn();
    if (!verifySignature(claim)) return at;
  }
  return undefined;
}

function provenOf<Of extends Finality>(finality: Of): Trusted<Of, 'proven'> {
  return mintTrusted(finality, 'proven', finality.header.height);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Checks that a final block holds a transaction: finality, then the path to its leaf. */
export async function verifyTransactionProof(
  anchor: ProofAnchor,
  proof: TransactionProof,
): Promise<Result<Trusted<TransactionProof, 'proven'>, ProofRefusal>> {
  const final = await verifyFinality(anchor, proof);
  return final.ok ? readTransactionProof(anchor, final.value) : final;
}

/** As {@link verifyTransactionProof}, under a header that is known to be final. */
export function readTransactionProof(
  anchor: ProofAnchor,
  final: Trusted<TransactionProof, 'proven'>,
): Result<Trusted<TransactionProof, 'proven'>, ProofRefusal> {
  const proof = final.value;
  const { id, signedHash, index, count, siblings } = proof;
  const leaf = transactionLeaf(anchor.suite, { id, signedHash });
  const root = proof.header.transactionsRoot;
  const isIn = verifyMerkleProof(anchor.suite, { root, leaf, index, count, path: siblings });
  return isIn ? ok(final) : fail({ code: 'transaction-not-in-block' });
}

/**
 * State keys of an account proof, in their order: sequence, policy record, native balance, then
 * the balance of each further asset asked for, repetitions left out.
 */
export function accountProofKeys(address: Address, assets: readonly AssetId[] = []): Bytes[] {
  const { sequence, policy, nativeBalance } = accountStateKeys(address);
  const keys = [sequence, policy, nativeBalance];
  for (const asset of assets) {
    const key = balanceStateKey(address, asset);
    if (!keys.some((known) => equalBytes(known, key))) keys.push(key);
  }
  return keys;
}

/**
 * Checks an account proof whole and reads the account from nothing but what it proves. Holds for
 * networks whose headers bind their own results (`execution: "state"`).
 */
export async function verifyAccountProof(
  anchor: ProofAnchor,
  proof: AccountProof,
  asked: { readonly address: Address; readonly assets?: readonly AssetId[] },
  genesisHash?: Hash,
): Promise<Result<Trusted<ProvenAccount, 'proven'>, ProofRefusal>> {
  const final = await verifyFinality(anchor, proof, genesisHash);
  return final.ok ? readAccountProof(anchor, final.value, asked) : final;
}

/** As {@link verifyAccountProof}, under a header that is known to be final. */
export function readAccountProof(
  { suite }: ProofAnchor,
  { value: proof }: Trusted<AccountProof, 'proven'>,
  { address, assets = [] }: { readonly address: Address; readonly assets?: readonly AssetId[] },
): Result<Trusted<ProvenAccount, 'proven'>, ProofRefusal> {
  const decoded = decode(stateProofCodec, proof.proof);
  if (!decoded.ok) return fail({ code: 'proof-malformed' });
  const keys = accountProofKeys(address, assets);
  const entries = verifyProof(suite, proof.header.stateRoot, keys, decoded.value);
  if (!entries.ok) return entries;
  const values = new Map(entries.value.map(({ key, value }) => [formatHex(key), value]));
  // Hints are not proven and not told; to the reader they are simply absent.
  const view = { get: (key: Bytes) => values.get(formatHex(key)) };
  const { sequence, policy } = readAccount(suite, view, address);
  const distinct = [NATIVE_ASSET, ...assets.filter((each) => !equalBytes(each, NATIVE_ASSET))];
  const balances = distinct.map((asset) => ({ asset, amount: readBalance(view, address, asset) }));
  const account = { address, sequence, policy, balances };
  return ok(mintTrusted(account, 'proven', proof.header.height));
}
