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
import {
  FAUCET_CALLERS_MAX,
  FAUCET_GRANTS_PER_CALLER_MAX,
  FAUCET_WINDOW_MS,
  OWN_VALIDITY_HEIGHTS,
} from './limits.ts';
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

type Caller = { windowStartMs: number; grants: number };

/** Hands out test coins: one grant an account and interval (a rule of the ledger), few a caller. */
export class FaucetService {
  readonly #chain: Chain;
  readonly #mempool: MempoolDriver;
  readonly #signer: FaucetSigner;
  readonly #clock: Clock;
  readonly #callers = new Map<string, Caller>();
  /** When each account was last given coins from here: a block may not hold the grant yet. */
  readonly #grantedMs = new Map<string, number>();
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
  }

  /** Submits a grant. `caller` is the asker's IP address, or peer id where there is none. */
  request(recipient: Address, caller: string): Promise<Result<Hash, FaucetError>> {
    const granting = this.#last.then(() => this.#grant(recipient, caller));
    this.#last = granting.catch(() => undefined);
    return granting;
  }

  async #grant(recipient: Address, caller: string): Promise<Result<Hash, FaucetError>> {
    const waitMs = await this.#waitOf(recipient);
    if (waitMs === undefined) return fail({ code: 'faucet-absent' });
    if (waitMs > 0) return fail({ code: 'faucet-too-soon', retryAfterMs: waitMs });
    const record = this.#callerOf(caller);
    if (record.grants >= FAUCET_GRANTS_PER_CALLER_MAX) {
      const retryAfterMs = record.windowStartMs + FAUCET_WINDOW_MS - this.#clock.now();
      return fail({ code: 'faucet-too-soon', retryAfterMs });
    }
    const transaction = await this.#transaction(recipient);
    const prepared = this.#chain.ledger.prepareTransaction(transaction);
    if (!prepared.ok) return fail({ code: 'faucet-empty' });
    const submitted = await this.#mempool.submit(prepared.value.bytes);
    if (!submitted.ok) return fail({ code: 'faucet-empty' });
    record.grants += 1;
    this.#remember(recipient);
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
    const lastMs = found.lastMs ?? this.#grantedMs.get(formatHex(recipient));
    if (lastMs === undefined) return 0;
    return Math.max(0, lastMs + found.settings.intervalMs - this.#clock.now());
  }

  #remember(recipient: Address): void {
    const name = formatHex(recipient);
    this.#grantedMs.delete(name);
    this.#grantedMs.set(name, this.#clock.now());
    const [oldest] = this.#grantedMs.keys();
    if (this.#grantedMs.size > FAUCET_CALLERS_MAX && oldest !== undefined) {
      this.#grantedMs.delete(oldest);
    }
  }

  async #transaction(recipient: Address): Promise<Transaction> {
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
    const place = { height, timestampMs: this.#clock.now() };
    const { gasUsed, fee } = await this.#chain.read((view) =>
      ledger.simulateTransaction(view, place, { body: draft, initialPolicy: this.#signer.policy }),
    );
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

  #callerOf(caller: string): Caller {
    const now = this.#clock.now();
    const known = this.#callers.get(caller);
    if (known !== undefined && now - known.windowStartMs < FAUCET_WINDOW_MS) return known;
    const fresh = { windowStartMs: now, grants: 0 };
    this.#callers.delete(caller);
    this.#callers.set(caller, fresh);
    if (this.#callers.size > FAUCET_CALLERS_MAX) {
      const [oldest] = this.#callers.keys();
      if (oldest !== undefined) this.#callers.delete(oldest);
    }
    return fresh;
  }
}
