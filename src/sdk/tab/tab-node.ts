import type { Clock, ErrorData, Json, Tracer } from '../../base/index.ts';
import { silentTracer, systemClock } from '../../base/index.ts';
import {
  CLIENT_ALIVE_MS,
  WITNESS_LONG_MS,
  WORKER_HEALTHY_MS,
  WORKER_RESTART_MS,
} from '../limits.ts';
import { bindPort } from '../port-transport.ts';
import { Session } from '../session.ts';
import type { Transport } from '../transport.ts';
import type { Witness } from './ground.ts';
import type { Lifecycle } from './lifecycle.ts';
import { platformLifecycle } from './lifecycle.ts';
import type { ChannelLike, ChannelMessage, PageMessage, WorkerMessage } from './protocol.ts';
import { namesOf, openBroadcastChannel } from './protocol.ts';

/** What is used of `Worker`. */
export interface WorkerLike {
  postMessage(message: PageMessage, transfer: Transferable[]): void;
  addEventListener(
    type: 'message' | 'error' | 'messageerror',
    take: (event: { readonly data?: unknown; readonly message?: string }) => void,
  ): void;
  terminate(): void;
}

/** Whose node answers this page: its own worker's, another tab's, or none yet. */
export type TabRole = 'connecting' | 'leader' | 'follower' | 'failed';

export type TabNodeState = {
  readonly role: TabRole;
  /** Epoch of the leader that answers; 0 before the first. */
  readonly epoch: number;
  /** Why the own worker's node does not run; may stand beside a working `follower`. */
  readonly error: ErrorData | undefined;
};

export type TabNode = {
  /** For `createClient`. */
  readonly transport: Transport;
  /** Fit for `useSyncExternalStore`: a state keeps its identity until it changes. */
  state(): TabNodeState;
  subscribe(changed: () => void): () => void;
  /** Ends the worker and detaches; another tab takes over. May be called twice. */
  close(): void;
};

export type TabNodeOptions = {
  /** Names the network, such as its chain id: one leader per origin and scope. */
  readonly scope: string;
  /** Starts the worker that calls `serveTabNode`. Called again when a worker breaks. */
  readonly createWorker: () => WorkerLike;
  /** What the worker's `start` gets as `init`: cloned; ports in `transfer` move. */
  readonly init: () => { readonly value: unknown; readonly transfer?: Transferable[] };
  readonly openChannel?: (name: string) => ChannelLike;
  readonly clock?: Clock;
  readonly tracer?: Tracer;
  /** Names this page among those of the origin. */
  readonly clientId?: string;
  /** Where this page remembers that a node was here; `localStorage` unless told otherwise. */
  readonly storage?: Pick<Storage, 'getItem' | 'setItem'>;
  /** Tells when the page goes and comes back; those of the platform unless told otherwise. */
  readonly lifecycle?: Lifecycle;
};

/** Joins this page to the one node of its browser profile and origin. */
export function connectTabNode(options: TabNodeOptions): TabNode {
  const page = new TabPage(options);
  return {
    transport: page.transport,
    state: () => page.state,
    subscribe: (changed) => page.subscribe(changed),
    close: () => page.close(),
  };
}

class TabPage {
  readonly transport: Transport;
  state: TabNodeState = { role: 'connecting', epoch: 0, error: undefined };
  readonly #options: TabNodeOptions;
  readonly #clock: Clock;
  readonly #tracer: Tracer;
  readonly #clientId: string;
  readonly #session: Session;
  readonly #channel: ChannelLike;
  readonly #listeners = new Set<() => void>();
  #worker: WorkerLike | undefined;
  #failures = 0;
  #startedAtMs = 0;
  /** Epoch of the own worker's last term. */
  #ownEpoch = 0;
  #unbind: () => void = () => undefined;
  #stopAlive: () => void = () => undefined;
  #stopLifecycle: () => void = () => undefined;
  readonly #witness: PageWitness;
  #isClosed = false;

  constructor(options: TabNodeOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#tracer = options.tracer ?? silentTracer;
    this.#clientId = options.clientId ?? crypto.randomUUID();
    this.#session = new Session(this.#clock);
    const open = options.openChannel ?? openBroadcastChannel;
    this.#channel = open(namesOf(options.scope).channel);
    this.#channel.listen((message) => this.#receive(message));
    this.#witness = new PageWitness(options.scope, this.#clock, options.storage);
    const session = this.#session;
    this.transport = {
      trustMax: 'validated',
      call: (method, params, callOptions) => session.call(method, params, callOptions),
      subscribe: (topic, params, push, fail) => session.subscribe(topic, params, push, fail),
      close: () => this.close(),
    };
    this.#startWorker();
    this.#channel.postMessage({ kind: 'ask' });
    this.#stopLifecycle = (options.lifecycle ?? platformLifecycle)({
      rest: () => {
        this.#worker?.postMessage({ kind: 'tabellion-rest' }, []);
        return this.state.role === 'leader';
      },
      wake: () => {
        this.#worker?.postMessage({ kind: 'tabellion-woke' }, []);
        // Whoever led before may be gone; whoever leads now says so.
        this.#channel.postMessage({ kind: 'ask' });
      },
    });
  }

  subscribe(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopLifecycle();
    this.#channel.postMessage({ kind: 'left', client: this.#clientId });
    this.#stopAlive();
    this.#session.close();
    this.#unbind();
    this.#worker?.postMessage({ kind: 'tabellion-stop' }, []);
    this.#channel.close();
  }

  #set(change: Partial<TabNodeState>): void {
    this.state = { ...this.state, ...change };
    for (const changed of this.#listeners) changed();
  }

  #startWorker(): void {
    const worker = this.#options.createWorker();
    this.#worker = worker;
    this.#startedAtMs = this.#clock.now();
    worker.addEventListener('message', ({ data }) => {
      if (worker !== this.#worker || typeof data !== 'object' || data === null) return;
      if ('kind' in data) this.#hear(data as WorkerMessage); // Our own worker's words.
    });
    worker.addEventListener('error', (event) => {
      if (worker === this.#worker) this.#workerBroke(event.message ?? 'worker failed');
    });
    const { value, transfer = [] } = this.#options.init();
    const { scope } = this.#options;
    const witness = this.#witness.read();
    worker.postMessage({ kind: 'tabellion-init', scope, value, witness }, transfer);
    this.#witness.begun();
  }

  #workerBroke(message: string): void {
    this.#tracer.trace('error', 'tab-worker-broke', { message });
    this.#worker?.terminate();
    this.#worker = undefined;
    if (this.state.role === 'leader') this.#lost();
    const error = { code: 'worker-failed', facts: {}, message };
    if (this.#clock.now() - this.#startedAtMs > WORKER_HEALTHY_MS) this.#failures = 0;
    const waitMs = WORKER_RESTART_MS[this.#failures++];
    const isHopeless = waitMs === undefined && this.state.role !== 'follower';
    this.#set(isHopeless ? { role: 'failed', error } : { error });
    if (waitMs === undefined) return;
    this.#clock.after(waitMs, () => {
      if (!this.#isClosed && this.#worker === undefined) this.#startWorker();
    });
  }

  #hear(message: WorkerMessage): void {
    if (this.#isClosed) return;
    if (message.kind === 'tabellion-failed') {
      const isAlone = this.state.role !== 'follower';
      this.#set({ error: message.error, ...(isAlone ? { role: 'failed' } : {}) });
      return;
    }
    if (message.kind !== 'tabellion-role') return;
    if (message.role === 'starting') this.#ownEpoch = message.epoch;
    else if (message.role === 'leader' && message.epoch >= this.state.epoch) {
      this.#lead(message.epoch);
    } else if (message.role === 'follower' && this.state.role === 'leader') {
      this.#lost();
      this.#channel.postMessage({ kind: 'ask' });
    }
  }

  #lead(epoch: number): void {
    this.#lost();
    const { port1, port2 } = new MessageChannel();
    this.#worker?.postMessage({ kind: 'tabellion-attach', port: port2, epoch }, [port2]);
    this.#unbind = bindPort(this.#session, port1);
    this.#set({ role: 'leader', epoch, error: undefined });
    this.#witness.kept();
  }

  #follow(epoch: number): void {
    this.#lost();
    const client = this.#clientId;
    this.#session.opened((message: Json) =>
      this.#channel.postMessage({ kind: 'call', client, epoch, message }),
    );
    this.#unbind = () => undefined;
    this.#sayAlive(epoch);
    this.#set({ role: 'follower', epoch, error: undefined });
    this.#witness.kept();
  }

  #lost(): void {
    this.#stopAlive();
    this.#unbind();
    this.#unbind = () => undefined;
    if (this.#session.isOpen) this.#session.lost('leader-changed');
    if (this.state.role !== 'connecting') this.#set({ role: 'connecting' });
  }

  #sayAlive(epoch: number): void {
    this.#stopAlive = this.#clock.after(CLIENT_ALIVE_MS, () => {
      this.#channel.postMessage({ kind: 'alive', client: this.#clientId, epoch });
      this.#sayAlive(epoch);
    });
  }

  #receive(message: ChannelMessage): void {
    if (this.#isClosed) return;
    const { role, epoch } = this.state;
    switch (message.kind) {
      case 'beat':
        if (message.epoch < epoch || (role === 'leader' && message.epoch === epoch)) return;
        if (message.epoch > epoch && role !== 'connecting') this.#lost();
        // The own worker's node is not asked over the channel: its port comes in a moment.
        if (!message.isReady || message.epoch === this.#ownEpoch) return;
        if (this.state.role !== 'follower' || message.epoch > epoch) this.#follow(message.epoch);
        return;
      case 'resigned':
        if (message.epoch === epoch && role === 'follower') this.#lost();
        return;
      case 'answer':
        if (message.client !== this.#clientId || message.epoch !== epoch) return;
        if (role === 'follower') this.#session.receive(message.message);
        return;
      case 'forgotten':
        if (message.client === this.#clientId && role === 'follower') this.#follow(message.epoch);
        return;
      default:
        return; // What pages say to leaders.
    }
  }
}

const WITNESS_KEY = 'tabellion.witness.';
const BEGUN = 'begun';

/** Remembers in the page's own storage that a node was here: the worker cannot see that. */
class PageWitness {
  readonly #key: string;
  readonly #clock: Clock;
  readonly #storage: Pick<Storage, 'getItem' | 'setItem'> | undefined;

  constructor(
    scope: string,
    clock: Clock,
    storage: Pick<Storage, 'getItem' | 'setItem'> | undefined,
  ) {
    this.#key = WITNESS_KEY + scope;
    this.#clock = clock;
    this.#storage = storage ?? platformStorage();
  }

  read(): Witness {
    try {
      const value = this.#storage?.getItem(this.#key);
      if (value === undefined) return 'unknown';
      if (value === null || value === BEGUN) return value === null ? 'none' : BEGUN;
      // When it was first kept.
      const isLong = this.#clock.now() - Number(value) > WITNESS_LONG_MS;
      return isLong ? 'kept-long' : 'kept';
    } catch {
      return 'unknown';
    }
  }

  begun(): void {
    if (this.read() === 'none') this.#write(BEGUN);
  }

  kept(): void {
    const value = this.read();
    // Nothing, though it began here: it was deleted under the page, and the store's loss is told.
    if (value === BEGUN || value === 'none') this.#write(String(this.#clock.now()));
  }

  #write(value: string): void {
    try {
      this.#storage?.setItem(this.#key, value);
    } catch {
      // Forbidden or full: one witness less.
    }
  }
}

function platformStorage(): Storage | undefined {
  try {
    return globalThis.localStorage;
  } catch {
    return undefined; // A page may be forbidden to store anything.
  }
}
