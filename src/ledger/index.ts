export type { ModuleRegistry } from './action.ts';
export { createActionCodec, createModuleRegistry } from './action.ts';
export type { Address, AddressError } from './address.ts';
export { addressCodec, formatAddress, parseAddress } from './address.ts';
export { AMOUNT_MAX, addAmounts, subtractAmounts, toAmount, ZERO_AMOUNT } from './amount.ts';
export {
  certificateClaims,
  certifies,
  checkCertificatePower,
  isQuorum,
  totalPower,
  verifyCommitCertificate,
  voteClaim,
} from './certificate.ts';
export type { DevnetOptions } from './devnet.ts';
export { createDevnetGenesis } from './devnet.ts';
export type {
  ActionError,
  BlockError,
  CertificateError,
  GenesisError,
  HeaderError,
  PolicyFault,
  SignerRole,
  TransactionError,
} from './errors.ts';
export type {
  AdmissionVerdict,
  BlockExecution,
  BlockPlace,
  BlockVerdict,
  CandidatesVerdict,
} from './execute.ts';
export type { ExecutionMode, Genesis, GenesisDocument } from './genesis.ts';
export type { HeaderResults } from './header.ts';
export { receiptLeaf, receiptsRootOf, transactionLeaf, transactionsRootOf } from './header.ts';
export {
  addressOfPolicy,
  blockHashOf,
  credentialHash,
  issuedAssetId,
  keyIdOf,
  membershipHashOf,
  NATIVE_ASSET,
  signedHashOf,
  signingHashOf,
  transactionIdOf,
  voteSigningBytes,
} from './ids.ts';
export type { Ledger, Protocol } from './ledger.ts';
export {
  createLedger,
  createProtocol,
  genesisJsonSchema,
  parseGenesis,
  protocol,
} from './ledger.ts';
export {
  ACCOUNTS_PER_CREDENTIAL_MAX,
  ACTION_GAS_ENTRIES_MAX,
  ACTIONS_PER_TRANSACTION_MAX,
  ASSETS_PER_ACCOUNT_MAX,
  AUTHENTICATOR_DATA_BYTES_MAX,
  BLOCK_TRANSACTIONS_MAX,
  CHANGES_PER_ACTION_MAX,
  CLIENT_DATA_BYTES_MAX,
  CREDENTIAL_ID_BYTES_MAX,
  DECIMALS_MAX,
  GENESIS_ACCOUNTS_MAX,
  KEYS_PER_ACCOUNT_MAX,
  LABEL_BYTES_MAX,
  LOGS_PER_RECEIPT_MAX,
  MEMO_BYTES_MAX,
  ORIGIN_BYTES_MAX,
  ORIGINS_PER_KEY_MAX,
  PROTOCOL_VERSION,
  SYMBOL_LENGTH_MAX,
  TRANSACTION_BYTES_MAX,
  VALIDATORS_MAX,
  VALIDITY_HEIGHTS_MAX,
} from './limits.ts';
export type {
  ActionContext,
  ActionDefinition,
  ActionDescription,
  AnyActionDefinition,
  AnyModule,
  BlockContext,
  ChainParameters,
  FieldRole,
  GenesisContext,
  Module,
  NativeAsset,
} from './module.ts';
export { defineAction, defineLog, defineModule } from './module.ts';
export type { CredentialClaim } from './modules/account/index.ts';
export type { AssetRecord } from './modules/asset/index.ts';
export type { FaucetGenesis } from './modules/faucet/index.ts';
export { builtinModules } from './modules/index.ts';
export type { ParameterChange } from './modules/parameters/index.ts';
export { chainParametersCodec } from './modules/parameters/index.ts';
export { policyFault, rolesOfClass, stricterClass, weightNeeded } from './policy.ts';
export type { PreparedBlock, PreparedTransaction } from './prepare.ts';
export { signatureClaims } from './prepare.ts';
export type { AccountView, ActionView, BalanceView, LogView } from './read.ts';
export {
  accountStateKeys,
  balanceStateKey,
  findByCredential,
  readAccount,
  readAsset,
  readAssetIds,
  readBalance,
  readBalances,
  readFaucet,
  readLastGrant,
  readParameters,
} from './read.ts';
export type { BalanceChange, Simulation, SimulationRequest } from './simulate.ts';
export type { MissingKeys, MutableState, StateChange, StateEntry, StateView } from './state.ts';
export { attempt, MissingKey, missingKeysOf, Overlay, viewOfChanges } from './state.ts';
export type { Table } from './table.ts';
export { createTable } from './table.ts';
export type {
  Action,
  ActionClass,
  Amount,
  AssetId,
  Authorization,
  Block,
  CommitCertificate,
  CommittedBlock,
  ConsensusOptions,
  Evidence,
  Gas,
  Header,
  Height,
  Key,
  KeyHint,
  KeyPolicy,
  KeyRecord,
  KeyRole,
  KeyScheme,
  KeySignature,
  Log,
  Membership,
  Receipt,
  Round,
  Sequence,
  SignedVote,
  Thresholds,
  Transaction,
  TransactionBody,
  TransactionCodecs,
  Transport,
  Validator,
  Vote,
  VoteKind,
} from './types.ts';
export {
  amountCodec,
  assetIdCodec,
  authorizationCodec,
  commitCertificateCodec,
  consensusOptionsCodec,
  ed25519PublicKeyCodec,
  evidenceCodec,
  gasCodec,
  headerCodec,
  heightCodec,
  keyCodec,
  keyHintCodec,
  keyPolicyCodec,
  keyRecordCodec,
  keyRoleCodec,
  keySignatureCodec,
  logCodec,
  membershipCodec,
  p256PublicKeyCodec,
  receiptCodec,
  roundCodec,
  sequenceCodec,
  signedVoteCodec,
  thresholdsCodec,
  timestampCodec,
  transactionCodecs,
  transportCodec,
  validatorCodec,
  voteCodec,
  voteKindCodec,
} from './types.ts';
