import { defined } from '../base/index.ts';
import type { Entry, SenderQueue } from './entry.ts';

type Compare<Payload> = (left: Entry<Payload>, right: Entry<Payload>) => number;
type Candidate<Payload> = { readonly entry: Entry<Payload>; readonly at: number };

/**
 * A binary heap of senders, ordered by one entry of each (its first ready one, or its last). Each
 * queue knows its own place, so a change costs O(log n) and no search.
 */
export class SenderHeap<Payload> {
  readonly #slot: 0 | 1;
  readonly #entryOf: (queue: SenderQueue<Payload>) => Entry<Payload> | undefined;
  readonly #compare: Compare<Payload>;
  readonly #queues: SenderQueue<Payload>[] = [];

  constructor(
    slot: 0 | 1,
    entryOf: (queue: SenderQueue<Payload>) => Entry<Payload> | undefined,
    compare: Compare<Payload>,
  ) {
    this.#slot = slot;
    this.#entryOf = entryOf;
    this.#compare = compare;
  }

  /** Puts a queue where it belongs after it changed: in, elsewhere, or out. */
  update(queue: SenderQueue<Payload>): void {
    const at = queue.slots[this.#slot];
    if (this.#entryOf(queue) === undefined) {
      if (at !== -1) this.#remove(queue, at);
      return;
    }
    if (at === -1) {
      this.#queues.push(queue);
      this.#up(queue, this.#queues.length - 1);
      return;
    }
    this.#up(queue, at);
    this.#down(queue, queue.slots[this.#slot]);
  }

  /**
   * Every entry in order, where `following` names the one that becomes eligible once an entry is
   * taken (the sender's next, or the one before its last). Changes nothing; the heap must not
   * change meanwhile. The first k entries cost O(k log k), whatever the size of the heap.
   */
  *walk(following: (entry: Entry<Payload>) => Entry<Payload> | undefined) {
    const frontier: Candidate<Payload>[] = [];
    const offer = (at: number) => {
      const queue = this.#queues[at];
      if (queue === undefined) return;
      push(frontier, { entry: this.#entry(queue), at }, this.#compare);
    };
    offer(0);
    while (true) {
      const best = pop(frontier, this.#compare);
      if (best === undefined) return;
      yield best.entry;
      if (best.at !== -1) {
        offer(2 * best.at + 1);
        offer(2 * best.at + 2);
      }
      const next = following(best.entry);
      if (next !== undefined) push(frontier, { entry: next, at: -1 }, this.#compare);
    }
  }

  #entry(queue: SenderQueue<Payload>): Entry<Payload> {
    return defined(this.#entryOf(queue), 'a queue in the heap has the entry it is ordered by');
  }

  #place(queue: SenderQueue<Payload>, at: number): void {
    this.#queues[at] = queue;
    queue.slots[this.#slot] = at;
  }

  #remove(queue: SenderQueue<Payload>, at: number): void {
    const last = defined(this.#queues.pop(), 'the queue stands in the heap');
    queue.slots[this.#slot] = -1;
    if (last === queue) return;
    this.#up(last, at);
    this.#down(last, last.slots[this.#slot]);
  }

  #up(queue: SenderQueue<Payload>, from: number): void {
    const entry = this.#entry(queue);
    let at = from;
    while (at > 0) {
      const parent = defined(this.#queues[(at - 1) >> 1], 'parents exist');
      if (this.#compare(entry, this.#entry(parent)) >= 0) break;
      this.#place(parent, at);
      at = (at - 1) >> 1;
    }
    this.#place(queue, at);
  }

  #down(queue: SenderQueue<Payload>, from: number): void {
    const entry = this.#entry(queue);
    let at = from;
    while (true) {
      let child = 2 * at + 1;
      let best = this.#queues[child];
      if (best === undefined) break;
      const right = this.#queues[child + 1];
      if (right !== undefined && this.#compare(this.#entry(right), this.#entry(best)) < 0) {
        child += 1;
        best = right;
      }
      if (this.#compare(entry, this.#entry(best)) <= 0) break;
      this.#place(best, at);
      at = child;
    }
    this.#place(queue, at);
  }
}

function push<Payload>(
  heap: Candidate<Payload>[],
  candidate: Candidate<Payload>,
  compare: Compare<Payload>,
): void {
  let at = heap.length;
  heap.push(candidate);
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = defined(heap[above], 'parents exist');
    if (compare(candidate.entry, parent.entry) >= 0) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = candidate;
}

function pop<Payload>(
  heap: Candidate<Payload>[],
  compare: Compare<Payload>,
): Candidate<Payload> | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (top === undefined || last === undefined || heap.length === 0) return top;
  let at = 0;
  while (true) {
    let child = 2 * at + 1;
    let best = heap[child];
    if (best === undefined) break;
    const right = heap[child + 1];
    if (right !== undefined && compare(right.entry, best.entry) < 0) {
      child += 1;
      best = right;
    }
    if (compare(last.entry, best.entry) <= 0) break;
    heap[at] = best;
    at = child;
  }
  heap[at] = last;
  return top;
}
