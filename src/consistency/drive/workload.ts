import { setTimeout as wait } from 'node:timers/promises';
import type { Hash } from '../../crypto/index.ts';
import type { Submission } from '../history.ts';
import type { RecordingClient } from './client.ts';
import type { Person, Price, SignedTransfer } from './people.ts';
import { signTransfer } from './people.ts';
import type { Prng } from './prng.ts';
import type { Recorder } from './recorder.ts';

/** What all clients of a run share. */
export type Stage = {
  readonly chainId: Hash;
  readonly price: Price;
  readonly recorder: Recorder;
  readonly clients: readonly RecordingClient[];
  /** One a client, and more that several clients spend from. */
  readonly own: readonly Person[];
  readonly shared: readonly [Person, ...Person[]];
  /** Everything signed so far. */
  readonly signed: SignedTransfer[];
};

/** Heights for which a transfer is valid: few, so that many pass their last one. */
const VALIDITY = { least: 4, spread: 24 };
const PAUSE_MS_MAX = 40;
/** The newest transactions, which are asked about most. */
const RECENT = 24;

/** One client's life until `signal`: pays, double-spends, and reads everything that can be read. */
export async function live(
  stage: Stage,
  number: number,
  prng: Prng,
  signal: AbortSignal,
): Promise<void> {
  const client = stage.clients[number];
  const own = stage.own[number];
  if (client === undefined || own === undefined) throw new Error(`no client ${number}`);
  const payer = new Payer(stage, client, prng);
  for (const person of [own, ...stage.shared]) client.watch(person);
  while (!signal.aborted) {
    await act({ stage, client, own, prng, payer });
    await wait(prng.below(PAUSE_MS_MAX));
  }
}

async function act(one: {
  readonly stage: Stage;
  readonly client: RecordingClient;
  readonly own: Person;
  readonly prng: Prng;
  readonly payer: Payer;
}): Promise<void> {
  const { stage, client, own, prng, payer } = one;
  const somebody = prng.pick([own, own, ...stage.own, ...stage.shared]);
  const choice = prng.below(100);
  if (choice < 25) await payer.pay(own);
  else if (choice < 30) await payer.pay(prng.pick(stage.shared));
  else if (choice < 33) await payer.spendTwice(own);
  else if (choice < 36) await payer.replace(own);
  else if (choice < 38) await payer.overdraw(own);
  else if (choice < 40) await payer.skip(own);
  else if (choice < 42) await payer.sendAgain();
  else if (choice < 60) await askStatus(stage, client, prng);
  else if (choice < 75) await client.account(somebody, true);
  else if (choice < 85) await client.account(somebody);
  else if (choice < 90) await client.head();
  else if (choice < 93) await client.block(prng.below(stage.recorder.heightMax + 2));
  else if (choice < 95) await client.blocks(prng.below(stage.recorder.heightMax + 2));
  else if (choice < 98) await client.activity(somebody);
  else await client.provenAccount(somebody);
}

async function askStatus(stage: Stage, client: RecordingClient, prng: Prng): Promise<void> {
  const { signed } = stage;
  const isRecent = prng.below(4) > 0;
  const from = isRecent ? Math.max(0, signed.length - RECENT) : 0;
  const transfer = signed[from + prng.below(signed.length - from)];
  if (transfer !== undefined) await client.status(transfer.hash);
}

/** Spends for one client, honestly and not. */
export class Payer {
  readonly #stage: Stage;
  readonly #client: RecordingClient;
  readonly #prng: Prng;
  /** The sequence that comes next, as far as this client knows. */
  readonly #sequences = new Map<string, number>();

  constructor(stage: Stage, client: RecordingClient, prng: Prng) {
    this.#stage = stage;
    this.#client = client;
    this.#prng = prng;
  }

  /** An ordinary transfer; answers it if the relay took it. */
  async pay(sender: Person): Promise<SignedTransfer | undefined> {
    const sequence = await this.#nextOf(sender);
    if (sequence === undefined) return undefined;
    const transfer = this.#sign(sender, sequence);
    if (this.#prng.below(4) === 0) this.#client.follow(transfer.hash);
    return (await this.#send(sender, transfer)) === 'accepted' ? transfer : undefined;
  }

  /** Two transfers of one sequence, to two relays: one of them at most may ever be executed. */
  async spendTwice(sender: Person): Promise<void> {
    const sequence = await this.#nextOf(sender);
    if (sequence === undefined) return;
    const other = this.#someClient();
    const [one, two] = [this.#sign(sender, sequence), this.#sign(sender, sequence)];
    await Promise.all([this.#send(sender, one), other.submit(two)]);
  }

  /** A second transfer of the same sequence for more: the pool lets the first go, others may not. */
  async replace(sender: Person): Promise<void> {
    const sequence = await this.#nextOf(sender);
    if (sequence === undefined) return;
    const [one, two] = [
      this.#sign(sender, sequence),
      this.#sign(sender, sequence, { feeFactor: 2n }),
    ];
    await Promise.all([this.#client.submit(one), this.#someClient().submit(one)]);
    await this.#send(sender, two);
  }

  /** More than there is: refused or executed in vain. */
  async overdraw(sender: Person): Promise<void> {
    const sequence = await this.#nextOf(sender);
    if (sequence === undefined) return;
    await this.#send(sender, this.#sign(sender, sequence, { amount: 10n ** 15n }));
  }

  /** Leaves sequences out: waits, and expires unless they come. */
  async skip(sender: Person): Promise<void> {
    const sequence = await this.#nextOf(sender);
    if (sequence === undefined) return;
    await this.#client.submit(this.#sign(sender, sequence + 1 + this.#prng.below(4)));
  }

  /** The same bytes again, to any relay. */
  async sendAgain(): Promise<void> {
    const { signed } = this.#stage;
    const transfer = signed[this.#prng.below(signed.length)];
    if (transfer !== undefined) await this.#someClient().submit(transfer);
  }

  async #nextOf(sender: Person): Promise<number | undefined> {
    const known = this.#sequences.get(sender.name);
    return known ?? (await this.#client.account(sender));
  }

  #someClient(): RecordingClient {
    const [first = this.#client, ...others] = this.#stage.clients;
    return this.#prng.pick([first, ...others]);
  }

  #sign(
    sender: Person,
    sequence: number,
    special: { readonly amount?: bigint; readonly feeFactor?: bigint } = {},
  ): SignedTransfer {
    const { stage, prng } = { stage: this.#stage, prng: this.#prng };
    const others = [...stage.own, ...stage.shared].filter((person) => person !== sender);
    const [first = sender, ...rest] = others;
    const validFrom = stage.recorder.heightMax;
    const draft = {
      chainId: stage.chainId,
      sender,
      recipient: prng.pick([first, ...rest]),
      sequence,
      amount: special.amount ?? BigInt(1 + prng.below(1_000_000)),
      validFrom,
      validUntil: validFrom + VALIDITY.least + prng.below(VALIDITY.spread),
    };
    const transfer = signTransfer(draft, stage.price, special.feeFactor);
    // The same draft again is the same transaction.
    if (!stage.signed.some(({ id }) => id === transfer.id)) {
      stage.signed.push(transfer);
      const { bytes: _bytes, hash: _hash, ...facts } = transfer;
      stage.recorder.transfers.push(facts);
    }
    return transfer;
  }

  async #send(sender: Person, transfer: SignedTransfer): Promise<Submission['kind']> {
    const way = this.#prng.pick(['http', 'socket']);
    const { kind } = await this.#client.submit(transfer, way);
    // Whoever was not simply accepted looks before the next try.
    if (kind === 'accepted') this.#sequences.set(sender.name, transfer.sequence + 1);
    else this.#sequences.delete(sender.name);
    // What waits for ever behind a lost one is found out in the same way.
    if (this.#prng.below(6) === 0) this.#sequences.delete(sender.name);
    return kind;
  }
}
