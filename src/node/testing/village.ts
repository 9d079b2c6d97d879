import type { Json, Tracer } from '../../base/index.ts';
import { assert, defined, formatHex } from '../../base/index.ts';
import { encode } from '../../codec/index.ts';
import type { Hash, SignatureClaim } from '../../crypto/index.ts';
import { signEd25519, verifySignature } from '../../crypto/index.ts';
import type { Action, Address, GenesisDocument, Transaction } from '../../ledger/index.ts';
import { NATIVE_ASSET, readBalance } from '../../ledger/index.ts';
import type { Draft, Person, TestOptions } from '../../ledger/testing/world.ts';
import { amount, person, TestWorld } from '../../ledger/testing/world.ts';
import type { Checkpoint } from '../../light/index.ts';
import type { NetworkHandlers } from '../../network/index.ts';
import { MemoryStore } from '../../storage/index.ts';
import type { SignatureVerifier } from '../../verifier/index.ts';
import type { NodeHome, NodeOptions } from '../index.ts';
import { TabellionNode } from '../index.ts';
import type { MemoryNetwork } from './memory-network.ts';
import { MemoryHub } from './memory-network.ts';
import { VirtualClock } from './virtual-clock.ts';

const GENESIS_MS = 1_700_000_000_000;
const CACHE_BYTES = 8 * 1024 * 1024;
export const VALIDATORS = ['validator 1', 'validator 2', 'validator 3', 'validator 4'] as const;
const [FIRST] = VALIDATORS;

const payer = person('ada');
const payee = person('bob');
/** Ada has more than any test pays. */
export const FUNDED = { balances: [{ address: payer.address, amount: 1_000_000_000n }] };
/** One validator, and no blocks but those of what is submitted. */
export const ALONE = {
  ...FUNDED,
  validators: [{ publicKey: person(FIRST).pair.publicKey, name: FIRST }],
  consensus: { heartbeatMs: 1_000_000_000 },
};
/** What bob has after payments of 1, 2, 3, …: one each. */
export const paidIn = (payments: number) => BigInt((payments * (payments + 1)) / 2);

/** Checks each signature once for all nodes: a verdict depends on nothing but the claim. */
function createSharedVerifier(): SignatureVerifier {
  const verdicts = new Map<string, boolean>();
  const verdictOf = (claim: SignatureClaim): boolean => {
    const { publicKey, message, signature } = claim;
    const key = [claim.algorithm, ...[publicKey, message, signature].map(formatHex)].join();
    const verdict = verdicts.get(key) ?? verifySignature(claim);
    verdicts.set(key, verdict);
    return verdict;
  };
  return {
    verify: async (claims) => claims.map(verdictOf),
    stop: async () => undefined,
  };
}

/** One line that a node traced. */
export type Traced = { readonly node: string; readonly event: string; readonly facts: Json };

/** A node of a village, with what it stands on. */
export type Inhabitant = {
  readonly name: string;
  readonly node: TabellionNode;
  readonly store: MemoryStore;
};

export type StartOptions = {
  readonly store?: MemoryStore;
  readonly home?: NodeHome['kind'];
  /** Key of the faucet lives here. */
  readonly hasFaucet?: boolean;
  /** IP address under which peers see this node. */
  readonly remoteAddress?: string;
  /** Multiaddrs that its settings name. */
  readonly relays?: readonly string[];
  readonly change?: Partial<NodeHome>;
  /** What its operator decided otherwise. */
  readonly options?: Partial<NodeOptions>;
};

/**
 * A whole network in one process, in virtual time: real nodes on memory stores and a memory
 * network. `validator 1` to `validator 4` vote; every other name only watches.
 */
export class Village {
  readonly clock = new VirtualClock(GENESIS_MS + 1_000);
  readonly hub = new MemoryHub(this.clock);
  readonly verifier = createSharedVerifier();
  readonly traces: Traced[] = [];
  /** The state after the newest block that the first node committed; it signs for people. */
  readonly world: TestWorld;
  readonly genesis: GenesisDocument;
  /** What all operators decided otherwise; for nodes that are made from then on. */
  nodeOptions: Partial<NodeOptions> = {};
  readonly #nodes = new Map<string, Inhabitant>();

  constructor(options: TestOptions = {}) {
    this.world = new TestWorld(options);
    this.genesis = this.world.ledger.genesis.document;
  }

  /** A network of all validators, which decided so many blocks: ada paid bob 1, 2, 3, … */
  static async running(payments: number, options: TestOptions = FUNDED): Promise<Village> {
    const village = new Village(options);
    await village.startAll(...VALIDATORS);
    await village.decideAll(payments);
    return village;
  }

  get chainId(): string {
    return formatHex(this.world.ledger.chainId);
  }

  /** Starts a node; resolves once it is connected. */
  async start(name: string, options: StartOptions = {}): Promise<Inhabitant> {
    const inhabitant = this.create(name, options);
    await this.clock.run(inhabitant.node.start());
    return inhabitant;
  }

  /** Starts several nodes at once. */
  startAll(...names: readonly string[]): Promise<Inhabitant[]> {
    return Promise.all(
      names.map(async (name) => {
        const inhabitant = this.create(name);
        await inhabitant.node.start();
        return inhabitant;
      }),
    );
  }

  /** Makes a node without starting it. */
  create(name: string, options: StartOptions = {}): Inhabitant {
    const store = options.store ?? new MemoryStore();
    const tracer: Tracer = {
      trace: (_level, event, facts = {}) =>
        this.traces.push({ node: name, event, facts: facts as Json }),
    };
    const home: NodeHome = {
      kind: options.home ?? 'relay',
      store,
      storeKind: 'memory',
      openNetwork: async (handlers: NetworkHandlers, chainId: string) =>
        this.hub.open(name, chainId, handlers, options.remoteAddress),
      verifier: this.verifier,
      clock: this.clock,
      tracer,
      ...options.change,
    };
    const node = TabellionNode.create(home, this.#optionsOf(name, options));
    if (this.#nodes.size === 0) this.follow(node);
    const inhabitant = { name, node, store };
    this.#nodes.set(name, inhabitant);
    return inhabitant;
  }

  #optionsOf(name: string, { hasFaucet, relays = [], options }: StartOptions): NodeOptions {
    const signerOf = ({ pair, policy }: Person) => ({
      publicKey: pair.publicKey,
      sign: (message: Uint8Array) => signEd25519(pair.secretKey, message),
      policy,
    });
    const isValidator = this.genesis.validators.some((validator) => validator.name === name);
    return {
      genesis: this.genesis,
      cacheBytesMax: CACHE_BYTES,
      version: 'test',
      relays,
      ...(isValidator ? { signer: signerOf(person(name)) } : {}),
      ...(hasFaucet === true ? { faucet: signerOf(person('faucet')) } : {}),
      ...this.nodeOptions,
      ...options,
    };
  }

  /** Lets the world of the signers follow a node's head. */
  follow(node: TabellionNode): void {
    node.events.on('head', ({ executed }) => {
      const { height, timestampMs } = executed.prepared.block.header;
      if (height !== this.world.at + 1) return;
      this.world.state.apply(executed.execution.changes);
      this.world.at = height;
      this.world.now = timestampMs;
    });
  }

  node(name: string): TabellionNode {
    return defined(this.#nodes.get(name), name).node;
  }

  /** Ends a process: nothing of it runs or is heard any more; returns what its disk holds. */
  kill(name: string, options: { readonly unsyncedKept?: number } = {}): MemoryStore {
    const { store, node } = defined(this.#nodes.get(name), name);
    this.#nodes.delete(name);
    this.hub.close(name);
    const survivor = store.crash(options);
    node.stop().catch(() => undefined); // Its timers end; its store is gone.
    return survivor;
  }

  /** Stops a node in order; returns its store. */
  async stop(name: string): Promise<MemoryStore> {
    const { store, node } = defined(this.#nodes.get(name), name);
    this.#nodes.delete(name);
    await this.clock.run(node.stop());
    return store;
  }

  async stopAll(): Promise<void> {
    for (const name of [...this.#nodes.keys()]) await this.stop(name);
  }

  /**
   * Stops all nodes. No validator may have failed, nor anything be left that waits for a time
   * which nobody is there to see.
   */
  async end(): Promise<void> {
    const running = VALIDATORS.flatMap((name) => this.#nodes.get(name)?.node ?? []);
    const failures = running.flatMap((node) => node.status().error?.code ?? []);
    await this.stopAll();
    await this.clock.pass(60_000);
    assert(failures.length === 0, `failed: ${failures.join()}`);
    assert(this.clock.timerCount === 0, 'somebody forgot a timer');
  }

  /* ------------------------------------------------------------- people */

  /** Signed bytes of a transaction. */
  sign(sender: Person, draft: Draft): Uint8Array {
    return this.encode(this.world.sign(sender, draft));
  }

  encode(transaction: Transaction): Uint8Array {
    return encode(this.world.ledger.codecs.transaction, transaction);
  }

  pay(from: Person, to: Address, value: number, change: Draft['change'] = {}): Uint8Array {
    return this.sign(from, { actions: [transferTo(to, value)], change });
  }

  /** Hands signed bytes to a node; they must be admitted. */
  async submit(node: TabellionNode, bytes: Uint8Array) {
    const submitted = await this.clock.run(node.submit(bytes));
    assert(submitted.ok, `not admitted: ${submitted.ok ? '' : submitted.error.code}`);
    return submitted.value;
  }

  /**
   * Lets the network decide a block: ada pays bob.
   *
   * @param names Who has to know of it.
   */
  async decide(value: number, names: readonly string[] = VALIDATORS): Promise<Hash> {
    const via = names.find((name) => this.genesis.validators.some((each) => each.name === name));
    const bytes = this.pay(payer, payee.address, value);
    const id = await this.submit(this.node(via ?? FIRST), bytes);
    const stages = await this.settled(id, names);
    assert(stages.join() === 'final', `decided otherwise: ${stages.join()}`);
    return id;
  }

  /** Blocks of payments of 1, 2, 3, … */
  async decideAll(payments: number): Promise<void> {
    for (let value = 1; value <= payments; value++) await this.decide(value);
  }

  /** What an account has at the block that a node answers from. */
  async balanceOf(node: TabellionNode, who: Person = payee): Promise<bigint> {
    const read = node.source().read((view) => ({
      value: readBalance(view, who.address, NATIVE_ASSET),
    }));
    return (await this.clock.run(read)).value;
  }

  /** What somebody reads off a node that is trusted. */
  newest(node: TabellionNode = this.node(FIRST)): Checkpoint {
    const { header, hash } = node.source().head();
    return { height: header.height, hash };
  }

  /** What a node traced under a name, in order. */
  factsOf(name: string, event: string): Json[] {
    return this.traces.flatMap((trace) =>
      trace.node === name && trace.event === event ? [trace.facts] : [],
    );
  }

  /* ------------------------------------------------------------ waiting */

  /** Waits until nodes have a head of this height at least. */
  async reach(height: number, names: readonly string[] = [...this.#nodes.keys()]): Promise<void> {
    await this.clock.until(`height ${height} on ${names.join()}`, () =>
      names.every((name) => heightOf(this.node(name)) >= height),
    );
  }

  /** Waits until a transaction has its verdict on some nodes, all of the same kind. */
  async settled(id: Uint8Array, names: readonly string[] = [...this.#nodes.keys()]) {
    const stages = () =>
      names.map((name) => this.node(name).parts.tracker.get(id as never)?.stage ?? 'unknown');
    await this.clock.until('a verdict everywhere', () =>
      stages().every((stage) => ['final', 'failed', 'expired'].includes(stage)),
    );
    return [...new Set(stages())];
  }

  /** A peer that no node of ours runs; answers as the test says. */
  stranger(
    name: string,
    handlers: Partial<NetworkHandlers> = {},
    remoteAddress?: string,
  ): MemoryNetwork {
    const all: NetworkHandlers = {
      onGossip: async () => 'accept',
      onRequest: () => new Promise(() => undefined),
      onEvent: () => undefined,
      ...handlers,
    };
    return this.hub.open(name, this.chainId, all, remoteAddress);
  }
}

export function heightOf(node: TabellionNode): number {
  return node.status().head?.header.height ?? 0;
}

/** A payment in the network's own coin. */
export function transferTo(recipient: Address, value: number): Action {
  return { kind: 'asset.transfer', asset: NATIVE_ASSET, recipient, amount: amount(value) };
}
