import type { Bytes, Json, Result } from '../base/index.ts';
import { ok } from '../base/index.ts';
import type { Codec, DecodeError } from '../codec/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { Hash, HashSuite, SignatureClaim, Verified } from '../crypto/index.ts';
import { createModuleRegistry } from './action.ts';
import type { Address } from './address.ts';
import { certificateClaims, verifyCommitCertificate } from './certificate.ts';
import type { CertificateError, GenesisError, HeaderError, TransactionError } from './errors.ts';
import type { AdmissionVerdict, BlockPlace, BlockVerdict, CandidatesVerdict } from './execute.ts';
import {
  executeBlock,
  executeCandidates,
  keysOfEveryBlock,
  keysOfTransaction,
  validateTransaction,
} from './execute.ts';
import type { Genesis, GenesisDocument } from './genesis.ts';
import {
  createGenesis,
  createGenesisCodec,
  genesisSchemaOf,
  parseGenesisDocument,
} from './genesis.ts';
import type { HeaderResults } from './header.ts';
import {
  buildHeader,
  genesisHeader,
  genesisResults,
  validateHeader,
  validateResults,
} from './header.ts';
import {
  addressOfPolicy,
  blockHashOf,
  keyIdOf,
  membershipHashOf,
  signingHashOf,
  transactionIdOf,
  voteSigningBytes,
} from './ids.ts';
import type { Kernel } from './kernel.ts';
import { collectServices } from './kernel.ts';
import type { AnyModule } from './module.ts';
import type { CredentialClaim } from './modules/account/index.ts';
import { builtinModules } from './modules/index.ts';
import type { PreparedBlock, PreparedTransaction } from './prepare.ts';
import {
  encodePreparedBlock,
  prepareBlockBytes,
  prepareBlockParts,
  prepareBlockValue,
  prepareTransactionBytes,
  prepareTransactionValue,
  preparingCodecs,
  verifyPrepared,
} from './prepare.ts';
import type { AccountView, ActionView } from './read.ts';
import { decodeLog, describeActions, findByCredential, readAccount } from './read.ts';
import type { Simulation, SimulationRequest } from './simulate.ts';
import { simulateTransaction } from './simulate.ts';
import type { MissingKeys, StateView } from './state.ts';
import type {
  Block,
  CommitCertificate,
  Header,
  Key,
  KeyPolicy,
  Log,
  Membership,
  Transaction,
  TransactionBody,
  TransactionCodecs,
  Vote,
} from './types.ts';
import { validateForm } from './validate.ts';

/** The rules of one network: everything that depends on its genesis, bound to it. */
export type Ledger = {
  readonly genesis: Genesis;
  readonly suite: HashSuite;
  readonly chainId: Hash;
  readonly codecs: TransactionCodecs;

  /** Decodes bytes, or takes a value made here, and computes its ids and claims once. */
  prepareTransaction(
    input: Uint8Array | Transaction,
  ): Result<PreparedTransaction, TransactionError>;
  decodeBody(bytes: Uint8Array): Result<TransactionBody, DecodeError>;
  encodeBody(body: TransactionBody): Bytes;
  prepareBlock(bytes: Uint8Array): Result<PreparedBlock, DecodeError>;
  /** As `prepareBlock`, of a block that was decoded as part of something else. */
  prepareBlockValue(block: Block): Result<PreparedBlock, { readonly code: 'too-long' }>;
  assembleBlock(header: Header, transactions: readonly PreparedTransaction[]): PreparedBlock;
  encodeBlock(block: PreparedBlock): Bytes;

  transactionId(bodyBytes: Uint8Array): Hash;
  signingHash(bodyBytes: Uint8Array): Hash;
  blockHash(header: Header): Hash;
  membershipHash(membership: Membership): Hash;
  addressOfPolicy(policy: KeyPolicy): Address;
  keyId(key: Pick<Key, 'publicKey'>): Hash;
  voteSigningBytes(vote: Vote): Bytes;

  /** Rules that need neither state nor cryptography: asked first at the door. */
  validateForm(transaction: Transaction): TransactionError | undefined;
  /** Marks a transaction as verified by the verdicts on its claims, in their order. */
  verifyTransaction(
    prepared: PreparedTransaction,
    verdicts: readonly boolean[],
  ): Result<Verified<PreparedTransaction>, TransactionError>;
  /** Whether a transaction could be executed at a height on top of a state. */
  validateTransaction(
    view: StateView,
    prepared: Verified<PreparedTransaction>,
    place: Pick<BlockPlace, 'height'>,
  ): AdmissionVerdict;
  keysOfTransaction(transaction: Transaction): Bytes[];
  keysOfEveryBlock(): Bytes[];
  executeBlock(
    view: StateView,
    place: BlockPlace,
    transactions: readonly Verified<PreparedTransaction>[],
  ): BlockVerdict;
  executeCandidates(
    view: StateView,
    place: BlockPlace,
    candidates: readonly Verified<PreparedTransaction>[],
  ): CandidatesVerdict;
  simulateTransaction(
    view: StateView,
    place: BlockPlace,
    request: SimulationRequest,
  ): Simulation | MissingKeys;

  genesisHeader(stateRoot: Hash): Header;
  genesisResults(stateRoot: Hash): HeaderResults;
  buildHeader(parent: Header, content: Parameters<typeof buildHeader>[2]): Header;
  validateHeader(
    parent: Header,
    header: Header,
    transactions: readonly Pick<PreparedTransaction, 'id' | 'signedHash'>[],
  ): Result<void, HeaderError>;
  validateResults(header: Header, results: HeaderResults): Result<void, HeaderError>;

  certificateClaims(
    membership: Membership,
    certificate: CommitCertificate,
  ): Result<readonly SignatureClaim[], CertificateError>;
  verifyCertificate(
    membership: Membership,
    certificate: CommitCertificate,
    verify: (claim: SignatureClaim) => boolean,
  ): Result<void, CertificateError>;

  readAccount(view: StateView, address: Address): AccountView;
  findByCredential(view: StateView, credentialId: Uint8Array): readonly CredentialClaim[];
  describeActions(): ActionView[];
  decodeLog(log: Log): ReturnType<typeof decodeLog>;
};

/** The documents and codecs of a set of modules, before any network is chosen. */
export type Protocol = {
  readonly codecs: TransactionCodecs;
  readonly genesisCodec: Codec<GenesisDocument>;
  readonly genesisJsonSchema: { readonly [key: string]: unknown };
  parseGenesis(json: Json): Result<GenesisDocument, GenesisError>;
  createLedger(document: GenesisDocument): Result<Ledger, GenesisError>;
};

/** Binds modules together; the built-in ones unless said otherwise. */
export function createProtocol(modules: readonly AnyModule[] = builtinModules): Protocol {
  const registry = createModuleRegistry(modules);
  const services = collectServices(registry.modules);
  const codecs = preparingCodecs(registry);
  const genesisCodec = createGenesisCodec(registry);
  return {
    codecs,
    genesisCodec,
    genesisJsonSchema: genesisSchemaOf(genesisCodec),
    parseGenesis: (json) => parseGenesisDocument(genesisCodec, json),
    createLedger(document) {
      const genesis = createGenesis(registry, genesisCodec, document);
      if (!genesis.ok) return genesis;
      const { suite, chainId } = genesis.value;
      const kernel = { genesis: genesis.value, suite, chainId, registry, codecs, services };
      return ok(bindLedger(kernel));
    },
  };
}

function bindLedger(kernel: Kernel): Ledger {
  const { genesis, suite, chainId, codecs } = kernel;
  return {
    genesis,
    suite,
    chainId,
    codecs,
    prepareTransaction: (input) =>
      input instanceof Uint8Array
        ? prepareTransactionBytes(kernel, input)
        : prepareTransactionValue(kernel, input),
    decodeBody: (bytes) => decode(codecs.body, bytes),
    encodeBody: (body) => encode(codecs.body, body),
    prepareBlock: (bytes) => prepareBlockBytes(kernel, bytes),
    prepareBlockValue: (block) => prepareBlockValue(kernel, block),
    assembleBlock: (header, transactions) => prepareBlockParts(suite, header, transactions),
    encodeBlock: encodePreparedBlock,
    transactionId: (bodyBytes) => transactionIdOf(suite, bodyBytes),
    signingHash: (bodyBytes) => signingHashOf(suite, bodyBytes),
    blockHash: (header) => blockHashOf(suite, header),
    membershipHash: (membership) => membershipHashOf(suite, membership),
    addressOfPolicy: (policy) => addressOfPolicy(suite, policy),
    keyId: (key) => keyIdOf(suite, key),
    voteSigningBytes: (vote) => voteSigningBytes(suite, chainId, vote),
    validateForm: (transaction) => validateForm(kernel, transaction),
    verifyTransaction: verifyPrepared,
    validateTransaction: (view, prepared, place) =>
      validateTransaction(kernel, view, prepared, place),
    keysOfTransaction: (transaction) => keysOfTransaction(kernel, transaction),
    keysOfEveryBlock: () => keysOfEveryBlock(kernel),
    executeBlock: (view, place, transactions) => executeBlock(kernel, view, place, transactions),
    executeCandidates: (view, place, candidates) =>
      executeCandidates(kernel, view, place, candidates),
    simulateTransaction: (view, place, request) =>
      simulateTransaction(kernel, view, place, request),
    genesisHeader: (stateRoot) => genesisHeader(kernel, stateRoot),
    genesisResults: (stateRoot) => genesisResults(kernel, stateRoot),
    buildHeader: (parent, content) => buildHeader(kernel, parent, content),
    validateHeader: (parent, header, transactions) =>
      validateHeader(kernel, parent, header, transactions),
    validateResults,
    certificateClaims: (membership, certificate) =>
      certificateClaims(suite, chainId, membership, certificate),
    verifyCertificate: (membership, certificate, verify) =>
      verifyCommitCertificate(suite, chainId, membership, certificate, verify),
    readAccount: (view, address) => readAccount(suite, view, address),
    findByCredential: (view, credentialId) => findByCredential(suite, view, credentialId),
    describeActions: () => describeActions(kernel),
    decodeLog: (log) => decodeLog(kernel, log),
  };
}

/** The built-in modules' documents and codecs. */
export const protocol: Protocol = createProtocol();

/** Reads a genesis document in its JSON form. */
export function parseGenesis(json: Json): Result<GenesisDocument, GenesisError> {
  return protocol.parseGenesis(json);
}

/** JSON Schema of genesis documents. */
export const genesisJsonSchema = protocol.genesisJsonSchema;

/** The ledger that a genesis document starts, or why it starts none. */
export function createLedger(
  genesis: GenesisDocument,
  modules?: readonly AnyModule[],
): Result<Ledger, GenesisError> {
  return (modules === undefined ? protocol : createProtocol(modules)).createLedger(genesis);
}
