import type { Bytes, TimestampMs } from '../base/index.ts';
import { defined } from '../base/index.ts';
import type { HashSuiteName } from '../crypto/index.ts';
import { hashSuite } from '../crypto/index.ts';
import type { Address } from './address.ts';
import { toAmount } from './amount.ts';
import type { ExecutionMode, GenesisDocument } from './genesis.ts';
import { addressOfPolicy } from './ids.ts';
import { PROTOCOL_VERSION } from './limits.ts';
import type { ChainParameters, NativeAsset } from './module.ts';
import type { Amount, ConsensusOptions, Gas, KeyPolicy } from './types.ts';

/** What a small network needs to say for itself; the rest has sensible values. */
export type DevnetOptions = {
  readonly name: string;
  readonly timestampMs: TimestampMs;
  /** Ed25519 keys of those who vote, each with power 1 unless said otherwise. */
  readonly validators: readonly {
    readonly publicKey: Bytes;
    readonly name: string;
    readonly power?: bigint;
  }[];
  /** The account that hands out test coins, and how; its policy is registered at once. */
  readonly faucet?: {
    readonly policy: KeyPolicy;
    /** All that it can ever hand out; 10^9 whole coins unless said otherwise. */
    readonly supply?: bigint;
    /** For one grant; 100 whole coins unless said otherwise. */
    readonly amount?: bigint;
    /** Between two grants to an account; one hour unless said otherwise. */
    readonly intervalMs?: number;
  };
  readonly balances?: readonly { readonly address: Address; readonly amount: bigint }[];
  /** Policies of accounts that have a record from the start. */
  readonly policies?: readonly KeyPolicy[];
  /** Accounts that may change parameters. */
  readonly authorities?: readonly Address[];
  readonly hashSuite?: HashSuiteName;
  readonly execution?: ExecutionMode;
  readonly native?: NativeAsset;
  readonly consensus?: Partial<ConsensusOptions>;
  readonly parameters?: Partial<ChainParameters>;
};

/** Six decimals: 10^6 smallest units are one coin. */
const COIN = 1_000_000n;

const DEVNET_CONSENSUS: ConsensusOptions = {
  membership: 'fixed',
  leader: 'rotating',
  agreement: 'three-phase',
  proposeTimeoutMs: 1_000,
  prevoteTimeoutMs: 500,
  precommitTimeoutMs: 500,
  timeoutDeltaMs: 250,
  heartbeatMs: 15_000,
  blockBytesMax: 2 * 1024 * 1024,
  blockTransactionsMax: 4_000,
};

const gas = (value: number): Gas => value as Gas; // Small whole numbers, written below.

/** A plain transfer by one key costs some 2,500 gas: 0.01 coins at this price. */
const DEVNET_PARAMETERS: ChainParameters = {
  gasPrice: 4n as Amount, // In range.
  gasPerTransaction: gas(1_000),
  gasPerByte: gas(2),
  gasPerSignature: gas(500),
  blockGasMax: gas(50_000_000),
  validityHeightsMax: 10_000,
  feeRecipient: undefined,
  actionGas: [],
};

function amountOf(value: bigint): Amount {
  return defined(toAmount(value), `not an amount: ${value}`);
}

/** Makes the genesis document of a network for development and tests. */
export function createDevnetGenesis(options: DevnetOptions): GenesisDocument {
  const suiteName = options.hashSuite ?? 'blake3-256';
  const { faucet } = options;
  const policies = [...(options.policies ?? [])];
  const balances = (options.balances ?? []).map(({ address, amount }) => ({
    address,
    amount: amountOf(amount),
  }));
  let faucetSection: object | undefined;
  if (faucet !== undefined) {
    const operator = addressOfPolicy(hashSuite(suiteName), faucet.policy);
    policies.push(faucet.policy);
    balances.push({ address: operator, amount: amountOf(faucet.supply ?? 1_000_000_000n * COIN) });
    const amount = amountOf(faucet.amount ?? 100n * COIN);
    faucetSection = { operator, amount, intervalMs: faucet.intervalMs ?? 3_600_000 };
  }
  return {
    version: PROTOCOL_VERSION,
    name: options.name,
    timestampMs: options.timestampMs,
    hashSuite: suiteName,
    execution: options.execution ?? 'state',
    consensus: { ...DEVNET_CONSENSUS, ...options.consensus },
    validators: options.validators.map(({ publicKey, name, power }) => ({
      publicKey,
      power: power ?? 1n,
      name,
    })),
    native: options.native ?? { symbol: 'TAB', name: 'Tabellion', decimals: 6 },
    modules: {
      account: { policies },
      asset: { balances },
      faucet: faucetSection,
      parameters: {
        authorities: options.authorities ?? [],
        values: { ...DEVNET_PARAMETERS, ...options.parameters },
      },
    },
  };
}
