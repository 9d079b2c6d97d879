/** A payment that was typed and not sent yet, as it was typed. */
export type Draft = {
  readonly to: string;
  readonly amount: string;
  readonly memo: string;
  readonly atMs: number;
  /** Hexadecimal id of the asset whose amount it is; absent in drafts of older versions. */
  readonly asset: string | undefined;
  /** Whether the amount is all there was of it, less the fee; absent in older drafts too. */
  readonly isAll?: boolean;
};

/** Drafts by the address text of the account that would send them. */
export type Drafts = { readonly [address: string]: Draft };

const KEY = 'tabellion.drafts';
const DRAFTS_MAX = 16;
const TEXT_LENGTH_MAX = 512;

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= TEXT_LENGTH_MAX;

/** Reads drafts out of a JSON value; whatever is none is left out. */
export function readDrafts(value: unknown): Drafts {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const kept = Object.entries(value).flatMap(([address, draft]: [string, unknown]) => {
    if (!/^tab1[0-9a-z]{58}$/.test(address)) return [];
    if (typeof draft !== 'object' || draft === null) return [];
    const { to, amount, memo, atMs, asset, isAll }: { readonly [name: string]: unknown } = {
      ...draft,
    };
    const isWhole = Number.isSafeInteger(atMs) && Number(atMs) >= 0;
    if (!isText(to) || !isText(amount) || !isText(memo) || !isWhole) return [];
    const isAsset = asset === undefined || (isText(asset) && /^[0-9a-f]{64}$/.test(asset));
    if (!isAsset) return [];
    const kept = { to, amount, memo, atMs: Number(atMs), asset, isAll: isAll === true };
    return [[address, kept] as const];
  });
  return Object.fromEntries(kept.slice(-DRAFTS_MAX));
}

/** What this page read or wrote last. */
let latest: Drafts = {};

/** Every draft of this browser. */
export function allDrafts(): Drafts {
  try {
    latest = readDrafts(JSON.parse(localStorage.getItem(KEY) ?? '{}'));
    return latest;
  } catch {
    return {}; // Storage is forbidden, or holds what is no JSON.
  }
}

/** Writes again what the browser deleted under this page. */
export function restoreDrafts(): void {
  const known = latest;
  if (Object.keys(allDrafts()).length === 0) writeDrafts(known);
}

/** Replaces all drafts. */
export function writeDrafts(drafts: Drafts): void {
  latest = drafts;
  try {
    if (Object.keys(drafts).length === 0) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, JSON.stringify(drafts));
  } catch {
    // Storage is full or forbidden: what is typed lives as long as its page.
  }
}

/** Keeps what was typed for an account; an empty form is no draft. */
export function keepDraft(address: string, typed: Omit<Draft, 'atMs'>): void {
  const { [address]: _, ...others } = allDrafts();
  const isEmpty = typed.to === '' && typed.amount === '' && typed.memo === '';
  writeDrafts(
    isEmpty ? others : readDrafts({ ...others, [address]: { ...typed, atMs: Date.now() } }),
  );
}
