import type { Clock } from '../../base/index.ts';
import { TabellionError, timestampMs } from '../../base/index.ts';
import type { TestNode } from '../../rpc/handlers.fixture.ts';
import { createTestNode, testMethods } from '../../rpc/handlers.fixture.ts';
import { createRpcServer } from '../../rpc/index.ts';
import { MemoryStore } from '../../storage/index.ts';
import { createClientOf } from '../client.ts';
import type { EpochStore, StoreMarker } from './epochs.ts';
import type { StartNode } from './host.ts';
import { serveTabNode } from './host.ts';
import type { Lead } from './leader.ts';
import type { LifecycleActions } from './lifecycle.ts';
import type { ChannelLike, ChannelMessage, LocksLike } from './protocol.ts';
import { openInTime } from './shelter.ts';
import type { WorkerLike } from './tab-node.ts';
import { connectTabNode } from './tab-node.ts';

type Deliver = (action: () => void) => void;
type Holder = { readonly owner: Agent; readonly steal: () => void };
type Waiter = { readonly owner: Agent; readonly grant: () => void };

/** One tab: what it hears can be held back (frozen) or lost (killed). */
class Agent {
  readonly id = crypto.randomUUID();
  #isDead = false;
  #held: (() => void)[] | undefined;

  readonly deliver: Deliver = (action) => {
    queueMicrotask(() => {
      if (this.#isDead) return;
      if (this.#held === undefined) action();
      else this.#held.push(action);
    });
  };

  freeze(): void {
    this.#held ??= [];
  }

  thaw(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const action of held) action();
  }

  die(): void {
    this.#isDead = true;
  }
}

class Locks {
  readonly #held = new Map<string, Holder>();
  readonly #queues = new Map<string, Waiter[]>();

  of(owner: Agent): LocksLike {
    return {
      query: async () => ({
        held: [...this.#held].map(([name, holder]) => ({ name, clientId: holder.owner.id })),
        pending: [...this.#queues].flatMap(([name, queue]) => queue.map(() => ({ name }))),
      }),
      request: (name, options, callback) =>
        new Promise((resolve, reject) => {
          const abort = () => reject(new DOMException('lock lost', 'AbortError'));
          const grant = () => {
            const holder = { owner, steal: () => owner.deliver(abort) };
            this.#held.set(name, holder);
            owner.deliver(() => {
              callback({ name })
                .then(resolve, reject)
                .finally(() => this.#release(name, holder));
            });
          };
          const current = this.#held.get(name);
          if (options.steal === true) {
            current?.steal();
            grant();
          } else if (current === undefined) grant();
          else if (options.ifAvailable === true) callback(null).then(resolve, reject);
          else {
            const queue = this.#queues.get(name) ?? [];
            const waiter = { owner, grant };
            this.#queues.set(name, [...queue, waiter]);
            options.signal?.addEventListener('abort', () => {
              const left = (this.#queues.get(name) ?? []).filter((each) => each !== waiter);
              this.#queues.set(name, left);
              owner.deliver(abort);
            });
          }
        }),
    };
  }

  /** The browser frees what a closed tab held or waited for. */
  free(owner: Agent): void {
    for (const [name, queue] of this.#queues) {
      this.#queues.set(
        name,
        queue.filter((each) => each.owner !== owner),
      );
    }
    for (const [name, holder] of [...this.#held]) {
      if (holder.owner === owner) this.#release(name, holder);
    }
  }

  #release(name: string, holder: Holder): void {
    if (this.#held.get(name) !== holder) return; // Stolen meanwhile.
    this.#held.delete(name);
    this.#queues.get(name)?.shift()?.grant();
  }
}

export type TestTab = {
  readonly name: string;
  readonly page: ReturnType<typeof connectTabNode>;
  readonly client: ReturnType<typeof createClientOf>;
  /** The node of this tab's last term. */
  node(): TestNode | undefined;
  lead(): Lead | undefined;
  kill(): void;
  freeze(): void;
  thaw(): void;
  breakWorker(): void;
  /** Makes its node say that it has to be started again. */
  breakStore(code: string): void;
  /** What the browser tells a page that it puts away, and brings back. */
  rest(): void;
  wake(): void;
};

/** A browser profile: tabs, their locks, their channel, one clock, all in memory. */
export class TabWorld {
  readonly log: string[] = [];
  /** Makes the next starts of nodes fail. */
  startFailures = 0;
  /** How long opening the store takes; a node that cannot wait runs without it. */
  openMs = 0;
  /** With this code, where it is to be one that programs know. */
  startFailureCode: string | undefined;
  /** Highest epoch that the profile's store was opened with. */
  fence = 0;
  #nowMs = 1_000_000;
  #epoch = 0;
  #marker: StoreMarker | undefined;
  /** What pages of this profile stored. */
  readonly pageStorage = new Map<string, string>();
  #timers: { readonly atMs: number; readonly fire: () => void }[] = [];
  readonly #locks = new Locks();
  readonly #scopes = new Map<Agent, Agent>();
  readonly #ears = new Set<{ readonly agent: Agent; take(message: ChannelMessage): void }>();

  /** Lets everything happen that needs no time. Ports need turns of the event loop. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Lets time pass in steps, everything settling in between. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await this.settle();
    while (this.#nowMs < endMs) {
      this.#nowMs = Math.min(endMs, this.#nowMs + 100);
      const due = this.#timers.filter((timer) => timer.atMs <= this.#nowMs);
      this.#timers = this.#timers.filter((timer) => timer.atMs > this.#nowMs);
      for (const timer of due) timer.fire();
      await this.settle();
    }
  }

  open(name: string): TestTab {
    const agent = new Agent();
    const clock = this.#clockOf(agent);
    let node: TestNode | undefined;
    let lead: Lead | undefined;
    let breakWorker = (): void => undefined;
    let breakStore = (_code: string): void => undefined;
    let lifecycle: LifecycleActions | undefined;
    const start: StartNode = async (given, _, ground) => {
      if (this.startFailures-- > 0) {
        const code = this.startFailureCode;
        throw code === undefined ? new Error('cannot start') : new TabellionError(code);
      }
      if (given.epoch < this.fence) {
        throw new TabellionError('store-in-use', { fence: this.fence });
      }
      this.fence = given.epoch;
      const found = await openInTime(this.#openStore(clock), { clock, ground });
      if (found.kind === 'held') this.log.push(`${name} has no store: ${ground.event()?.code}`);
      node = createTestNode();
      lead = given;
      this.log.push(`${name} starts ${given.epoch}`);
      return {
        broken:
          found.kind === 'held'
            ? found.ended
            : new Promise((resolve) => {
                breakStore = (code) => resolve({ code, facts: {}, message: code });
              }),
        rest: () => void this.log.push(`${name} rests`),
        wake: () => void this.log.push(`${name} wakes`),
        server: createRpcServer({ handlers: node, methods: testMethods, clock }),
        stop: async () => void this.log.push(`${name} stops`),
      };
    };
    const createWorker = (): WorkerLike => {
      const worker = this.#worker(agent, clock, start);
      breakWorker = worker.breakDown;
      return worker;
    };
    const openChannel = () => this.#channel(agent);
    const init = () => ({ value: undefined });
    const page = connectTabNode({
      ...{ scope: 'test', createWorker, init, openChannel, clock },
      clientId: name,
      storage: {
        getItem: (key) => this.pageStorage.get(key) ?? null,
        setItem: (key, value) => void this.pageStorage.set(key, value),
      },
      lifecycle: (actions) => {
        lifecycle = actions;
        return () => undefined;
      },
    });
    return {
      name,
      page,
      client: createClientOf(page.transport, testMethods),
      node: () => node,
      lead: () => lead,
      kill: () => {
        agent.die();
        this.#free(agent);
      },
      freeze: () => agent.freeze(),
      thaw: () => agent.thaw(),
      breakWorker: () => breakWorker(),
      breakStore: (code) => breakStore(code),
      rest: () => agent.deliver(() => lifecycle?.rest()),
      wake: () => agent.deliver(() => lifecycle?.wake()),
    };
  }

  #openStore(clock: Clock): Promise<MemoryStore> {
    if (this.openMs === 0) return Promise.resolve(new MemoryStore());
    return new Promise((resolve) => {
      clock.after(this.openMs, () => resolve(new MemoryStore()));
    });
  }

  #clockOf(agent: Agent): Clock {
    return {
      now: () => timestampMs(this.#nowMs),
      after: (delayMs, callback) => {
        let isCancelled = false;
        const fire = () => agent.deliver(() => (isCancelled ? undefined : callback()));
        const timer = { atMs: this.#nowMs + delayMs, fire };
        this.#timers.push(timer);
        return () => {
          isCancelled = true;
          this.#timers = this.#timers.filter((each) => each !== timer);
        };
      },
    };
  }

  #channel(agent: Agent): ChannelLike {
    const takers: ((message: ChannelMessage) => void)[] = [];
    const ear = {
      agent,
      take: (message: ChannelMessage) => {
        for (const each of takers) each(message);
      },
    };
    this.#ears.add(ear);
    return {
      postMessage: (message) => {
        const clone = structuredClone(message);
        for (const other of this.#ears) {
          if (other !== ear) other.agent.deliver(() => other.take(clone));
        }
      },
      listen: (take) => void takers.push(take),
      close: () => void this.#ears.delete(ear),
    };
  }

  #worker(agent: Agent, clock: Clock, start: StartNode) {
    // A worker dies alone, or with its tab.
    const own = new Agent();
    const deliver: Deliver = (action) => agent.deliver(() => own.deliver(action));
    const scope = Object.assign(new Agent(), { deliver });
    const hears: ((event: { readonly data: unknown }) => void)[] = [];
    const tells: ((event: { readonly data: unknown }) => void)[] = [];
    const fails: ((event: { readonly message: string }) => void)[] = [];
    serveTabNode({
      start,
      clock,
      page: {
        postMessage: (data) => deliver(() => tells.forEach((tell) => void tell({ data }))),
        addEventListener: (_, take) => void hears.push(take),
      },
      locks: this.#locks.of(scope),
      openChannel: () => this.#channel(scope),
      openEpochs: async () => this.#epochs(),
    });
    const terminate = (): void => {
      own.die();
      this.#locks.free(scope);
    };
    this.#scopes.set(scope, agent);
    const worker: WorkerLike & { breakDown(): void } = {
      postMessage: (data) => deliver(() => hears.forEach((hear) => void hear({ data }))),
      addEventListener(type, take) {
        if (type === 'message') tells.push(take);
        if (type === 'error') fails.push(take);
      },
      terminate,
      breakDown: () => {
        terminate();
        for (const fail of fails) fail({ message: 'broke' });
      },
    };
    return worker;
  }

  /** Frees the locks of every worker of a tab. */
  #free(agent: Agent): void {
    for (const [scope, tab] of this.#scopes) if (tab === agent) this.#locks.free(scope);
  }

  #epochs(): EpochStore {
    return {
      next: async (atLeast) => {
        this.#epoch = Math.max(this.#epoch, atLeast) + 1;
        return this.#epoch;
      },
      current: async () => this.#epoch,
      marker: async () => this.#marker,
      setMarker: async (marker) => {
        this.#marker = marker;
      },
      close: () => undefined,
    };
  }
}
