/** Keys in the tree. */
export const KEYS = 1_000_000;
/** Random keys that one round changes. */
export const UPDATES = 10_000;
/** Rounds of root updates that are not kept: the engine compiles meanwhile. */
export const WARM_UP_ROUNDS = 4;

/** A module's number and an account, as most keys of the ledger. */
const KEY_BYTES = 34;
/** More than a balance takes. */
const VALUE_BYTES = 32;

export type Change = {
  readonly key: Uint8Array<ArrayBuffer>;
  readonly value: Uint8Array<ArrayBuffer>;
};

/** Xorshift (Marsaglia 2003): the same numbers in every run and home. */
function createNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

function changeOf(number: number, mark: number): Change {
  const bytes = new Uint8Array(KEY_BYTES + VALUE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(2, number);
  view.setUint32(KEY_BYTES, mark);
  return { key: bytes.subarray(0, KEY_BYTES), value: bytes.subarray(KEY_BYTES) };
}

/** Keys number `from` up to `to`, with their first values. */
export function firstChanges(from: number, to: number): Change[] {
  return Array.from({ length: to - from }, (_, at) => changeOf(from + at, 0xffff_ffff));
}

/** What the rounds change: in each as many distinct keys, drawn from the first `keys`. */
export function roundsOf(rounds: number, keys = KEYS): Change[][] {
  const next = createNumbers(1);
  return Array.from({ length: rounds }, (_, round) => {
    const chosen = new Set<number>();
    while (chosen.size < UPDATES) chosen.add(next() % keys);
    return [...chosen].map((number) => changeOf(number, round));
  });
}
