import { setTimeout as wait } from 'node:timers/promises';
import { encode } from '../../codec/index.ts';
import { protocol } from '../../ledger/index.ts';
import type { ProofAnchor } from '../../sdk/index.ts';
import { proofAnchorOf } from '../../sdk/index.ts';
import type { FinalBlock, Record } from '../history.ts';
import { readChain } from './chains.ts';
import { RecordingClient } from './client.ts';
import type { Fault } from './faults.ts';
import { doHarm } from './faults.ts';
import type { Person, Price, SignedTransfer } from './people.ts';
import { bodyOf, createPerson } from './people.ts';
import { createPrng } from './prng.ts';
import { Recorder } from './recorder.ts';
import { Relays, VALIDATORS } from './relays.ts';
import type { Stage } from './workload.ts';
import { live, Payer } from './workload.ts';

export type RunOptions = {
  readonly seconds: number;
  readonly seed: number;
  readonly clients: number;
  readonly faults: readonly Fault[];
  /** Leaves the validators' data and logs behind. */
  readonly mustKeep: boolean;
  readonly say: (text: string) => void;
};

export type RunResult = { readonly record: Record; readonly faults: ReadonlyMap<Fault, number> };

const BALANCE = 1_000_000_000n;
const SHARED_ACCOUNTS = 2;
/** After the last fault, all relays must be at one height and going on within this. */
const RECOVERY_MS = 90_000;
const POLL_MS = 50;

/** Runs clients against four validators while harm is done; gives back all that was seen. */
export async function run(options: RunOptions, signal: AbortSignal): Promise<RunResult> {
  const { clients, say, seed, mustKeep } = options;
  const prng = createPrng(seed);
  const people = Array.from({ length: clients + SHARED_ACCOUNTS }, () => createPerson(prng.fork()));
  const relays = await Relays.start(people, BALANCE);
  try {
    return await runOn(relays, people, options, signal);
  } finally {
    const data = await relays.stop(mustKeep);
    if (mustKeep) say(`  data and logs: ${data}`);
  }
}

async function runOn(
  relays: Relays,
  people: readonly Person[],
  options: RunOptions,
  signal: AbortSignal,
): Promise<RunResult> {
  const { say, faults } = options;
  const prng = createPrng(options.seed ^ 0x5eed);
  const recorder = new Recorder();
  const stage = await prepareStage(relays, people, { recorder, clients: options.clients });
  const { anchor, clients } = stage;
  try {
    say(`  ${VALIDATORS} validators, ${clients.length} clients, ${options.seconds} s`);
    const end = AbortSignal.any([signal, AbortSignal.timeout(1000 * options.seconds)]);
    const [harm] = await Promise.all([
      doHarm(faults, { relays, recorder, prng: prng.fork(), say }, end),
      ...clients.map((_, number) => live(stage, number, prng.fork(), end)),
    ]);
    signal.throwIfAborted();
    say('  settling');
    await settle(stage, createPrng(options.seed), signal);
    const height = Math.min(...(await Promise.all(clients.map((client) => headOf(client)))));
    const firsts = clients.slice(0, VALIDATORS);
    const chains: FinalBlock[][] = [];
    for (const client of firsts) chains.push(await readChain(client, height, anchor));
    const balances = new Map(people.map(({ name }) => [name, BALANCE]));
    const { transfers, restarts } = recorder;
    // Subscriptions may have told of later blocks meanwhile.
    const entries = recorder.entries.filter(
      (entry) => !(entry.kind === 'head' && entry.height > height),
    );
    return { record: { entries, transfers, restarts, balances, chains }, faults: harm };
  } finally {
    for (const client of clients) client.close();
  }
}

async function prepareStage(
  relays: Relays,
  people: readonly Person[],
  options: { readonly recorder: Recorder; readonly clients: number },
): Promise<Stage & { readonly anchor: ProofAnchor }> {
  const { recorder } = options;
  const anchor = proofAnchorOf(relays.genesis);
  if (!anchor.ok) throw new Error(`genesis: ${anchor.error.code}`);
  const clients = Array.from({ length: options.clients }, (_, number) => {
    const relay = number % VALIDATORS;
    const [rpc, webSocket] = [relays.rpcOf(relay), relays.webSocketOf(relay)];
    return new RecordingClient({ number, relay, rpc, webSocket, recorder, anchor: anchor.value });
  });
  const [first] = clients;
  const [one, two] = people;
  const own = people.slice(0, options.clients);
  const [shared, ...others] = people.slice(options.clients);
  if (first === undefined || one === undefined || two === undefined || shared === undefined) {
    throw new Error('nobody is there');
  }
  const { chainId } = anchor.value;
  const draft = { chainId, sender: one, recipient: two, sequence: 0, amount: 1n };
  const price = await priceOf(first, { ...draft, validFrom: 0, validUntil: 10 });
  const stage = { chainId, price, recorder, clients, own, signed: [] };
  return { ...stage, shared: [shared, ...others], anchor: anchor.value };
}

async function priceOf(
  client: RecordingClient,
  draft: Parameters<typeof bodyOf>[0],
): Promise<Price> {
  const body = encode(protocol.codecs.body, bodyOf(draft));
  const question = { body, initialPolicy: undefined, sponsorPolicy: undefined };
  const { fee, gasUsed, problem } = await client.ask('transaction.simulate', question);
  if (problem !== undefined) throw new Error(`nobody can pay: ${problem.code}`);
  return { feeMax: fee, gasLimit: gasUsed };
}

/** Waits for all relays, lets every transaction meet its last height, and asks for its verdict. */
async function settle(stage: Stage, prng: Parameters<typeof live>[2], signal: AbortSignal) {
  const { recorder, clients, signed, own } = stage;
  await untilAllAt(stage, recorder.heightMax + 1, signal);
  const last = Math.max(0, ...signed.map(({ validUntil }) => validUntil)) + 1;
  const [client, sender] = [clients[0], own[0]];
  if (client === undefined || sender === undefined) return;
  // Transfers make blocks sooner than the heartbeat does.
  const payer = new Payer({ ...stage, signed: [] }, client, prng);
  while (recorder.heightMax < last) {
    signal.throwIfAborted();
    const transfer = await payer.pay(sender);
    if (transfer !== undefined) await untilSettled(client, transfer, signal);
    else await wait(POLL_MS);
    await client.head();
  }
  await untilAllAt(stage, Math.max(last, recorder.heightMax), signal);
  await Promise.all(
    clients.map(async (each) => {
      for (const { hash } of signed) await each.status(hash);
      for (const person of [...stage.own, ...stage.shared]) {
        await each.account(person, true);
        await each.provenAccount(person);
      }
      await each.supply();
    }),
  );
}

/** Waits for a verdict, or until the last height of the transaction has passed. */
async function untilSettled(
  client: RecordingClient,
  { hash, validUntil }: SignedTransfer,
  signal: AbortSignal,
): Promise<void> {
  while (((await client.head()) ?? 0) < validUntil) {
    signal.throwIfAborted();
    const stage = (await client.status(hash))?.stage;
    if (stage === 'final' || stage === 'failed' || stage === 'expired') return;
    await wait(POLL_MS);
  }
}

/** Rejects when relays do not come together in time: a promise as much as the others are. */
async function untilAllAt(stage: Stage, height: number, signal: AbortSignal): Promise<void> {
  const untilMs = performance.now() + RECOVERY_MS;
  for (const client of stage.clients) {
    for (;;) {
      signal.throwIfAborted();
      const head = await client.head();
      if (head !== undefined && head >= height) break;
      if (performance.now() > untilMs) {
        throw new Error(
          `relay ${client.relay} is at ${head ?? 'no head'} and should reach ${height}`,
        );
      }
      await wait(POLL_MS);
    }
  }
}

async function headOf(client: RecordingClient): Promise<number> {
  for (;;) {
    const head = await client.head();
    if (head !== undefined) return head;
    await wait(POLL_MS);
  }
}
