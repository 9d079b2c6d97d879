export type { AmountError } from './amount.ts';
export { formatAmount, parseAmount } from './amount.ts';
export { walletClientOf } from './client.ts';
export type { WalletErrorCode } from './errors.ts';
export { initialPolicyFor, keyLosses } from './policy.ts';
export { findLookalike } from './resemblance.ts';
export { signingCodeOf } from './signing-code.ts';
export { createLocalWalletStorage, createMemoryWalletStorage } from './storage.ts';
export type {
  AddedKey,
  BalanceChange,
  Contact,
  CreateAccountRequest,
  CredentialsApi,
  GasPrices,
  KeyKind,
  KeyLoss,
  LedgerAccount,
  LedgerTransactionStatus,
  LocalAccount,
  LocalKey,
  NetworkFacts,
  PreparedTransaction,
  PrepareRequest,
  ProgressStage,
  SignedTransaction,
  SimulateRequest,
  Simulation,
  SummaryField,
  SummaryLine,
  TransactionProgress,
  Wallet,
  WalletClient,
  WalletDependencies,
  WalletState,
  WalletStorage,
} from './types.ts';
export { createWallet } from './wallet.ts';
