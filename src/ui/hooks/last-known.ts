import type { Json, JsonObject } from '../../base/index.ts';
import { isJsonObject, parseJsonText } from '../../base/index.ts';
import type { AccountView, AssetBalance, ChainInfo, NodeStatus } from './client.ts';

/**
 * What was last seen, so that a page opened offline or before its node is up says something true:
 * *Cached*, and how old. Small, public, and never the only copy of anything.
 */
export type LastKnown = {
  readonly networkName: string | undefined;
  readonly symbol: string | undefined;
  readonly decimals: number | undefined;
  readonly height: number | undefined;
  /** When the node was last heard, by this machine's clock. */
  readonly atMs: number | undefined;
  /** Native balance in smallest units, by address text. */
  readonly balances: {
    readonly [address: string]: { readonly amount: string; readonly atMs: number };
  };
};

const KEY = 'tabellion.last-known';
const WRITE_INTERVAL_MS = 2000;
const BALANCES_MAX = 16;
const DECIMALS_MAX = 18;
const NOTHING: LastKnown = {
  networkName: undefined,
  symbol: undefined,
  decimals: undefined,
  height: undefined,
  atMs: undefined,
  balances: {},
};

let known: LastKnown = read();
let timer: ReturnType<typeof setTimeout> | undefined;

function read(): LastKnown {
  try {
    return parseLastKnown(localStorage.getItem(KEY));
  } catch {
    return NOTHING; // Storage is forbidden.
  }
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isWhole = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

/** Reads what was kept; whatever in it is not of its kind counts as never seen. */
export function parseLastKnown(text: string | null): LastKnown {
  const { balances, decimals, ...given } = membersOf(parseJsonText(text ?? ''));
  const kept = Object.entries(membersOf(balances)).flatMap(([address, balance]) => {
    const { amount, atMs } = membersOf(balance);
    const isKept = isText(amount) && /^\d{1,20}$/.test(amount) && isWhole(atMs);
    return isKept ? [[address, { amount, atMs }] as const] : [];
  });
  return {
    networkName: isText(given.networkName) ? given.networkName : undefined,
    symbol: isText(given.symbol) ? given.symbol : undefined,
    decimals: isWhole(decimals) && decimals <= DECIMALS_MAX ? decimals : undefined,
    height: isWhole(given.height) ? given.height : undefined,
    atMs: isWhole(given.atMs) ? given.atMs : undefined,
    balances: Object.fromEntries(kept.slice(-BALANCES_MAX)),
  };
}

function membersOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function change(update: Partial<LastKnown>): void {
  known = { ...known, ...update };
  if (timer !== undefined) return;
  timer = setTimeout(() => {
    timer = undefined;
    try {
      localStorage.setItem(KEY, JSON.stringify(known));
    } catch {
      // Storage is full or forbidden: the next visit starts without a cache, no more.
    }
  }, WRITE_INTERVAL_MS);
}

/** What the last visit, or this one so far, saw. */
export function lastKnown(): LastKnown {
  return known;
}

/** Keeps the network's name and coin. */
export function rememberChain(chain: ChainInfo): void {
  change({
    networkName: chain.name,
    symbol: chain.native.symbol,
    decimals: chain.native.decimals,
  });
}

/** Keeps the height. */
export function rememberStatus(status: NodeStatus): void {
  change({ height: status.head.height, atMs: Date.now() });
}

/** Forgets how far the ledger was read, when a person has it deleted on purpose. */
export function forgetHeight(): void {
  change({ height: undefined, atMs: undefined });
}

/** Keeps the native balance of an account. */
export function rememberBalance(address: string, view: AccountView): void {
  const native = nativeBalance(view);
  const others = Object.entries(known.balances).filter(([each]) => each !== address);
  const entry = [address, { amount: (native?.amount ?? 0n).toString(), atMs: Date.now() }] as const;
  change({ balances: Object.fromEntries([...others.slice(1 - BALANCES_MAX), entry]) });
}

/** The balance in the network's own coin; its id is all zeros. */
export function nativeBalance(view: AccountView): AssetBalance | undefined {
  return view.balances.find((balance) => balance.asset.every((byte) => byte === 0));
}
