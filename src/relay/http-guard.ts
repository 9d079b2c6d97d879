import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Clock } from '../base/index.ts';

/** Who may ask this server, judged by what a browser cannot forge for a page. */
export type GuardOptions = {
  /** Host names besides loopback under which the server may be asked, without port. */
  readonly hosts: readonly string[];
  /** Origins of pages, besides the server's own, that may ask; such as `https://wallet.example`. */
  readonly origins: readonly string[];
  /** Addresses of reverse proxies whose `X-Forwarded-For` is believed. */
  readonly proxies: readonly string[];
};

const LOOPBACK_NAMES: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** Whether an IP address is of this machine. */
export function isLoopback(address: string): boolean {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
}

const PORT_MAX = 65_535;

/** The host part of a `Host` header in lower case; undefined when it is no host. */
function hostName(header: string | undefined): string | undefined {
  if (header === undefined || header.length > 272) return undefined;
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?$/.exec(header.toLowerCase());
  return Number(match?.[2] ?? 0) > PORT_MAX ? undefined : match?.[1];
}

/**
 * Whether the `Host` header names this server. A page of evil.example whose name was pointed at
 * 127.0.0.1 (DNS rebinding) still sends `Host: evil.example`, and is refused.
 */
export function isHostAllowed(request: IncomingMessage, options: GuardOptions): boolean {
  const name = hostName(request.headers.host);
  // Of two names a proxy in front may have judged the other (RFC 9112 §3.2).
  if (name === undefined || countOf(request, 'host') !== 1) return false;
  if (LOOPBACK_NAMES.includes(name) || name.endsWith('.localhost')) return true;
  return options.hosts.includes(name);
}

function countOf({ rawHeaders }: IncomingMessage, name: string): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() === name) count++;
  }
  return count;
}

/**
 * Whether the page that asks may. No `Origin` means no browser page (a command, a server): there
 * is no victim whose browser is misused. The own origin is the one that `Host` names.
 */
export function isOriginAllowed(request: IncomingMessage, options: GuardOptions): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return true;
  if (options.origins.includes(origin)) return true;
  if (host === undefined) return false;
  const own = host.toLowerCase();
  return origin === `http://${own}` || origin === `https://${own}`;
}

/** Whether the request came through a proxy, believed or not. */
export function isForwarded(request: IncomingMessage): boolean {
  const { headers } = request;
  return FORWARDING_HEADERS.some((name) => headers[name] !== undefined);
}

const FORWARDING_HEADERS = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

/** IP address of the asker: of the connection, or what a trusted proxy says of it. */
export function remoteAddressOf(request: IncomingMessage, options: GuardOptions): string {
  const direct = request.socket.remoteAddress ?? 'unknown';
  if (!options.proxies.includes(direct)) return direct;
  const forwarded = request.headers['x-forwarded-for'];
  const list = Array.isArray(forwarded) ? forwarded.join(',') : (forwarded ?? '');
  // The last entry is the proxy's own word; those before it are the asker's.
  const last = list.split(',').at(-1)?.trim() ?? '';
  return isIP(last) === 0 ? direct : last;
}

type Bucket = { tokens: number; atMs: number };

/**
 * Tokens per address: `perSecond` come back each second, up to `burst`. At most `addressesMax`
 * addresses are remembered; the longest silent is forgotten first, which only gives it back its
 * burst. IPv6 askers share their /64, which one customer usually holds whole.
 */
export class RateLimiter {
  readonly #buckets = new Map<string, Bucket>();
  readonly #clock: Clock;
  readonly #limits: {
    readonly perSecond: number;
    readonly burst: number;
    readonly addressesMax: number;
  };

  constructor(
    clock: Clock,
    limits: { readonly perSecond: number; readonly burst: number; readonly addressesMax: number },
  ) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Takes `tokens`, or all of a burst if that is less; false when so many are not left. */
  admit(address: string, tokens = 1): boolean {
    const key = groupOf(address);
    const nowMs = this.#clock.now();
    const { perSecond, burst, addressesMax } = this.#limits;
    const bucket = this.#buckets.get(key) ?? { tokens: burst, atMs: nowMs };
    const elapsedMs = Math.max(0, nowMs - bucket.atMs);
    bucket.tokens = Math.min(burst, bucket.tokens + (elapsedMs * perSecond) / 1000);
    bucket.atMs = nowMs;
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > addressesMax) {
      const oldest = this.#buckets.keys().next();
      if (oldest.done !== true) this.#buckets.delete(oldest.value);
    }
    const taken = Math.min(tokens, burst);
    if (bucket.tokens < taken) return false;
    bucket.tokens -= taken;
    return true;
  }
}

/** Longest text of an asker without tokens that is still read, to answer it by its id. */
const UNPAID_CHARACTERS_MAX = 16 * 1024;

/**
 * Counts what one asker sends: each text costs a token before anybody parses it, which pays for
 * one of its first call, too; what calls cost beyond it is taken as they come.
 */
export class CallMeter {
  readonly #take: (tokens: number) => boolean;
  #isPaid = false;
  #isRefusing = false;
  #wasAsked = false;

  /** @param take Takes tokens; false when so many are not left. */
  constructor(take: (tokens: number) => boolean) {
    this.#take = take;
  }

  /** Whether a call of that cost, in calls, may be made; asked while a text is handled. */
  readonly admit = (_method: string, cost: number): boolean => {
    this.#wasAsked = true;
    if (this.#isRefusing) return false;
    const due = this.#isPaid ? cost - 1 : cost;
    this.#isPaid = false;
    return due === 0 || this.#take(due);
  };

  /**
   * Handles one text. Calls must be admitted before `handle` returns.
   *
   * @returns `undefined` if no token was left and the text held no call that could be told so.
   */
  handle<Reply>(source: string, handle: () => Reply): Reply | undefined {
    const isPaid = this.#take(1);
    if (!isPaid && source.length > UNPAID_CHARACTERS_MAX) return undefined;
    this.#isPaid = isPaid;
    this.#isRefusing = !isPaid;
    this.#wasAsked = false;
    const reply = handle();
    this.#isPaid = false;
    this.#isRefusing = false;
    return isPaid || this.#wasAsked ? reply : undefined;
  }
}

/** Counts what each address holds at once; IPv6 askers share their /64. */
export class AddressShares {
  readonly #counts = new Map<string, number>();

  /** Takes one of `max`; `undefined` when all are taken, else how to give it back, once. */
  take(address: string, max: number): (() => void) | undefined {
    const key = groupOf(address);
    const count = this.#counts.get(key) ?? 0;
    if (count >= max) return undefined;
    this.#counts.set(key, count + 1);
    return () => {
      const left = (this.#counts.get(key) ?? 1) - 1;
      if (left <= 0) this.#counts.delete(key);
      else this.#counts.set(key, left);
    };
  }
}

/** The address itself, or for IPv6 its first 64 bits. */
export function groupOf(address: string): string {
  if (address.startsWith('::ffff:') || isIP(address) !== 6) return address;
  const [head = '', tail] = address.split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = tail === undefined ? 0 : 8 - front.length - back.length;
  const all = [...front, ...Array<string>(Math.max(0, missing)).fill('0'), ...back];
  return `${all.slice(0, 4).join(':')}::/64`;
}
