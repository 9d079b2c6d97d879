import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ending } from '../../deploy/relay-process.ts';
import { freePorts } from '../../deploy/relay-process.ts';
import { equalBytes } from '../base/index.ts';
import type { Height, Ledger } from '../ledger/index.ts';
import { createLedger, parseGenesis } from '../ledger/index.ts';
import { STORE_DAMAGES } from '../node/index.ts';
import { createWebCryptoVerifier } from '../verifier/index.ts';
import type { Judges } from './dead-store.ts';
import { judgeDatabase, keepDatabase, spoilJournal, tearDatabase } from './dead-store.ts';
import type { Told } from './failure.ts';
import { Broken, expectThat, pause, until } from './failure.ts';
import { Observer } from './observer.ts';
import { Payments } from './payments.ts';
import type { Random } from './random.ts';
import type { Scene } from './undecided.ts';
import { dieAfterBlockVote, dieWithoutSpare } from './undecided.ts';
import type { PlannedNode } from './validator.ts';
import { FORGETFUL, planNetwork, RelayProcess, runCommand } from './validator.ts';
import { VoteBook } from './votes.ts';
import { Witness } from './witness.ts';

/** A point that is not passed by then is replaced by a kill at this very moment. */
const ARMED_MS_MAX = 15_000;
/** Payments asked for after every round; all of them are at the end. */
const PAYMENTS_PER_ROUND = 40;

/** Points that a running validator passes, and how often at most before it is killed there. */
export const RUNNING_POINTS: { readonly [name: string]: number } = {
  'commit-begun': 8,
  'commit-done': 8,
  'store-write-begun': 60,
  'store-write-done': 60,
  'wal-append-begun': 20,
  'wal-append-done': 20,
  'wal-prune-begun': 8,
  'wal-prune-done': 8,
  'signing-mark-begun': 8,
  'signing-mark-drafted': 8,
  'signing-mark-done': 8,
  'checkpoint-clean-begun': 1,
  'checkpoint-clean-done': 1,
  'checkpoint-pages-begun': 2,
  'checkpoint-pages-done': 2,
  'checkpoint-blocks-begun': 2,
  'checkpoint-blocks-done': 2,
  'checkpoint-index-begun': 2,
  'checkpoint-index-done': 2,
  'checkpoint-switch-begun': 2,
  'checkpoint-switch-done': 2,
  'checkpoint-garbage-begun': 2,
  'checkpoint-garbage-done': 2,
};

/** Points around a vote: the height is still undecided when the killed one starts again. */
const VOTE_POINTS = /^(wal-append|signing-mark)-/;

/** How a store is refused that is not what was written. */
const REFUSALS: ReadonlySet<string> = new Set([
  ...STORE_DAMAGES,
  ...['wal-corrupt', 'store-too-new', 'store-failed'],
]);

/** Points of a validator's opening, when the end of its journal is spoilt as well. */
export const OPENING_POINTS = ['journal-cut-begun', 'journal-cut-done'] as const;

/** Points of the first start of a network of one: each kill is followed by a start on the rest. */
export const FIRST_POINTS = [
  ...['plan', 'settings', 'validator-key', 'faucet-key', 'peer-key', 'genesis-file'].flatMap(
    (name) => [`${name}-begun`, `${name}-drafted`, `${name}-done`],
  ),
  ...['validator-mark-begun', 'validator-mark-drafted', 'validator-mark-done'],
  ...['genesis-begun', 'genesis-done', 'signing-record-begun', 'signing-record-done'],
] as const;

/** Where and when to kill. */
type Kill = { readonly point: string; readonly count: number; readonly waitMs: number };

type WorldOptions = {
  /** Folder of the app that the first of them serves. */
  readonly app?: string;
  /** Whether validators forget their logs of votes when they start. */
  readonly isForgetful?: boolean;
};

function passWords({ point, count }: Kill, isLate: boolean): string {
  if (isLate) return ', not passed: killed then';
  return point in RUNNING_POINTS ? `, pass ${count}` : '';
}

/** A local network of real processes, and all that is known of it from outside. */
export class RelayWorld {
  readonly validators: readonly RelayProcess[];
  readonly payments: Payments;
  readonly judges: Judges;
  readonly rpcs: readonly string[];
  readonly #data: string;
  #observer: Observer | undefined;
  /** Rounds after which somebody's own votes stood at a height that nobody had decided. */
  #undecided = 0;

  private constructor(
    data: string,
    nodes: readonly PlannedNode[],
    ledger: Ledger,
    { app, isForgetful = false }: WorldOptions,
  ) {
    this.#data = data;
    this.rpcs = nodes.map(({ rpcPort }) => `http://127.0.0.1:${rpcPort}/rpc`);
    this.validators = nodes.map((node, index) => {
      const imports = isForgetful ? [FORGETFUL] : [];
      const options = { app: index === 0 ? app : undefined, imports };
      return new RelayProcess(join(data, `node-${index + 1}`), node, options);
    });
    this.payments = new Payments(this.validators);
    const verifier = createWebCryptoVerifier({ concurrency: 16 });
    this.judges = { ledger, witness: new Witness(ledger, verifier), votes: new VoteBook() };
  }

  /** Plans and starts four validators, somebody who listens, and somebody who pays. */
  static async open(options: WorldOptions = {}): Promise<RelayWorld> {
    const data = await mkdtemp(join(tmpdir(), 'tabellion-crash-'));
    const plan = await planNetwork(data);
    const text = await readFile(join(data, 'node-1', 'genesis.json'), 'utf8');
    const genesis = parseGenesis(JSON.parse(text));
    const ledger = genesis.ok ? createLedger(genesis.value) : genesis;
    if (!ledger.ok) throw new Error('the relay planned a network that cannot start');
    const world = new RelayWorld(data, plan.nodes, ledger.value, options);
    try {
      await Promise.all(world.validators.map((each) => each.open()));
      const relays = world.validators.map(({ peerAddress }) => peerAddress);
      world.#observer = await Observer.open(ledger.value, world.judges.votes, relays);
      await world.payments.begin();
    } catch (error) {
      await world.close();
      throw error;
    }
    return world;
  }

  /** The highest head of those that live. */
  async head(): Promise<number> {
    const heads = await Promise.all(
      this.validators
        .filter(({ isAnswering }) => isAnswering)
        .map(async ({ client }) => (await client.call('node.status', {})).head.height),
    );
    return Math.max(0, ...heads);
  }

  /** One kill: of one validator, or of all at once. Returns what is to be told of it. */
  async round(random: Random, point: string): Promise<Told> {
    const { votes } = this.judges;
    await this.#revive();
    try {
      const told = await this.#round(random, point);
      votes.expectConsistent();
      return told;
    } catch (error) {
      // Whatever followed from two votes: they are what went wrong.
      votes.expectConsistent();
      throw error;
    }
  }

  /** A round that failed may have left somebody dead: that is not the next one's fault. */
  async #revive(): Promise<void> {
    for (const each of this.validators) if (!each.isAlive) await each.open();
  }

  async #round(random: Random, point: string): Promise<Told> {
    if (point === 'everybody') return { words: await this.#killAll(random), isMissed: false };
    const index = random.whole(0, this.validators.length - 1);
    const victim = this.validators[index];
    if (victim === undefined) throw new Error('no such validator');
    const name = `validator ${index + 1}`;
    if (point === 'revote') {
      const { words } = await dieAfterBlockVote(this.#sceneOf(victim), random);
      this.#undecided += 1;
      await this.#expectAlive(victim);
      return { words: `${name}, ${words}`, isMissed: false };
    }
    const count = random.whole(1, RUNNING_POINTS[point] ?? 1);
    const kill = { point, count, waitMs: random.whole(0, 700) };
    if (VOTE_POINTS.test(point)) return this.#dieVoting(victim, name, { ...kill, random });
    const { isLate, height } = await this.#kill(victim, kill);
    const reopen = { 'torn-database': this.#reopenTorn, 'full-disk': this.#reopenFull }[point];
    const how =
      reopen === undefined
        ? await this.#reopen(victim, height, point)
        : await reopen.call(this, victim, random);
    return { words: `${name}${passWords(kill, isLate)}, ${how}`, isMissed: isLate };
  }

  #sceneOf(victim: RelayProcess): Scene {
    if (this.#observer === undefined) throw new Error('nobody listens');
    const { validators, payments, judges } = this;
    return { validators, victim, payments, judges, observer: this.#observer };
  }

  /** A kill around a vote, of somebody without whom the height cannot be decided. */
  async #dieVoting(
    victim: RelayProcess,
    name: string,
    kill: Kill & { readonly random: Random },
  ): Promise<Told> {
    let isLate = false;
    const end = await dieWithoutSpare(this.#sceneOf(victim), kill.random, async () => {
      const killed = await this.#kill(victim, kill);
      isLate = killed.isLate;
      return killed.height;
    });
    if (end.isUndecided) this.#undecided += 1;
    await this.#expectAlive(victim);
    return { words: `${name}${passWords(kill, isLate)}, ${end.words}`, isMissed: isLate };
  }

  /** Kills at a point, or at some moment; tells the height that the victim told last. */
  async #kill(
    victim: RelayProcess,
    { point, count, waitMs }: Kill,
  ): Promise<{ readonly isLate: boolean; readonly height: number }> {
    let height = 0;
    const isRunningPoint = point in RUNNING_POINTS;
    if (isRunningPoint) victim.arm(point, count);
    const endMs = performance.now() + (isRunningPoint ? ARMED_MS_MAX : waitMs);
    while (victim.isAlive && performance.now() < endMs) {
      const told = await victim.client.call('node.status', {}).catch(() => undefined);
      height = told?.head.height ?? height;
      await pause(5);
    }
    const isLate = victim.isAlive && isRunningPoint;
    victim.kill();
    await victim.ended();
    return { isLate, height };
  }

  async #killAll(random: Random): Promise<string> {
    await pause(random.whole(0, 700));
    const heights = await Promise.all(
      this.validators.map(async ({ client }) => (await client.call('node.status', {})).head.height),
    );
    for (const validator of this.validators) validator.kill();
    await Promise.all(this.validators.map((each) => each.ended()));
    const dead: number[] = [];
    for (const { database } of this.validators) {
      dead.push(await judgeDatabase(database, this.judges));
    }
    dead.forEach((height, at) => {
      const least = heights[at] ?? 0;
      expectThat(height >= least, `validator ${at + 1} told ${least} and holds ${height}`);
    });
    const opened = await Promise.all(this.validators.map((each) => each.open()));
    expectThat(
      opened.every((height, at) => height >= (dead[at] ?? 0)),
      `opened at ${opened.join()} with ${dead.join()} stored`,
    );
    for (const validator of this.validators) await this.#expectAlive(validator);
    return `heads ${dead.join(' ')}`;
  }

  async #reopen(victim: RelayProcess, least: number, point: string): Promise<string> {
    const { database } = victim;
    let dead = await judgeDatabase(database, this.judges);
    expectThat(dead >= least, `it told ${least} and holds ${dead}`);
    const others = await this.head();
    // One block may be decided by its own vote, and not be with the others yet.
    expectThat(dead <= others + 1, `it holds ${dead} where others are at ${others}`);
    const opening = OPENING_POINTS.find((each) => each === point);
    let cut = '';
    if (opening !== undefined && (await spoilJournal(database))) {
      const ending: number | Ending = await victim.start(`${opening}:1`);
      expectThat(typeof ending !== 'number', `${opening} was not passed on a spoilt journal`);
      cut = ', last record spoilt';
      const before = dead;
      dead = await judgeDatabase(database, this.judges);
      expectThat(dead === before - 1, `a spoilt record at ${before} left ${dead}`);
    }
    const opened = await victim.open();
    expectThat(opened >= dead, `opened at ${opened} with ${dead} stored`);
    await this.#expectAlive(victim);
    return `head ${least} → ${dead}${cut}`;
  }

  /** A database whose last writes are damaged opens at an older head, or is refused by name. */
  async #reopenTorn(victim: RelayProcess, random: Random): Promise<string> {
    const { database } = victim;
    const before = await judgeDatabase(database, this.judges);
    const putBack = await keepDatabase(database);
    const damage = await tearDatabase(database, random);
    const outcome = await victim.open().catch((error: unknown) => {
      if (error instanceof Broken && error.code !== undefined) return error.code;
      throw error;
    });
    if (typeof outcome === 'string') {
      expectThat(REFUSALS.has(outcome), `${damage}: refused as ${outcome}`);
      await putBack();
      await victim.open();
    }
    await this.#expectAlive(victim);
    const words = typeof outcome === 'string' ? `refused as ${outcome}` : `opened at ${outcome}`;
    return `head ${before}, ${damage}: ${words}`;
  }

  /** Without room it says so and keeps its head; with room it goes on. */
  async #reopenFull(victim: RelayProcess, random: Random): Promise<string> {
    const blocks = random.whole(100, 800);
    const refusal = (error: unknown) => {
      if (error instanceof Broken && error.code !== undefined) return error.code;
      throw error;
    };
    const opened = await victim.start('parent', blocks).catch(refusal);
    let words = `refused as ${String(opened)}`;
    let least = 0;
    if (typeof opened === 'number') {
      let status = await victim.client.call('node.status', {});
      await until('a full disk', async () => {
        status = await victim.client.call('node.status', {});
        return status.stage === 'failed';
      });
      const { code } = status.error ?? { code: 'nothing' };
      expectThat(code === 'store-full', `a full disk is called ${code}`);
      least = status.head.height;
      words = `stopped at ${least}`;
      victim.kill();
      await victim.ended();
    } else expectThat(opened === 'store-full', words);
    return `${blocks >> 1} KB a file: ${words}, ${await this.#reopen(victim, least, '')}`;
  }

  /** It follows the others on the same chain, knows all payments, and new ones become final. */
  async #expectAlive(victim: RelayProcess): Promise<void> {
    const { length } = this.payments.final;
    const height = await this.head();
    await until('payments become final again', () => {
      this.payments.expectGoingOn();
      return this.payments.final.length > length;
    });
    for (const [index, { client }] of this.validators.entries()) {
      await until(`validator ${index + 1} follows to ${height}`, async () => {
        const { head } = await client.call('node.status', {});
        return head.height >= height;
      });
    }
    const heights = { height: height as Height }; // Told by a node.
    const own = await victim.client.call('block.get', heights);
    for (const { client } of this.validators) {
      const block = await client.call('block.get', heights);
      expectThat(equalBytes(own.hash, block.hash), `two blocks at ${height}`);
    }
    await this.payments.expectKept(victim, PAYMENTS_PER_ROUND);
  }

  /** What only the end can tell: every payment on every validator, and every store. */
  async finish(): Promise<string> {
    await this.#revive();
    await this.payments.end();
    for (const validator of this.validators) await this.payments.expectKept(validator);
    for (const validator of this.validators) validator.kill();
    await Promise.all(this.validators.map((each) => each.ended()));
    for (const { database } of this.validators) await judgeDatabase(database, this.judges);
    const { witness, votes } = this.judges;
    votes.expectConsistent();
    expectThat(votes.heard > 0, 'no vote was heard in the whole run');
    const { length } = this.payments.final;
    const counts = `${length} payments, ${witness.height} blocks, ${votes.size} votes`;
    return `${counts}: whole; ${this.#undecided} starts at an undecided height`;
  }

  async close(): Promise<void> {
    await this.payments.end().catch(() => undefined); // Its failure was told.
    await this.#observer?.stop();
    await Promise.all(this.validators.map((each) => each.stop()));
    await rm(this.#data, { recursive: true, force: true });
  }
}

/** Whether the plan of a local network was written. */
function hasPlan(data: string): Promise<boolean> {
  return access(join(data, 'devnet.json')).then(
    () => true,
    () => false,
  );
}

/** Kills the making, or the first start, of a network of one validator; then starts it. */
export async function firstStartRound(random: Random, point: string): Promise<string> {
  const data = await mkdtemp(join(tmpdir(), 'tabellion-first-'));
  const { port } = await freePorts(1);
  const words = ['devnet', '--data', data, '--port', String(port), '--validators', '1'];
  // Nobody dials it: it is alone.
  const node = new RelayProcess(join(data, 'node-1'), { rpcPort: port, listen: '', peerId: '' });
  try {
    const isOfPlan = /^(plan|settings|validator-key|faucet-key|peer-key|genesis-file)-/.test(point);
    const count = 1;
    const ending = await runCommand(words, `${isOfPlan ? point : 'plan-done'}:${count}`);
    expectThat(ending.signal === 'SIGKILL', `${point} was not passed`);
    // A plan that was written whole is not written again.
    if (point === 'plan-done') expectThat(await hasPlan(data), 'the plan is lost');
    else if (isOfPlan) await runCommand(words, 'plan-done:1');
    else {
      const first = await node.start(`${point}:1`);
      expectThat(typeof first !== 'number', `${point} was not passed`);
    }
    const height = await node.open();
    expectThat(height === 0, `a new network begins at ${height}`);
    await until('a first block', async () => {
      const { id } = await node.client
        .call('faucet.request', { address: new Uint8Array(32).fill(random.whole(1, 255)) as never })
        .catch(() => ({ id: undefined }));
      if (id === undefined) return false;
      await until('a grant', async () => {
        const { stage } = await node.client.call('transaction.status', { id });
        return stage === 'final';
      });
      return true;
    });
    return 'then it starts and pays';
  } finally {
    await node.stop();
    await rm(data, { recursive: true, force: true });
  }
}
