import type { Bytes } from '../base/index.ts';
import { defined, formatHex, TabellionError, timestampMs } from '../base/index.ts';
import type { Verified } from '../crypto/index.ts';
import { verifySignature } from '../crypto/index.ts';
import type {
  Address,
  Amount,
  Height,
  KeyPolicy,
  Ledger,
  PreparedTransaction,
  StateView,
} from '../ledger/index.ts';
import {
  createDevnetGenesis,
  createLedger,
  NATIVE_ASSET,
  readAsset,
  readBalance,
  readParameters,
} from '../ledger/index.ts';
import type { LedgerTransactionStatus, WalletClient } from './types.ts';

/** The real ledger on one thread: a transaction is seen when submitted, final when mined. */
export type LedgerClient = WalletClient & {
  readonly ledger: Ledger;
  /** Executes what is pending in one block; also empty blocks count. */
  mine(blocks?: number): void;
  balance(address: Address): bigint;
  /** Forgets what is pending, as a node does that never heard of it. */
  drop(): void;
  /** Lets go of what is pending, as a pool does without a verdict. */
  letGo(code: string): void;
  readonly submitted: readonly Bytes[];
};

const GENESIS_MS = 1_700_000_000_000;

/** A devnet in which some accounts own coins from the start. */
export function createLedgerClient(
  balances: readonly { readonly address: Address; readonly amount: bigint }[],
  policies: readonly KeyPolicy[] = [],
): LedgerClient {
  const validator = { publicKey: new Uint8Array(32).fill(9), name: 'Oslo' };
  const document = createDevnetGenesis({
    name: 'Test',
    timestampMs: timestampMs(GENESIS_MS),
    validators: [validator],
    balances,
    policies,
  });
  const created = createLedger(document);
  if (!created.ok) throw new Error(created.error.code);
  const ledger = created.value;
  const values = new Map<string, Bytes>();
  const view: StateView = { get: (key) => values.get(formatHex(key)) };
  const apply = (changes: readonly { key: Bytes; value: Bytes | undefined }[]): void => {
    for (const { key, value } of changes) {
      if (value === undefined) values.delete(formatHex(key));
      else values.set(formatHex(key), value);
    }
  };
  apply(ledger.genesis.changes);

  let height = 0 as Height; // The genesis block.
  let pending: Verified<PreparedTransaction>[] = [];
  const submitted: Bytes[] = [];
  const statuses = new Map<string, LedgerTransactionStatus>();
  const watchers = new Map<string, Set<(status: LedgerTransactionStatus) => void>>();
  const headWatchers = new Set<(height: Height) => void>();
  const UNKNOWN = { stage: 'unknown', height: undefined, failure: undefined } as const;
  const nextPlace = () => ({
    height: (height + 1) as Height, // The next one.
    timestampMs: timestampMs(GENESIS_MS + 1_000 * (height + 1)),
  });

  function tell(id: Bytes, status: LedgerTransactionStatus): void {
    statuses.set(formatHex(id), status);
    for (const watcher of watchers.get(formatHex(id)) ?? []) watcher(status);
  }
  function refuse(error: { readonly code: string }): never {
    throw new TabellionError(error.code);
  }

  return {
    ledger,
    submitted,
    balance: (address) => readBalance(view, address, NATIVE_ASSET),
    mine(blocks = 1) {
      for (let count = 0; count < blocks; count++) {
        const place = nextPlace();
        const block = ledger.executeCandidates(view, place, pending);
        if (block.kind !== 'executed') throw new Error(block.kind);
        pending = [];
        apply(block.changes);
        height = place.height;
        for (const { transactionId, outcome } of block.receipts) {
          const failure =
            outcome.kind === 'failed'
              ? { code: outcome.code, actionIndex: outcome.actionIndex }
              : undefined;
          tell(transactionId, { stage: 'included', height, failure: undefined });
          tell(transactionId, {
            stage: failure === undefined ? 'final' : 'failed',
            height,
            failure,
          });
        }
        for (const watcher of headWatchers) watcher(height);
      }
    },
    letGo(droppedFor) {
      for (const { id } of pending) {
        tell(id, { stage: 'seen', height: undefined, failure: undefined, droppedFor });
      }
      pending = [];
    },
    drop() {
      for (const { id } of pending) statuses.delete(formatHex(id));
      pending = [];
    },
    async network() {
      const { name, native, hashSuite } = document;
      return { chainId: ledger.chainId, name, native, hashSuite };
    },
    headHeight: async () => height,
    async account(address) {
      const { sequence, policy, hints } = ledger.readAccount(view, address);
      return { address, sequence, policy, keys: hints };
    },
    findByCredential: async (credentialId) =>
      ledger.findByCredential(view, credentialId).map(({ address }) => address),
    asset: async (asset) => readAsset(view, asset),
    async gasPrices() {
      const { gasPrice, gasPerSignature } = readParameters(view);
      return { gasPrice, gasPerSignature };
    },
    async simulate({ body, initialPolicy, sponsorPolicy }) {
      const decoded = ledger.decodeBody(body);
      if (!decoded.ok) return refuse(decoded.error);
      const result = ledger.simulateTransaction(view, nextPlace(), {
        body: decoded.value,
        ...(initialPolicy === undefined ? {} : { initialPolicy }),
        ...(sponsorPolicy === undefined ? {} : { sponsorPolicy }),
      });
      if (result.kind !== 'simulated') throw new Error(result.kind);
      const { outcome, gasUsed, fee, problem, balanceChanges } = result;
      const changes = balanceChanges.map((change) => {
        const record = defined(readAsset(view, change.asset), 'a changed asset exists');
        return { ...change, symbol: record.symbol, decimals: record.decimals };
      });
      const facts = problem?.code === 'gas-limit-too-low' ? { needed: problem.needed } : {};
      const found = problem === undefined ? undefined : { code: problem.code, facts };
      const trust = 'validated';
      return { atHeight: height, trust, outcome, gasUsed, fee, changes, problem: found };
    },
    async submit(bytes) {
      submitted.push(bytes);
      const prepared = ledger.prepareTransaction(bytes);
      if (!prepared.ok) return refuse(prepared.error);
      const verdicts = prepared.value.claims.map(verifySignature);
      const verified = ledger.verifyTransaction(prepared.value, verdicts);
      if (!verified.ok) return refuse(verified.error);
      const verdict = ledger.validateTransaction(view, verified.value, nextPlace());
      const isGap = verdict.kind === 'invalid' && verdict.error.code === 'sequence-gap';
      if (verdict.kind === 'invalid' && !(isGap && pending.length > 0)) {
        return refuse(verdict.error);
      }
      pending.push(verified.value);
      tell(prepared.value.id, { stage: 'seen', height: undefined, failure: undefined });
      return prepared.value.id;
    },
    transactionStatus: async (id) => statuses.get(formatHex(id)) ?? UNKNOWN,
    watchTransaction(id, callback) {
      const name = formatHex(id);
      watchers.set(name, (watchers.get(name) ?? new Set()).add(callback));
      callback(statuses.get(name) ?? UNKNOWN);
      return () => watchers.get(name)?.delete(callback);
    },
    watchHead(callback) {
      headWatchers.add(callback);
      callback(height);
      return () => headWatchers.delete(callback);
    },
  };
}

/** Coins in smallest units, six decimals. */
export function coins(count: number): Amount {
  return (BigInt(count) * 1_000_000n) as Amount; // Small in tests.
}
