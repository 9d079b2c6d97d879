import type { Bytes, Clock, Result } from '../base/index.ts';
import { fail, formatHex } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type {
  Address,
  Amount,
  Gas,
  Height,
  KeyPolicy,
  Transaction,
  TransactionBody,
} from '../ledger/index.ts';
import { PROTOCOL_VERSION, readFaucet, readLastGrant } from '../ledger/index.ts';
import type { Chain } from './chain.ts';
import type { FaucetCaller } from './faucet-quotas.ts';
import { FaucetQuotas, keepNewest } from './faucet-quotas.ts';
import { FAUCET_RETRY_MS, FAUCET_WAITING_MAX, OWN_VALIDITY_HEIGHTS } from './limits.ts';
import type { MempoolDriver } from './mempool-driver.ts';

/** The key that hands out test coins; it stays in the home that made it. */
export type FaucetSigner = {
  /** The policy whose hash is the operator's address. */
  readonly policy: KeyPolicy;
  readonly publicKey: Bytes;
  /** Ed25519. */
  sign(message: Uint8Array): Bytes;
};

/** Why no coins come; codes are public. */
export type FaucetError =
  | { readonly code: 'faucet-absent' }
  | { readonly code: 'faucet-too-soon'; readonly retryAfterMs: number }
  | { readonly code: 'faucet-empty' };

/** Refusals of a grant that time heals, unlike an empty purse. */
const CROWDED: ReadonlySet<string> = new Set([
  'duplicate',
  'sequence-used',
  'sequence-gap',
  'replacement-fee-too-low',
  'sender-quota-exceeded',
  'mempool-full',
]);

/** Hands out test coins: one grant an account and interval (a rule of the ledger), few a caller. */
export class FaucetService {
  readonly #chain: Chain;
  readonly #mempool: MempoolDriver;
  readonly #signer: FaucetSigner;
  readonly #clock: Clock;
  readonly #quotas: FaucetQuotas;
  /** The last grant that this node made to an account, until it shows on the ledger or is gone. */
  readonly #granted = new Map<string, Hash>();
  #waiting = 0;
  /** One grant is made at a time, so that each gets a sequence of its own. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(dependencies: {
    readonly chain: Chain;
    readonly mempool: MempoolDriver;
    readonly signer: FaucetSigner;
    readonly clock: Clock;
  }) {
    this.#chain = dependencies.chain;
    this.#mempool = dependencies.mempool;
    this.#signer = dependencies.signer;
    this.#clock = dependencies.clock;
    this.#quotas = new FaucetQuotas(dependencies.clock);
  }

  /** Submits a grant, or says why not. */
  async request(recipient: Address, caller: FaucetCaller): Promise<Result<Hash, FaucetError>> {
    if (this.#waiting >= FAUCET_WAITING_MAX) return tooSoon(FAUCET_RETRY_MS);
    this.#waiting += 1;
    const granting = this.#last.then(() =>
      this.#quotas.grant(caller, () => this.#grant(recipient)),
    );
    this.#last = granting.catch(() => undefined);
    return granting.finally(() => {
      this.#waiting -= 1;
    });
  }

  async #grant(recipient: Address): Promise<Result<Hash, FaucetError>> {
    const waitMs = await this.#waitOf(recipient);
    if (waitMs === undefined) return fail({ code: 'faucet-absent' });
    if (waitMs > 0) return tooSoon(waitMs);
    const transaction = await this.#transaction(recipient);
    const prepared =
      transaction === undefined ? undefined : this.#chain.ledger.prepareTransaction(transaction);
    if (prepared?.ok !== true) return fail({ code: 'faucet-empty' });
    const submitted = await this.#mempool.submit(prepared.value.bytes);
    if (!submitted.ok) {
      return CROWDED.has(submitted.error.code)
        ? tooSoon(FAUCET_RETRY_MS)
        : fail({ code: 'faucet-empty' });
    }
    keepNewest(this.#granted, formatHex(recipient), submitted.value);
    return submitted;
  }

  /** How long the account still has to wait; undefined without a faucet on the ledger. */
  async #waitOf(recipient: Address): Promise<number | undefined> {
    const found = await this.#chain.read((view) => ({
      kind: 'read' as const,
      settings: readFaucet(view),
      lastMs: readLastGrant(view, recipient),
    }));
    if (found.settings === undefined) return undefined;
    const { intervalMs } = found.settings;
    // On its way to the ledger: a second one would only be charged for nothing.
    const pending = this.#granted.get(formatHex(recipient));
    if (pending !== undefined && this.#mempool.get(pending) !== undefined) {
      return Math.max(intervalMs, 1);
    }
    if (found.lastMs === undefined) return 0;
    return Math.max(0, found.lastMs + intervalMs - this.#clock.now());
  }

  /** A signed grant; undefined when it would fail. */
  async #transaction(recipient: Address): Promise<Transaction | undefined> {
    const { ledger } = this.#chain;
    const sender = ledger.addressOfPolicy(this.#signer.policy);
    const { height } = this.#chain.next();
    const account = await this.#chain.read((view) => ({
      kind: 'read' as const,
      ...ledger.readAccount(view, sender),
    }));
    const draft: TransactionBody = {
      version: PROTOCOL_VERSION,
      chainId: ledger.chainId,
      sender,
      sequence: this.#mempool.nextSequence(sender, account.sequence),
      validFrom: height,
      // A height and a little more is a height.
      validUntil: (height + OWN_VALIDITY_HEIGHTS) as Height,
      feeMax: 0n as Amount, // A draft: the simulation says what it costs.
      gasLimit: 0 as Gas,
      sponsor: undefined,
      actions: [{ kind: 'faucet.grant', recipient }],
      memo: '',
    };
    const place = { height, timestampMs: this.#chain.nextTimestamp() };
    const { gasUsed, fee, outcome } = await this.#chain.read((view) =>
      ledger.simulateTransaction(view, place, { body: draft, initialPolicy: this.#signer.policy }),
    );
    if (outcome.kind === 'failed') return undefined;
    const body: TransactionBody = { ...draft, gasLimit: gasUsed, feeMax: fee };
    const signature = this.#signer.sign(ledger.signingHash(ledger.encodeBody(body)));
    const { publicKey } = this.#signer;
    return {
      body,
      sender: {
        initialPolicy: account.policy === undefined ? this.#signer.policy : undefined,
        signatures: [{ kind: 'ed25519', publicKey, signature }],
      },
      sponsor: undefined,
    };
  }
}

function tooSoon(retryAfterMs: number): Result<never, FaucetError> {
  return fail({ code: 'faucet-too-soon', retryAfterMs });
}
