/** Something that happens at a virtual time. */
type Timed<Item> = { readonly atMs: number; readonly sequence: number; readonly item: Item };

/** What is to come, earliest first; ties in the order of insertion, never of the engine. */
export type TimedQueue<Item> = {
  push(atMs: number, item: Item): void;
  /** Removes the earliest; undefined when nothing is to come. */
  pop(): { readonly atMs: number; readonly item: Item } | undefined;
};

/** A binary heap ordered by (atMs, sequence). */
export function createTimedQueue<Item>(): TimedQueue<Item> {
  const heap: Timed<Item>[] = [];
  let sequence = 0;
  const at = (place: number) => heap[place] as Timed<Item>; // Places inside the heap only.
  const isBefore = (left: Timed<Item>, right: Timed<Item>) =>
    left.atMs < right.atMs || (left.atMs === right.atMs && left.sequence < right.sequence);
  const swap = (left: number, right: number) => {
    const item = at(left);
    heap[left] = at(right);
    heap[right] = item;
  };
  const sink = () => {
    for (let place = 0; ; ) {
      let least = place;
      for (const child of [2 * place + 1, 2 * place + 2]) {
        if (child < heap.length && isBefore(at(child), at(least))) least = child;
      }
      if (least === place) return;
      swap(place, least);
      place = least;
    }
  };
  return {
    push(atMs, item) {
      heap.push({ atMs, sequence: sequence++, item });
      for (let place = heap.length - 1; place > 0; ) {
        const parent = (place - 1) >> 1;
        if (!isBefore(at(place), at(parent))) return;
        swap(place, parent);
        place = parent;
      }
    },
    pop() {
      const first = heap[0];
      const last = heap.pop();
      if (first === undefined || last === undefined) return undefined;
      if (heap.length > 0) {
        heap[0] = last;
        sink();
      }
      return first;
    },
  };
}
