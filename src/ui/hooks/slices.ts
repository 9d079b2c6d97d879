/**
 * For so long work may hold up the page; what then is put away takes as long again. Of 43 MB, most
 * slices held it up for 6 to 9 ms, twice as long with 6 here, and the whole took no longer.
 */
const SLICE_MS = 3;

export type SliceOptions = { readonly signal?: AbortSignal; readonly nowMs?: () => number };

/** Work in slices: after each of them the thread is let go of. */
export class Slices {
  readonly #signal: AbortSignal | undefined;
  readonly #nowMs: () => number;
  #fromMs: number;

  constructor({ signal, nowMs = () => performance.now() }: SliceOptions = {}) {
    this.#signal = signal;
    this.#nowMs = nowMs;
    this.#fromMs = nowMs();
  }

  /** Whether enough was done in this one. */
  isFull(): boolean {
    return this.#nowMs() - this.#fromMs >= SLICE_MS;
  }

  /** Begins another when all others had their turn; rejects when nobody waits for it any more. */
  async next(): Promise<void> {
    await nextTurn();
    this.#signal?.throwIfAborted();
    this.#fromMs = this.#nowMs();
  }
}

/** A text made piece by piece, without holding up the page. Rejects as `Slices` does. */
export async function textInSlices(
  pieces: Iterable<string>,
  options: SliceOptions = {},
): Promise<Blob> {
  const slices = new Slices(options);
  // Each is put away by itself, so that nothing is left to do in one go at the end.
  const parts: Blob[] = [];
  let slice: string[] = [];
  for (const piece of pieces) {
    slice.push(piece);
    if (!slices.isFull()) continue;
    parts.push(new Blob(slice));
    slice = [];
    await slices.next();
  }
  return new Blob([...parts, ...slice]);
}

/** Resolves when all that waits for the thread had its turn. No timer: hidden pages have few. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
