import type { Clock, ErrorData, Tracer } from '../../base/index.ts';
import { errorToData, silentTracer, systemClock, TabellionError } from '../../base/index.ts';
import type { OnCrashPoint } from '../../node/index.ts';
import type { RpcServer } from '../../rpc/index.ts';
import {
  HEARTBEAT_MS,
  LEADER_DOUBT_MS,
  LEADER_SILENT_MS,
  STORE_FULL_RETRY_MS,
  STORE_HEALTHY_MS,
  WORKER_RESTART_MS,
} from '../limits.ts';
import type { EpochStore } from './epochs.ts';
import { openIndexedDbEpochs } from './epochs.ts';
import type { Witness } from './ground.ts';
import { Ground } from './ground.ts';
import type { Lead } from './leader.ts';
import { Term } from './leader.ts';
import type {
  ChannelLike,
  ChannelMessage,
  LocksLike,
  PageMessage,
  WorkerMessage,
} from './protocol.ts';
import { namesOf, openBroadcastChannel } from './protocol.ts';
import { STORE_FREED } from './shelter.ts';

/** A node that runs under a {@link Lead}. */
export type LedNode = {
  readonly server: RpcServer;
  /** Resolves when the node has to be started again in this place, with the reason. */
  readonly broken?: Promise<ErrorData>;
  /** Begins nothing more with its store until it is woken, or some seconds have passed. */
  rest?(): void;
  /** Looks after what a pause may have ended: connections, what peers told. */
  wake?(): void;
  /** Waits for what was begun; the lock is kept until then. */
  stop(): Promise<void>;
};

/** Starts the node of this tab; `init` is what the page gave to `connectTabNode`. */
export type StartNode = (lead: Lead, init: unknown, ground: Ground) => Promise<LedNode>;

/** What is used of the worker's global scope, or of a port to the page. */
export interface PageLike {
  postMessage(message: WorkerMessage): void;
  addEventListener(type: 'message', take: (event: { readonly data: unknown }) => void): void;
}

export type TabHostOptions = {
  readonly start: StartNode;
  readonly page: PageLike;
  readonly locks?: LocksLike;
  readonly openChannel?: (name: string) => ChannelLike;
  readonly openEpochs?: (name: string) => Promise<EpochStore>;
  readonly clock?: Clock;
  readonly tracer?: Tracer;
  /** Called around the writing of an epoch; only tests kill there. */
  readonly onCrashPoint?: OnCrashPoint | undefined;
};

/** Runs in the worker of a tab: waits until the page speaks, then stands for election. */
export function serveTabNode(options: TabHostOptions): void {
  let host: TabHost | undefined;
  options.page.addEventListener('message', ({ data }) => {
    if (typeof data !== 'object' || data === null || !('kind' in data)) return;
    const message = data as PageMessage; // The page of this worker is part of this program.
    if (message.kind === 'tabellion-init' && host === undefined) {
      host = new TabHost(options, message);
      host.run().catch((error: unknown) => {
        options.page.postMessage({ kind: 'tabellion-failed', error: errorToData(error) });
      });
    } else if (message.kind === 'tabellion-attach') host?.attach(message.port, message.epoch);
    else if (message.kind === 'tabellion-woke') host?.woke();
    else if (message.kind === 'tabellion-rest') void host?.rest();
    else if (message.kind === 'tabellion-stop') host?.stop();
  });
}

/** While a lock is held, until somebody steals it. */
type Hold = { isLost: boolean };

class TabHost {
  readonly #options: TabHostOptions;
  readonly #names: ReturnType<typeof namesOf>;
  readonly #init: unknown;
  readonly #witness: Witness;
  readonly #clock: Clock;
  readonly #tracer: Tracer;
  readonly #locks: LocksLike;
  readonly #channel: ChannelLike;
  #term: Term | undefined;
  #node: LedNode | undefined;
  /** When stores broke lately. */
  #breakages: readonly number[] = [];
  /** Highest epoch heard of. */
  #epochSeen = 0;
  #lastBeatMs: number;
  #isStopped = false;
  #failures = 0;
  /** Gives up waiting in the queue of the lock, in order to steal it or to end. */
  #waiting = new AbortController();
  #wake: () => void = () => undefined;
  #leading: Promise<void> = Promise.resolve();

  constructor(options: TabHostOptions, init: PageMessage & { readonly kind: 'tabellion-init' }) {
    this.#options = options;
    this.#names = namesOf(init.scope);
    this.#init = init.value;
    this.#witness = init.witness;
    this.#clock = options.clock ?? systemClock;
    this.#tracer = options.tracer ?? silentTracer;
    // `as`: the platform's own type has more overloads than are used.
    const locks = options.locks ?? (globalThis.navigator?.locks as LocksLike | undefined);
    if (locks === undefined) throw new TabellionError('locks-unavailable');
    this.#locks = locks;
    this.#channel = (options.openChannel ?? openBroadcastChannel)(this.#names.channel);
    this.#lastBeatMs = this.#clock.now();
    this.#channel.listen((message) => this.#receive(message));
  }

  /** Stands for election, leads, and stands again, until stopped or failed for good. */
  async run(): Promise<void> {
    const { openEpochs, onCrashPoint } = this.#options;
    const open = openEpochs ?? ((name) => openIndexedDbEpochs(name, onCrashPoint));
    const epochs = await open(this.#names.epochs);
    const ground = new Ground({ epochs, witness: this.#witness, clock: this.#clock });
    let isStealing = false;
    try {
      while (!this.#isStopped) {
        this.#tell('follower', this.#epochSeen);
        this.#waiting = new AbortController();
        const stopWatch = isStealing ? () => undefined : this.#watch();
        const wasStealing = isStealing;
        const mode = isStealing ? { steal: true } : { signal: this.#waiting.signal };
        isStealing = false;
        const hold: Hold = { isLost: false };
        try {
          await this.#locks.request(this.#names.lock, mode, () => {
            stopWatch();
            if (wasStealing) ground.noteRobbed();
            this.#waiting = new AbortController(); // What was waited for is here.
            this.#leading = this.#lead(ground, hold);
            return this.#leading;
          });
        } catch (error) {
          // Stolen from us, or we stopped waiting for it; a failed start says so itself.
          hold.isLost = true;
          this.#term?.end();
          // After a theft the old term still closes its store; two terms never overlap in here.
          await this.#leading.catch(() => undefined);
          const isAbort = error instanceof Error && error.name === 'AbortError';
          if (!isAbort && !this.#waiting.signal.aborted) await this.#failed(error);
          else isStealing = !this.#isStopped && this.#waiting.signal.aborted;
        } finally {
          stopWatch();
        }
      }
    } finally {
      epochs.close();
      this.#channel.close();
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#waiting.abort();
    this.#term?.end();
    this.#wake();
  }

  attach(port: MessagePort, epoch: number): void {
    const term = this.#term;
    if (term === undefined || term.lead.epoch !== epoch) port.close();
    else term.attach(port);
  }

  /** The page may have been away for long; the worker itself perhaps ran on. */
  woke(): void {
    this.#term?.beat();
    this.#node?.wake?.();
  }

  /** Gives way to a tab that waits: this one may not run for long. Alone, it only holds still. */
  async rest(): Promise<void> {
    const term = this.#term;
    const { pending = [] } = await this.#locks.query();
    if (pending.some(({ name }) => name === this.#names.lock)) term?.end();
    else this.#node?.rest?.();
  }

  /** Leads for as long as the lock is held: a node whose store broke is started again in place. */
  async #lead(ground: Ground, hold: Hold): Promise<void> {
    const holder = this.#holder();
    for (;;) {
      if (this.#isStopped || hold.isLost) return;
      const broken = await this.#leadOnce(ground).catch((error: unknown) => {
        if (!this.#learnFence(error)) throw error;
        return errorToData(error);
      });
      if (broken === undefined) return;
      this.#tracer.trace('warn', 'tab-node-restarts', { code: broken.code });
      await this.#pauseAfter(broken);
      // Frozen meanwhile, a worker may hear later than its timers that it was robbed.
      if ((await this.#holder()) !== (await holder)) return;
    }
  }

  /** The store knows a later epoch than the counter, which was lost: the next one is above both. */
  #learnFence(error: unknown): boolean {
    const { code, facts } = errorToData(error);
    const { fence } = facts;
    if (code !== 'store-in-use' || !Number.isSafeInteger(fence)) return false;
    if (Number(fence) <= this.#epochSeen) return false;
    this.#epochSeen = Number(fence);
    return true;
  }

  /** Which worker holds the node's lock; that of this one, asked while it does. */
  async #holder(): Promise<string | undefined> {
    const { held = [] } = await this.#locks.query();
    return held.find(({ name }) => name === this.#names.lock)?.clientId;
  }

  /** Nothing for a first breakage, then longer and longer while they go on. */
  async #pauseAfter(broken: ErrorData): Promise<void> {
    // Its node has waited already; or nothing broke, and the store is there at last.
    if (broken.code === 'store-full' || broken.code === STORE_FREED) return;
    const nowMs = this.#clock.now();
    const recent = this.#breakages.filter((atMs) => nowMs - atMs < STORE_HEALTHY_MS);
    this.#breakages = [...recent, nowMs];
    const waits = [0, ...WORKER_RESTART_MS];
    const waitMs = waits[Math.min(recent.length, waits.length - 1)] ?? 0;
    if (waitMs === 0) return;
    this.#options.page.postMessage({ kind: 'tabellion-failed', error: broken });
    await this.#pause(waitMs);
  }

  #pause(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#clock.after(waitMs, resolve);
    });
  }

  /** One term; resolves with what broke its node, when it ends for that. */
  async #leadOnce(ground: Ground): Promise<ErrorData | undefined> {
    const { epochs } = ground;
    const epoch = await epochs.next(this.#epochSeen);
    this.#epochSeen = epoch;
    this.#tell('starting', epoch);
    const onThaw = () => this.#node?.wake?.();
    const dependencies = { clock: this.#clock, channel: this.#channel, epochs, onThaw };
    const term = new Term(dependencies, epoch);
    this.#term = term;
    term.beat();
    this.#tracer.trace('info', 'tab-leads', { epoch });
    const isOver = new Promise<void>((resolve) => {
      term.lead.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    let node: LedNode | undefined;
    let broken: ErrorData | undefined;
    try {
      node = await this.#options.start(term.lead, this.#init, ground);
      if (!term.isOver) {
        this.#node = node;
        this.#tell('leader', epoch);
        term.serve(node.server);
        this.#failures = 0;
        broken = await Promise.race([isOver, node.broken ?? isOver]).then(
          (error) => error ?? undefined,
        );
      }
      return term.isOver ? undefined : broken;
    } finally {
      term.end();
      this.#term = undefined;
      this.#node = undefined;
      this.#lastBeatMs = this.#clock.now();
      this.#tell('follower', epoch);
      node?.server.close();
      await node?.stop();
      this.#tracer.trace('info', 'tab-led', { epoch });
    }
  }

  async #failed(error: unknown): Promise<void> {
    const data = errorToData(error);
    this.#tracer.trace('error', 'tab-node-failed', { code: data.code, message: data.message });
    this.#options.page.postMessage({ kind: 'tabellion-failed', error: data });
    const waitMs = this.#waitAfter(data);
    if (waitMs === undefined) return this.stop();
    await this.#pause(waitMs);
  }

  /** How long a start that failed is rested from; absent when there is nothing to hope for. */
  #waitAfter({ code }: ErrorData): number | undefined {
    // Room may come back without a word.
    if (code === 'store-full') return STORE_FULL_RETRY_MS;
    if (code === 'store-unreliable') return undefined;
    return WORKER_RESTART_MS[this.#failures++];
  }

  #receive(message: ChannelMessage): void {
    if (message.kind === 'beat') {
      this.#lastBeatMs = this.#clock.now();
      this.#epochSeen = Math.max(this.#epochSeen, message.epoch);
    }
    this.#term?.receive(message);
  }

  /** Watches the leader; when it stays silent though asked, makes `run` steal the lock. */
  #watch(): () => void {
    let isEnded = false;
    let stopTimer: () => void = () => undefined;
    let lastMs = this.#clock.now();
    this.#lastBeatMs = lastMs;
    const look = (): void => {
      const nowMs = this.#clock.now();
      // Frozen ourselves: silence proves nothing about the leader.
      if (nowMs - lastMs > 3 * HEARTBEAT_MS) this.#lastBeatMs = nowMs;
      lastMs = nowMs;
      const isSilent = nowMs - this.#lastBeatMs > LEADER_SILENT_MS;
      if (!isSilent) stopTimer = this.#clock.after(HEARTBEAT_MS, look);
      else
        this.#doubt().then((isDead) => {
          if (isEnded) return;
          if (isDead) return this.#waiting.abort();
          lastMs = this.#clock.now();
          this.#lastBeatMs = lastMs;
          look();
        }, look);
    };
    look();
    return () => {
      isEnded = true;
      stopTimer();
    };
  }

  /** Asks a silent leader once more. Only one tab at a time doubts, so only one steals. */
  async #doubt(): Promise<boolean> {
    const beforeMs = this.#lastBeatMs;
    return this.#locks.request(this.#names.stealLock, { ifAvailable: true }, async (lock) => {
      if (lock === null) return false;
      this.#channel.postMessage({ kind: 'ask' });
      await new Promise<void>((resolve) => void this.#clock.after(LEADER_DOUBT_MS, resolve));
      if (this.#isStopped || this.#lastBeatMs !== beforeMs) return false;
      const { held = [] } = await this.#locks.query();
      // Held by nobody: our place in the queue will be served without force.
      const isHeld = held.some((each) => each.name === this.#names.lock);
      if (isHeld) this.#tracer.trace('warn', 'tab-leader-silent', { epoch: this.#epochSeen });
      return isHeld && this.#lastBeatMs === beforeMs;
    });
  }

  #tell(role: 'starting' | 'leader' | 'follower', epoch: number): void {
    this.#options.page.postMessage({ kind: 'tabellion-role', role, epoch });
  }
}
