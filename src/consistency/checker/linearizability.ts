import type { Model, Operation, Verdict } from './model.ts';

/** A call or a return, in a list that gives up and takes back its members in constant time. */
type Entry = {
  readonly id: number;
  /** The return of a call; a return has none. */
  readonly match: Entry | undefined;
  previous: Entry | undefined;
  next: Entry | undefined;
};

const STEPS_MAX = 20_000_000;

export type CheckOptions<Input, Output> = {
  readonly stepsMax?: number;
  /**
   * A guess at the order: operations by this number, the lower first. Where it explains every
   * answer the search is spared; where not it proves nothing.
   */
  readonly guess?: (operation: Operation<Input, Output>) => number;
};

/**
 * Says whether some order of the operations explains every answer, while each takes effect between
 * its call and its return.
 *
 * Wing and Gong's search (1993) as Lowe improved it (2017): calls are taken out of a linked list
 * and put back when the search turns, and no pair of operations taken and state reached is looked
 * at twice. Objects that are independent are judged one by one (Herlihy and Wing 1990, locality).
 */
export function checkLinearizable<State, Input, Output>(
  model: Model<State, Input, Output>,
  history: readonly Operation<Input, Output>[],
  { stepsMax = STEPS_MAX, guess }: CheckOptions<Input, Output> = {},
): Verdict<Input, Output> {
  const partitions = new Map<string, Operation<Input, Output>[]>();
  for (const operation of history) {
    const name = model.partitionOf?.(operation.input) ?? '';
    const others = partitions.get(name);
    if (others === undefined) partitions.set(name, [operation]);
    else others.push(operation);
  }
  let undecided: Verdict<Input, Output> | undefined;
  for (const [partition, operations] of partitions) {
    if (guess !== undefined && isExplained(model, operations, guess)) continue;
    const verdict = checkOne(model, operations, { partition, stepsMax });
    if (verdict.kind === 'violated') return verdict;
    if (verdict.kind === 'undecided') undecided = verdict;
  }
  return undecided ?? { kind: 'linearizable' };
}

/** Whether one order keeps to time and explains every answer. */
function isExplained<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  guess: (operation: Operation<Input, Output>) => number,
): boolean {
  const ordered = operations.map((operation) => ({ operation, place: guess(operation) }));
  ordered.sort((left, right) => {
    if (left.place !== right.place) return left.place < right.place ? -1 : 1;
    return left.operation.invokedAt - right.operation.invokedAt;
  });
  let state = model.init;
  let latestCall = Number.NEGATIVE_INFINITY;
  for (const { operation } of ordered) {
    // It had returned before one was called that comes before it here.
    if (operation.returnedAt < latestCall) return false;
    latestCall = Math.max(latestCall, operation.invokedAt);
    const after = model.step(state, operation.input, operation.output);
    if (after === undefined) return false;
    state = after;
  }
  return true;
}

function checkOne<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  options: { readonly partition: string; readonly stepsMax: number },
): Verdict<Input, Output> {
  const { partition, stepsMax } = options;
  const head = entriesOf(operations);
  const seen = new Seen(operations.length);
  const taken: { readonly call: Entry; readonly before: State }[] = [];
  let state = model.init;
  let best: readonly number[] = [];
  let bestStuck: readonly number[] = [];
  let entry = head.next;
  for (let steps = 0; head.next !== undefined; steps++) {
    if (steps === stepsMax) return { kind: 'undecided', partition };
    const operation = entry === undefined ? undefined : operations[entry.id];
    if (entry !== undefined && entry.match !== undefined && operation !== undefined) {
      const after = model.step(state, operation.input, operation.output);
      if (after !== undefined && seen.add(entry.id, model.keyOf(after))) {
        taken.push({ call: entry, before: state });
        state = after;
        lift(entry, entry.match);
        entry = head.next;
      } else entry = entry.next;
      continue;
    }
    // A return whose call is still there: this order is a dead end, so the last choice was wrong.
    if (taken.length >= best.length) {
      best = taken.map(({ call }) => call.id);
      bestStuck = callsUntilReturn(head);
    }
    const last = taken.pop();
    if (last === undefined) {
      const pick = (ids: readonly number[]) => ids.flatMap((id) => operations[id] ?? []);
      return { kind: 'violated', partition, prefix: pick(best), stuck: pick(bestStuck) };
    }
    state = last.before;
    seen.remove(last.call.id);
    if (last.call.match !== undefined) unlift(last.call, last.call.match);
    entry = last.call.next;
  }
  return { kind: 'linearizable' };
}

/** Calls and returns by time, behind a head that is neither. */
function entriesOf(operations: readonly Operation<unknown, unknown>[]): Entry {
  const head: Entry = { id: -1, match: undefined, previous: undefined, next: undefined };
  const entries: { readonly at: number; readonly entry: Entry }[] = [];
  for (const [id, { invokedAt, returnedAt }] of operations.entries()) {
    const end: Entry = { id, match: undefined, previous: undefined, next: undefined };
    const call: Entry = { id, match: end, previous: undefined, next: undefined };
    entries.push({ at: invokedAt, entry: call }, { at: returnedAt, entry: end });
  }
  // Where a call and a return share a moment, the call counts as first: they may have met.
  const rank = ({ match }: Entry) => (match === undefined ? 1 : 0);
  entries.sort((left, right) => {
    if (left.at !== right.at) return left.at < right.at ? -1 : 1;
    return rank(left.entry) - rank(right.entry);
  });
  let last = head;
  for (const { entry } of entries) {
    last.next = entry;
    entry.previous = last;
    last = entry;
  }
  return head;
}

function callsUntilReturn(head: Entry): number[] {
  const calls: number[] = [];
  for (let at = head.next; at?.match !== undefined; at = at.next) calls.push(at.id);
  return calls;
}

function unlink(entry: Entry): void {
  if (entry.previous !== undefined) entry.previous.next = entry.next;
  if (entry.next !== undefined) entry.next.previous = entry.previous;
}

function relink(entry: Entry): void {
  if (entry.previous !== undefined) entry.previous.next = entry;
  if (entry.next !== undefined) entry.next.previous = entry;
}

/** Takes call and return out; both keep their neighbours for {@link unlift}. */
function lift(call: Entry, end: Entry): void {
  unlink(call);
  unlink(end);
}

/** Undoes {@link lift}, in the opposite order. */
function unlift(call: Entry, end: Entry): void {
  relink(end);
  relink(call);
}

type Snapshot = { readonly bits: Uint32Array; readonly state: number };

/** Which operations are taken, and every such set together with a state that was met before. */
class Seen {
  readonly #bits: Uint32Array;
  readonly #marks: Uint32Array;
  readonly #snapshots = new Map<number, Snapshot[]>();
  /** Keys of states by number: one set of operations may lead to thousands of long states. */
  readonly #states = new Map<string | number, number>();
  #hash = 0;

  constructor(count: number) {
    this.#bits = new Uint32Array(Math.ceil(count / 32));
    // One mark an operation: the marks of a set, combined, are its hash, kept up to date cheaply.
    this.#marks = new Uint32Array(count);
    let mark = 0x9e3779b9;
    for (let at = 0; at < count; at++) {
      mark = Math.imul(mark ^ (mark >>> 15), 0x85ebca6b) + 0x9e3779b9;
      this.#marks[at] = mark ^ (mark >>> 13);
    }
  }

  /** Takes an operation; false, and nothing changed, where set and state were met before. */
  add(id: number, key: string | number): boolean {
    this.#flip(id);
    const state = this.#states.get(key) ?? this.#states.size;
    this.#states.set(key, state);
    const hash = (this.#hash ^ Math.imul(state, 0x9e3779b1)) >>> 0;
    const bucket = this.#snapshots.get(hash);
    if (bucket?.some((one) => one.state === state && isSame(one.bits, this.#bits)) === true) {
      this.#flip(id);
      return false;
    }
    const snapshot = { bits: this.#bits.slice(), state };
    if (bucket === undefined) this.#snapshots.set(hash, [snapshot]);
    else bucket.push(snapshot);
    return true;
  }

  remove(id: number): void {
    this.#flip(id);
  }

  #flip(id: number): void {
    const word = id >>> 5;
    this.#bits[word] = (this.#bits[word] ?? 0) ^ (1 << (id & 31));
    this.#hash = (this.#hash ^ (this.#marks[id] ?? 0)) >>> 0;
  }
}

function isSame(left: Uint32Array, right: Uint32Array): boolean {
  for (let at = 0; at < left.length; at++) if (left[at] !== right[at]) return false;
  return true;
}
