import { randomBytes } from 'node:crypto';
import type { Bytes } from '../base/index.ts';
import { errorToData, formatHex } from '../base/index.ts';
import { encode } from '../codec/index.ts';
import type { Hash, HashSuiteName } from '../crypto/index.ts';
import { generateKeyPair, hashSuite, signMessage } from '../crypto/index.ts';
import type { Address, Amount, Gas, Height, TransactionBody } from '../ledger/index.ts';
import {
  addressOfPolicy,
  NATIVE_ASSET,
  PROTOCOL_VERSION,
  protocol,
  signingHashOf,
  transactionIdOf,
} from '../ledger/index.ts';
import type { Client } from '../sdk/index.ts';
import { Broken, expectThat, pause, until } from './failure.ts';
import type { RelayProcess } from './validator.ts';

/** How fast somebody pays: how many payments may be on their way, and how often he looks. */
export type Pace = { readonly pendingMax: number; readonly everyMs: number };

/** As fast as blocks take them. */
export const STEADILY: Pace = { pendingMax: 12, everyMs: 30 };
/** A block now and then: the head moves, and the newest snapshots stay for a while. */
export const NOW_AND_THEN: Pace = { pendingMax: 1, everyMs: 300 };
/** No new ones. */
export const NOT_AT_ALL: Pace = { pendingMax: 0, everyMs: 30 };

/** A payment that is not final by then is submitted again: whoever had it may be dead. */
const RESEND_MS = 1_500;

type Payment = { readonly id: Hash; readonly bytes: Bytes; sentMs: number };
type FinalPayment = { readonly id: Hash; readonly height: number };

/** Somebody who pays all the time, through whichever validators live, and remembers what was final. */
export class Payments {
  readonly #relays: readonly RelayProcess[];
  readonly #pair = generateKeyPair('ed25519', randomBytes(32));
  readonly #pending = new Map<string, Payment>();
  readonly final: FinalPayment[] = [];
  #chain: { readonly id: Hash; readonly suite: ReturnType<typeof hashSuite> } | undefined;
  #price = { feeMax: 0n as Amount, gasLimit: 0 as Gas }; // Told by the first simulation.
  #sequence = 0;
  #failure: Broken | undefined;
  #pace = STEADILY;
  #isEnding = false;
  #running: Promise<void> = Promise.resolve();
  #between: (() => void)[] = [];

  constructor(relays: readonly RelayProcess[]) {
    this.#relays = relays;
  }

  get #policy() {
    const { publicKey } = this.#pair;
    return {
      keys: [
        { key: { kind: 'ed25519', publicKey }, role: 'signer', weight: 1, expiresAt: undefined },
      ],
      thresholds: { everyday: 1, guarded: 1, vault: 1 },
    } as const;
  }

  /** Gets coins, makes the account known by its first payment, and begins to pay. */
  async begin(): Promise<void> {
    const { client } = this.#alive()[0] ?? this.#never();
    const info = await client.call('chain.info', {});
    const suite = hashSuite(info.hashSuite as HashSuiteName); // Named by our own relay.
    this.#chain = { id: info.chainId, suite };
    const address = addressOfPolicy(suite, this.#policy);
    const { id } = await client.call('faucet.request', { address });
    await until('coins', () => this.#isFinal(client, id));
    await this.#simulate(client);
    await this.#pay(client);
    await until('a first payment', async () => {
      await this.#look(client);
      return this.final.length > 0;
    });
    this.#running = this.#run();
  }

  /** How fast to pay from now on. */
  pay(pace: Pace): void {
    this.#pace = pace;
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#running;
  }

  /** Runs a job, such as pausing somebody, at a moment when no answer is waited for. */
  between(job: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.#between.push(() => {
        job();
        resolve();
      });
    });
  }

  #alive(): RelayProcess[] {
    return this.#relays.filter(({ isAnswering }) => isAnswering);
  }

  #never(): never {
    throw new Error('no validator lives');
  }

  #body(): TransactionBody {
    const { id, suite } = this.#chain ?? this.#never();
    return {
      version: PROTOCOL_VERSION,
      chainId: id,
      sender: addressOfPolicy(suite, this.#policy),
      sequence: this.#sequence as TransactionBody['sequence'], // Counted from zero.
      validFrom: 0 as Height,
      validUntil: 10_000 as Height, // Far beyond what a run decides.
      ...this.#price,
      sponsor: undefined,
      actions: [
        {
          kind: 'asset.transfer',
          asset: NATIVE_ASSET,
          recipient: new Uint8Array(randomBytes(32)) as Address, // Any 32 bytes are one.
          amount: 1n as Amount,
        },
      ],
      memo: '',
    };
  }

  async #simulate(client: Client): Promise<void> {
    const body = encode(protocol.codecs.body, this.#body());
    const told = await client.call('transaction.simulate', { body, initialPolicy: this.#policy });
    expectThat(told.problem === undefined, `cannot pay: ${told.problem?.code ?? ''}`);
    // Some more than it costs now: later ones are not simulated.
    this.#price = {
      feeMax: (told.fee * 3n) as Amount,
      gasLimit: (told.gasUsed * 3) as Gas,
    };
  }

  async #pay(client: Client): Promise<void> {
    const { suite } = this.#chain ?? this.#never();
    const body = this.#body();
    const bodyBytes = encode(protocol.codecs.body, body);
    const message = signingHashOf(suite, bodyBytes);
    const { publicKey } = this.#pair;
    const signature = signMessage(this.#pair, message);
    const bytes = encode(protocol.codecs.transaction, {
      body,
      sender: {
        initialPolicy: this.#sequence === 0 ? this.#policy : undefined,
        signatures: [{ kind: 'ed25519', publicKey, signature }],
      },
      sponsor: undefined,
    });
    // Noted first: whoever dies before answering may have told others, and a second payment of
    // this sequence could never be.
    const id = transactionIdOf(suite, bodyBytes);
    this.#sequence += 1;
    this.#pending.set(formatHex(id), { id, bytes, sentMs: performance.now() });
    await this.#submit(client, bytes);
  }

  async #run(): Promise<void> {
    for (let turn = 0; !this.#isEnding; turn++) {
      for (const job of this.#between.splice(0)) job();
      const alive = this.#alive();
      const relay = alive[turn % Math.max(1, alive.length)];
      try {
        if (relay !== undefined) await this.#turn(relay.client);
      } catch (error) {
        // Killed under our hands: the next turn asks somebody else.
        if (error instanceof Broken) this.#failure = error;
      }
      await pause(this.#pace.everyMs);
    }
  }

  async #turn(client: Client): Promise<void> {
    await this.#look(client);
    for (const payment of this.#pending.values()) {
      if (performance.now() - payment.sentMs < RESEND_MS) continue;
      payment.sentMs = performance.now();
      await this.#submit(client, payment.bytes);
    }
    while (this.#pending.size < this.#pace.pendingMax && !this.#isEnding) await this.#pay(client);
  }

  /** Where it is known already it is refused, and needs nothing; so it does where nobody answers. */
  async #submit(client: Client, bytes: Bytes): Promise<void> {
    await client.call('transaction.submit', { bytes }).catch((error: unknown) => {
      const { code } = errorToData(error);
      if (code === 'insufficient-balance')
        this.#failure = new Broken('the payer has no coins left');
    });
  }

  /** Throws when payments cannot go on. */
  expectGoingOn(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #look(client: Client): Promise<void> {
    for (const { id } of [...this.#pending.values()]) {
      const { stage, height, code } = await client.call('transaction.status', { id });
      expectThat(stage !== 'failed' && stage !== 'expired', `a payment ${stage}: ${code ?? ''}`);
      if (stage !== 'final') continue;
      this.#pending.delete(formatHex(id));
      this.final.push({ id, height: height ?? 0 });
    }
  }

  async #isFinal(client: Client, id: Hash): Promise<boolean> {
    return (await client.call('transaction.status', { id })).stage === 'final';
  }

  /** Everything that was ever called final, or the newest of it, is where it was said to be. */
  async expectKept(relay: RelayProcess, newest = Number.POSITIVE_INFINITY): Promise<void> {
    this.expectGoingOn();
    const { head } = await relay.client.call('node.status', {});
    for (const { id, height } of this.final.slice(-Math.min(newest, this.final.length))) {
      if (height > head.height) continue; // It was told by others, a moment ago.
      const told = await relay.client.call('transaction.status', { id });
      const isKept = told.stage === 'final' && told.height === height;
      expectThat(isKept, `payment ${formatHex(id)} of block ${height} is ${told.stage} now`);
    }
  }
}
