import type { Clock } from '../../base/index.ts';
import type { RpcConnection, RpcServer } from '../../rpc/index.ts';
import { servePort } from '../../rpc/index.ts';
import { CLIENT_SILENT_MS, CLIENTS_MAX, HEARTBEAT_MS, LEASE_MS } from '../limits.ts';
import type { EpochStore } from './epochs.ts';
import type { ChannelLike, ChannelMessage } from './protocol.ts';

/** The right to run the node, as the node sees it. */
export type Lead = {
  /** Higher than that of every leader before. */
  readonly epoch: number;
  /** Aborts when another tab leads, or this one has to end: write nothing from then on. */
  readonly signal: AbortSignal;
  /**
   * Whether this worker surely still leads. False after a freeze, until the stored epoch was
   * read again; ask before each commit, and await {@link Lead.confirm} when it is false.
   */
  isCurrent(): boolean;
  /** Reads the stored epoch; true when nobody took a higher one. */
  confirm(): Promise<boolean>;
};

type Client = { readonly connection: RpcConnection; lastSeenMs: number };

/** One term as leader: beats, the lease, and the pages served over the channel. */
export class Term {
  readonly lead: Lead;
  readonly #clock: Clock;
  readonly #channel: ChannelLike;
  readonly #epochs: EpochStore;
  readonly #onThaw: () => void;
  readonly #end = new AbortController();
  readonly #clients = new Map<string, Client>();
  #server: RpcServer | undefined;
  #lastRunMs: number;
  #stopTimer: () => void = () => undefined;

  constructor(
    dependencies: {
      readonly clock: Clock;
      readonly channel: ChannelLike;
      readonly epochs: EpochStore;
      /** This worker could not run for a while: frozen, asleep, or starved. */
      readonly onThaw: () => void;
    },
    epoch: number,
  ) {
    this.#clock = dependencies.clock;
    this.#channel = dependencies.channel;
    this.#epochs = dependencies.epochs;
    this.#onThaw = dependencies.onThaw;
    this.#lastRunMs = this.#clock.now();
    this.lead = {
      epoch,
      signal: this.#end.signal,
      isCurrent: () => !this.#end.signal.aborted && this.#clock.now() - this.#lastRunMs <= LEASE_MS,
      confirm: () => this.#confirm(),
    };
    this.#tick();
  }

  get isOver(): boolean {
    return this.#end.signal.aborted;
  }

  /** Answers pages from now on. */
  serve(server: RpcServer): void {
    this.#server = server;
    this.beat();
  }

  /** Answers the page of this very worker. */
  attach(port: MessagePort): void {
    if (this.#server === undefined || this.isOver) port.close();
    else servePort(this.#server, port);
  }

  beat(): void {
    if (this.isOver) return;
    const isReady = this.#server !== undefined;
    this.#channel.postMessage({ kind: 'beat', epoch: this.lead.epoch, isReady });
  }

  /** Ends the term; may be called twice. */
  end(): void {
    if (this.isOver) return;
    this.#end.abort();
    this.#stopTimer();
    for (const client of this.#clients.values()) client.connection.close();
    this.#clients.clear();
    this.#channel.postMessage({ kind: 'resigned', epoch: this.lead.epoch });
  }

  /** Takes what pages and other workers say. */
  receive(message: ChannelMessage): void {
    if (this.isOver) return;
    switch (message.kind) {
      case 'beat':
        if (message.epoch > this.lead.epoch) this.end();
        else if (message.epoch < this.lead.epoch) this.beat(); // A thawed leader learns of us.
        return;
      case 'ask':
        void this.#unlessFrozen(() => this.beat());
        return;
      case 'call':
        this.#call(message);
        return;
      case 'alive': {
        const client = this.#clients.get(message.client);
        if (client !== undefined) client.lastSeenMs = this.#clock.now();
        else this.#forget(message.client);
        return;
      }
      case 'left':
        this.#drop(message.client);
        return;
      default:
        return; // What other leaders say to pages.
    }
  }

  #tick(): void {
    this.#stopTimer = this.#clock.after(HEARTBEAT_MS, () => {
      this.#unlessFrozen(() => {
        this.#lastRunMs = this.#clock.now();
        this.beat();
        this.#expire();
      }).finally(() => {
        if (!this.isOver) this.#tick();
      });
    });
  }

  /** Does something at once, or after the stored epoch was read if this worker was frozen. */
  async #unlessFrozen(action: () => void): Promise<void> {
    if (this.lead.isCurrent()) return action();
    if (!(await this.#confirm())) return;
    action();
    this.#onThaw();
  }

  async #confirm(): Promise<boolean> {
    if (this.isOver) return false;
    // A store that cannot be read cannot vouch for us either.
    const stored = await this.#epochs.current().catch(() => Number.POSITIVE_INFINITY);
    if (stored > this.lead.epoch) this.end();
    else this.#lastRunMs = this.#clock.now();
    return !this.isOver;
  }

  #call(message: ChannelMessage & { readonly kind: 'call' }): void {
    const server = this.#server;
    if (server === undefined) return; // Pages wait for a beat that says ready.
    if (message.epoch !== this.lead.epoch) {
      this.#forget(message.client);
      return;
    }
    const client = this.#clientOf(message.client, server);
    if (client === undefined) return;
    client.lastSeenMs = this.#clock.now();
    client.connection.handleJson(message.message).then((answer) => {
      if (answer !== undefined) this.#answer(message.client, answer);
    });
  }

  #answer(client: string, message: (ChannelMessage & { kind: 'answer' })['message']): void {
    if (this.isOver) return;
    this.#channel.postMessage({ kind: 'answer', client, epoch: this.lead.epoch, message });
  }

  #clientOf(id: string, server: RpcServer): Client | undefined {
    const known = this.#clients.get(id);
    if (known !== undefined) return known;
    if (this.#clients.size >= CLIENTS_MAX) return undefined;
    const client: Client = {
      connection: server.connect({
        transport: 'port',
        access: 'operator',
        send: async (event) => this.#answer(id, event),
      }),
      lastSeenMs: this.#clock.now(),
    };
    this.#clients.set(id, client);
    return client;
  }

  #expire(): void {
    const oldest = this.#clock.now() - CLIENT_SILENT_MS;
    for (const [id, client] of this.#clients) {
      if (client.lastSeenMs < oldest) this.#drop(id);
    }
  }

  #drop(id: string): void {
    this.#clients.get(id)?.connection.close();
    this.#clients.delete(id);
  }

  #forget(client: string): void {
    this.#channel.postMessage({ kind: 'forgotten', client, epoch: this.lead.epoch });
  }
}
