import type { Json, Tracer } from '../../base/index.ts';
import { assert, defined, formatHex } from '../../base/index.ts';
import { encode } from '../../codec/index.ts';
import type { SignatureClaim } from '../../crypto/index.ts';
import { signEd25519, verifySignature } from '../../crypto/index.ts';
import type { Action, Address, GenesisDocument, Transaction } from '../../ledger/index.ts';
import { NATIVE_ASSET } from '../../ledger/index.ts';
import type { Draft, Person, TestOptions } from '../../ledger/testing/world.ts';
import { amount, person, TestWorld } from '../../ledger/testing/world.ts';
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
  stranger(name: string, handlers: Partial<NetworkHandlers> = {}): MemoryNetwork {
    return this.hub.open(name, this.chainId, {
      onGossip: async () => 'accept',
      onRequest: () => new Promise(() => undefined),
      onEvent: () => undefined,
      ...handlers,
    });
  }
}

export function heightOf(node: TabellionNode): number {
  return node.status().head?.header.height ?? 0;
}

/** A payment in the network's own coin. */
export function transferTo(recipient: Address, value: number): Action {
  return { kind: 'asset.transfer', asset: NATIVE_ASSET, recipient, amount: amount(value) };
}

export const VALIDATORS = ['validator 1', 'validator 2', 'validator 3', 'validator 4'] as const;
