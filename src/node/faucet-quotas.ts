import type { Clock, Result } from '../base/index.ts';
import { fail } from '../base/index.ts';
import {
  FAUCET_CALLERS_MAX,
  FAUCET_GRANTS_PER_CALLER_MAX,
  FAUCET_GRANTS_TO_LOOPBACK_MAX,
  FAUCET_GRANTS_TO_UNKNOWN_MAX,
  FAUCET_WINDOW_MS,
} from './limits.ts';

/** Who asks for coins: an IP address where it is known, else a peer. */
export type FaucetCaller = {
  readonly address: string | undefined;
  readonly peerId?: string;
  /** The peer asks for somebody else, and is one whose word for it is taken. */
  readonly isForwarded?: boolean;
};

/** What a caller may still ask for. */
export type FaucetQuota = {
  /** 0 while there is something left. */
  readonly waitMs: number;
  /** Counts one grant. */
  spend(): void;
  /** Takes one grant back that was counted and came to nothing. */
  giveBack(): void;
};

/** The quota is used up for now. */
export type FaucetWait = { readonly code: 'faucet-too-soon'; readonly retryAfterMs: number };

type Window = { readonly startMs: number; grants: number };

/** Counts grants by caller, in windows of {@link FAUCET_WINDOW_MS}. */
export class FaucetQuotas {
  readonly #clock: Clock;
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Makes a grant within the caller's quota. It counts before it is made, so that many asked for at
   * once are not all within it; what fails or throws is given back.
   */
  async grant<Value, Refusal>(
    caller: FaucetCaller,
    make: () => Promise<Result<Value, Refusal>>,
  ): Promise<Result<Value, Refusal | FaucetWait>> {
    const quota = this.quotaOf(caller);
    if (quota.waitMs > 0) return fail({ code: 'faucet-too-soon', retryAfterMs: quota.waitMs });
    quota.spend();
    let isGranted = false;
    try {
      const granted = await make();
      isGranted = granted.ok;
      return granted;
    } finally {
      if (!isGranted) quota.giveBack();
    }
  }

  quotaOf(caller: FaucetCaller): FaucetQuota {
    const now = this.#clock.now();
    const shares = sharesOf(caller).map(({ name, max }) => ({ window: this.#windowOf(name), max }));
    const waits = shares
      .filter(({ window, max }) => window.grants >= max)
      .map(({ window }) => window.startMs + FAUCET_WINDOW_MS - now);
    return {
      waitMs: Math.max(0, ...waits),
      spend() {
        for (const { window } of shares) window.grants += 1;
      },
      giveBack() {
        for (const { window } of shares) window.grants -= 1;
      },
    };
  }

  #windowOf(name: string): Window {
    const now = this.#clock.now();
    const known = this.#windows.get(name);
    if (known !== undefined && now - known.startMs < FAUCET_WINDOW_MS) return known;
    const fresh = { startMs: now, grants: 0 };
    keepNewest(this.#windows, name, fresh);
    return fresh;
  }
}

/** Whose grants count together, and how many they may be in a window. */
function sharesOf({ address, peerId, isForwarded }: FaucetCaller) {
  if (address !== undefined) {
    const max = isLoopback(address) ? FAUCET_GRANTS_TO_LOOPBACK_MAX : FAUCET_GRANTS_PER_CALLER_MAX;
    return [{ name: networkOf(address), max }];
  }
  const unknown = { name: 'unknown', max: FAUCET_GRANTS_TO_UNKNOWN_MAX };
  if (isForwarded === true) return [unknown];
  return [{ name: `peer ${peerId ?? ''}`, max: FAUCET_GRANTS_PER_CALLER_MAX }, unknown];
}

function isLoopback(address: string): boolean {
  return address === '::1' || address === 'local' || /^(::ffff:)?127\./.test(address);
}

/** One person has at least 2^64 addresses of IPv6: those of one network (/64) count as one. */
function networkOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address;
  const [left = '', right] = address.toLowerCase().split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0');
  return [...head, ...zeros, ...tail]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}

/** Puts an entry at the newest end and forgets the oldest beyond the bound. */
export function keepNewest<Value>(entries: Map<string, Value>, key: string, value: Value): void {
  entries.delete(key);
  entries.set(key, value);
  if (entries.size <= FAUCET_CALLERS_MAX) return;
  const [oldest] = entries.keys();
  if (oldest !== undefined) entries.delete(oldest);
}
