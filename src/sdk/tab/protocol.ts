import type { ErrorData, Json } from '../../base/index.ts';
import type { Witness } from './ground.ts';

/**
 * What pages and workers of one origin say to each other over a `BroadcastChannel`. Every
 * message of a leader names its epoch: of two that think they lead, the higher one does.
 */
export type ChannelMessage =
  /** The leader lives; `isReady` once its node answers. */
  | {
      readonly kind: 'beat';
      readonly epoch: number;
      readonly isReady: boolean;
    }
  /** Somebody wants to hear a beat now. */
  | { readonly kind: 'ask' }
  /** The leader ends on purpose. */
  | { readonly kind: 'resigned'; readonly epoch: number }
  /** A page asks the leader. */
  | {
      readonly kind: 'call';
      readonly client: string;
      readonly epoch: number;
      readonly message: Json;
    }
  /** An answer or an event for a page. */
  | {
      readonly kind: 'answer';
      readonly client: string;
      readonly epoch: number;
      readonly message: Json;
    }
  | { readonly kind: 'alive'; readonly client: string; readonly epoch: number }
  | { readonly kind: 'left'; readonly client: string }
  /** The leader does not know this page (any more): it has to begin again. */
  | { readonly kind: 'forgotten'; readonly client: string; readonly epoch: number };

/** What a page tells its own worker. */
export type PageMessage =
  | {
      readonly kind: 'tabellion-init';
      /** Names the network: one leader per origin and scope. */
      readonly scope: string;
      /** For the node's start: anything that can be cloned; ports may be in it. */
      readonly value: unknown;
      readonly witness: Witness;
    }
  /** The page's RPC port, while its own worker leads. */
  | { readonly kind: 'tabellion-attach'; readonly port: MessagePort; readonly epoch: number }
  /** The page was frozen, cached or asleep, or its line came back. */
  | { readonly kind: 'tabellion-woke' }
  /** The page is about to be frozen or cached, perhaps for long. */
  | { readonly kind: 'tabellion-rest' }
  | { readonly kind: 'tabellion-stop' };

/** What a worker tells its own page. */
export type WorkerMessage =
  | {
      readonly kind: 'tabellion-role';
      /** `starting`: it got the lock, and its node is not ready yet. */
      readonly role: 'starting' | 'leader' | 'follower';
      readonly epoch: number;
    }
  | { readonly kind: 'tabellion-failed'; readonly error: ErrorData };

/** What is used of `BroadcastChannel`. */
export interface ChannelLike {
  postMessage(message: ChannelMessage): void;
  listen(take: (message: ChannelMessage) => void): void;
  close(): void;
}

/** What is used of `navigator.locks`. */
export type LocksLike = {
  request<Value>(
    name: string,
    options: { signal?: AbortSignal; ifAvailable?: boolean; steal?: boolean },
    callback: (lock: { readonly name: string } | null) => Promise<Value>,
  ): Promise<Value>;
  query(): Promise<{
    readonly held?: readonly { readonly name?: string; readonly clientId?: string }[];
    readonly pending?: readonly { readonly name?: string }[];
  }>;
};

/** Names of the origin's locks and channel for one scope. */
export function namesOf(scope: string) {
  const name = `tabellion-node-${scope}`;
  return {
    lock: name,
    stealLock: `${name}-steal`,
    channel: name,
    epochs: `${name}-epoch`,
  } as const;
}

/** Members that each kind has beside `kind`. */
const MEMBERS: { readonly [Kind in ChannelMessage['kind']]: readonly string[] } = {
  beat: ['epoch', 'isReady'],
  ask: [],
  resigned: ['epoch'],
  call: ['client', 'epoch', 'message'],
  answer: ['client', 'epoch', 'message'],
  alive: ['client', 'epoch'],
  left: ['client'],
  forgotten: ['client', 'epoch'],
};

function isMember(name: string, value: unknown): boolean {
  if (name === 'client') return typeof value === 'string';
  if (name === 'isReady') return typeof value === 'boolean';
  // One epoch that is no number, or beyond all others, would end every election to come.
  if (name === 'epoch') return Number.isSafeInteger(value) && Number(value) >= 0;
  return value !== undefined;
}

/**
 * Reads what came over the channel: other tabs of this origin may run another version.
 *
 * @returns undefined for anything that is no message of this version.
 */
export function parseChannelMessage(data: unknown): ChannelMessage | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const given = data as { readonly [name: string]: unknown }; // Every member is checked below.
  const { kind } = given;
  if (typeof kind !== 'string' || !Object.hasOwn(MEMBERS, kind)) return undefined;
  const members = MEMBERS[kind as ChannelMessage['kind']]; // It has just been found there.
  const isWhole = members.every((name) => isMember(name, given[name]));
  return isWhole ? (data as ChannelMessage) : undefined; // All its members were just checked.
}

/** Opens the platform's channel; messages of another shape (another version) are ignored. */
export function openBroadcastChannel(name: string): ChannelLike {
  const channel = new BroadcastChannel(name);
  return {
    postMessage: (message) => channel.postMessage(message),
    listen(take) {
      channel.addEventListener('message', (event: MessageEvent<unknown>) => {
        const message = parseChannelMessage(event.data);
        if (message !== undefined) take(message);
      });
    },
    close: () => channel.close(),
  };
}
