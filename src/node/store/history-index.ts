import type { Bytes } from '../../base/index.ts';
import { compareBytes, concatBytes, defined, TabellionError } from '../../base/index.ts';
import type { Height } from '../../ledger/index.ts';
import type { KeyValueStore } from '../../storage/index.ts';
import { INDEX_RUN_ENTRIES, INDEX_RUNS_KEPT, INDEX_SEGMENTS_PER_LEVEL } from './limits.ts';
import type { IndexSegment } from './records.ts';
import { runKey } from './records.ts';

/** A transaction's place in the chain; for blocks and accounts the index is of a transaction too. */
export type Place = { readonly height: Height; readonly index: number };

/** What is found: a transaction by id, a block by hash, transactions by account. */
export type IndexKind = 'transaction' | 'block' | 'account';
const KIND_BYTES: { readonly [Kind in IndexKind]: number } = {
  transaction: 1,
  block: 2,
  account: 3,
};

/*
 * An entry: kind u8 · first 8 bytes of the hash or address · height u48 BE · index u16 BE.
 * Its bytes sort by kind, then name, then place. Eight bytes of a name may collide, so whoever
 * looks something up compares the whole name with what stands at the place.
 */
const NAME_BYTES = 9;
const ENTRY_BYTES = 17;

function nameOf(kind: IndexKind, name: Uint8Array): Bytes {
  const bytes = new Uint8Array(NAME_BYTES);
  bytes[0] = KIND_BYTES[kind];
  bytes.set(name.subarray(0, NAME_BYTES - 1), 1);
  return bytes;
}

function entryOf(name: Uint8Array, place: Place): Bytes {
  const entry = new Uint8Array(ENTRY_BYTES);
  entry.set(name);
  writePlace(new DataView(entry.buffer), NAME_BYTES, place);
  return entry;
}

function writePlace(view: DataView, at: number, { height, index }: Place): void {
  view.setUint16(at, Math.floor(height / 0x1_0000_0000));
  view.setUint32(at + 2, height % 0x1_0000_0000);
  view.setUint16(at + 6, index);
}

function placeOf(entry: Uint8Array): Place {
  const view = new DataView(entry.buffer, entry.byteOffset, ENTRY_BYTES);
  const height = view.getUint16(9) * 0x1_0000_0000 + view.getUint32(11);
  return { height: height as Height, index: view.getUint16(15) }; // Written from a height.
}

/** One character for each byte of a name in an entry. */
function textAt(entries: Uint8Array, at: number): string {
  let text = '';
  for (let byte = 0; byte < NAME_BYTES; byte++)
    text += String.fromCharCode(entries[at + byte] ?? 0);
  return text;
}

/**
 * Where each of the first entries stands once they are sorted by name, those of one name in the
 * order they have: by counting, a byte at a time from the last one on, without comparing any two.
 */
function orderOf(entries: Uint8Array, count: number): Uint32Array {
  let order = new Uint32Array(count);
  let next = new Uint32Array(count);
  for (let at = 0; at < count; at++) order[at] = at * ENTRY_BYTES;
  const starts = new Uint32Array(256);
  for (let byte = NAME_BYTES - 1; byte >= 0; byte--) {
    // Whatever is read below is inside.
    starts.fill(0);
    for (let at = byte; at < count * ENTRY_BYTES; at += ENTRY_BYTES) {
      const value = entries[at] as number;
      starts[value] = (starts[value] as number) + 1;
    }
    let below = 0;
    for (let value = 0; value < 256; value++) {
      const counted = starts[value] as number;
      starts[value] = below;
      below += counted;
    }
    for (let at = 0; at < count; at++) {
      const entry = order[at] as number;
      const value = entries[entry + byte] as number;
      const start = starts[value] as number;
      next[start] = entry;
      starts[value] = start + 1;
    }
    [order, next] = [next, order];
  }
  return order;
}

/** Above every place that exists. */
const LAST_PLACE: Place = { height: 0xffff_ffff_ffff as Height, index: 0xffff };

/** Sorted entries of one record, as one byte string. */
type Run = Uint8Array;

const NO_ENTRIES: Run = new Uint8Array(0);

function entryAt(run: Run, at: number): Uint8Array {
  return run.subarray(at * ENTRY_BYTES, (at + 1) * ENTRY_BYTES);
}

/** The number of entries of a run that are below `bound`. */
function countBelow(run: Run, bound: Uint8Array): number {
  let low = 0;
  let high = run.length / ENTRY_BYTES;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareBytes(entryAt(run, middle), bound) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Finds transactions, blocks and histories: entries of blocks since the last checkpoint in memory,
 * older ones in segments, each one record a run, each segment of heights of its own.
 */
export class HistoryIndex {
  readonly #store: KeyValueStore;
  /**
   * Entries of blocks since the last checkpoint, one after the other, in the order of places: a
   * node that only syncs adds many and looks up none.
   */
  #recent: Bytes = new Uint8Array(1024 * ENTRY_BYTES);
  #recentCount = 0;
  /** Where in `#recent` each name stands, ascending, by the texts of names; of the first so many. */
  #named = new Map<string, number[]>();
  #namedCount = 0;
  #segments: readonly IndexSegment[];
  /** The newest used last. */
  readonly #runs = new Map<string, Run>();
  /** Newest height of each segment, where it is known: written by this process. */
  readonly #newest = new Map<number, number>();
  #earliest = 0;

  constructor(store: KeyValueStore, segments: readonly IndexSegment[]) {
    this.#store = store;
    this.#segments = segments;
  }

  /** Forgets what is below a height: at once for readers, on the disk when segments are merged. */
  forgetBelow(height: number): void {
    this.#earliest = Math.max(this.#earliest, height);
  }

  get segments(): readonly IndexSegment[] {
    return this.#segments;
  }

  /** Adds an entry of a new block. */
  add(kind: IndexKind, name: Uint8Array, { height, index }: Place): void {
    const at = this.#recentCount * ENTRY_BYTES;
    if (at === this.#recent.length) {
      const grown = new Uint8Array(2 * at);
      grown.set(this.#recent);
      this.#recent = grown;
    }
    const entries = this.#recent;
    entries[at] = KIND_BYTES[kind];
    for (let byte = 0; byte < NAME_BYTES - 1; byte++) entries[at + 1 + byte] = name[byte] ?? 0;
    const high = Math.floor(height / 0x1_0000_0000);
    entries[at + 9] = high >>> 8;
    entries[at + 10] = high;
    entries[at + 11] = height >>> 24;
    entries[at + 12] = height >>> 16;
    entries[at + 13] = height >>> 8;
    entries[at + 14] = height;
    entries[at + 15] = index >>> 8;
    entries[at + 16] = index;
    this.#recentCount += 1;
  }

  /** Where the recent entries of a name stand, ascending. */
  #recentOf(name: Bytes): readonly number[] {
    for (; this.#namedCount < this.#recentCount; this.#namedCount++) {
      const at = this.#namedCount * ENTRY_BYTES;
      const text = textAt(this.#recent, at);
      const places = this.#named.get(text);
      if (places === undefined) this.#named.set(text, [at]);
      else places.push(at);
    }
    return this.#named.get(textAt(name, 0)) ?? [];
  }

  /** How many of the recent entries, which ascend, are of blocks up to a height. */
  #countUpTo(height: Height): number {
    let count = this.#recentCount;
    while (count > 0 && placeOf(entryAt(this.#recent, count - 1)).height > height) count -= 1;
    return count;
  }

  /**
   * Places of a name below `before` (exclusive), newest first, at most `limit`. Rejects with
   * `index-corrupt` when a record of it is lost.
   */
  async find(kind: IndexKind, name: Uint8Array, options: FindOptions): Promise<Place[]> {
    for (;;) {
      const segments = this.#segments;
      try {
        return await this.#find(segments, kind, name, options);
      } catch (error) {
        // A merge may have deleted the records of the segments that this reading began with.
        if (segments === this.#segments) throw error;
      }
    }
  }

  async #find(
    segments: readonly IndexSegment[],
    kind: IndexKind,
    name: Uint8Array,
    options: FindOptions,
  ): Promise<Place[]> {
    const prefix = nameOf(kind, name);
    const before = options.before ?? LAST_PLACE;
    const bound = entryOf(prefix, before);
    const found: Place[] = [];
    const recent = this.#recentOf(prefix);
    for (let at = recent.length - 1; at >= 0 && found.length < options.limit; at--) {
      const entry = this.#recent.subarray(recent[at], defined(recent[at], 'inside') + ENTRY_BYTES);
      const place = placeOf(entry);
      if (place.height < this.#earliest) return found;
      if (compareBytes(entry, bound) < 0) found.push(place);
    }
    for (let at = segments.length - 1; at >= 0 && found.length < options.limit; at--) {
      const segment = defined(segments[at], 'inside');
      await this.#findIn(segment, { prefix, bound, limit: options.limit }, found);
    }
    return found;
  }

  async #findIn(
    segment: IndexSegment,
    wanted: { readonly prefix: Bytes; readonly bound: Bytes; readonly limit: number },
    found: Place[],
  ): Promise<void> {
    const { fences } = segment;
    let run = fences.length - 1;
    while (run >= 0 && compareBytes(defined(fences[run], 'inside'), wanted.bound) >= 0) run -= 1;
    for (; run >= 0; run--) {
      const entries = await this.#run(segment.id, run);
      for (let at = countBelow(entries, wanted.bound) - 1; at >= 0; at--) {
        const entry = entryAt(entries, at);
        if (compareBytes(entry.subarray(0, NAME_BYTES), wanted.prefix) !== 0) return;
        const place = placeOf(entry);
        if (place.height < this.#earliest) return; // Nor is anything before it wanted.
        found.push(place);
        if (found.length >= wanted.limit) return;
      }
    }
  }

  async #run(segment: number, run: number): Promise<Run> {
    const key = `${segment}/${run}`;
    let entries = this.#runs.get(key);
    entries ??= await this.#store.get('index', runKey(segment, run));
    if (entries === undefined || entries.length === 0 || entries.length % ENTRY_BYTES !== 0) {
      throw new TabellionError('index-corrupt', { segment, run });
    }
    this.#runs.delete(key);
    this.#runs.set(key, entries);
    if (this.#runs.size > INDEX_RUNS_KEPT) {
      const [oldest] = this.#runs.keys();
      if (oldest !== undefined) this.#runs.delete(oldest);
    }
    return entries;
  }

  /** Entries in memory of blocks up to a height, sorted, one after the other. */
  #frozen(height: Height): Bytes {
    const count = this.#countUpTo(height);
    const entries = new Uint8Array(count * ENTRY_BYTES);
    const recent = this.#recent;
    let at = 0;
    for (const from of orderOf(recent, count)) {
      // Both inside.
      for (let byte = 0; byte < ENTRY_BYTES; byte++) entries[at++] = recent[from + byte] as number;
    }
    return entries;
  }

  /**
   * Writes the entries of blocks up to a height as a segment, and merges segments where there are
   * enough of a level. Nothing is used until `adopt`.
   */
  async writeSegments(
    height: Height,
    nextId: number,
    write: (operations: readonly RunWrite[]) => Promise<void>,
  ): Promise<SegmentChange> {
    let id = nextId;
    const segments = [...this.#segments];
    const replaced: Bytes[] = [];
    const replace = (segment: IndexSegment) => {
      segment.fences.forEach((_, run) => {
        replaced.push(runKey(segment.id, run));
      });
    };
    while ((this.#newest.get(segments[0]?.id ?? -1) ?? this.#earliest) < this.#earliest) {
      const [oldest] = segments.splice(0, 1);
      if (oldest !== undefined) replace(oldest);
    }
    const entries = this.#frozen(height);
    if (entries.length > 0) {
      this.#newest.set(id, height);
      const writer = new SegmentWriter(id++, 0, write);
      await writer.pushAll(entries);
      segments.push(await writer.finish());
    }
    for (;;) {
      const last = segments.slice(-INDEX_SEGMENTS_PER_LEVEL);
      const [first] = last;
      if (first === undefined || last.length < INDEX_SEGMENTS_PER_LEVEL) break;
      if (last.some(({ level }) => level !== first.level)) break;
      const newest = this.#newest.get(last.at(-1)?.id ?? -1);
      if (newest !== undefined) this.#newest.set(id, newest);
      const writer = new SegmentWriter(id++, first.level + 1, write);
      await this.#merge(last, writer);
      segments.splice(-INDEX_SEGMENTS_PER_LEVEL, INDEX_SEGMENTS_PER_LEVEL, await writer.finish());
      last.forEach(replace);
    }
    return { segments, nextSegment: id, replaced };
  }

  async #merge(inputs: readonly IndexSegment[], writer: SegmentWriter): Promise<void> {
    const cursors = inputs.map((segment) => ({
      segment,
      run: 0,
      at: 0,
      entries: NO_ENTRIES,
    }));
    for (const cursor of cursors) {
      // Of a segment whose entries were all forgotten nothing was written.
      if (cursor.segment.fences.length > 0) cursor.entries = await this.#run(cursor.segment.id, 0);
    }
    for (;;) {
      let least: (typeof cursors)[number] | undefined;
      for (const cursor of cursors) {
        if (cursor.at * ENTRY_BYTES >= cursor.entries.length) {
          if (cursor.run + 1 >= cursor.segment.fences.length) continue;
          cursor.run += 1;
          cursor.at = 0;
          cursor.entries = await this.#run(cursor.segment.id, cursor.run);
        }
        const entry = entryAt(cursor.entries, cursor.at);
        if (least === undefined || compareBytes(entry, entryAt(least.entries, least.at)) < 0) {
          least = cursor;
        }
      }
      if (least === undefined) return;
      const entry = entryAt(least.entries, least.at);
      if (placeOf(entry).height >= this.#earliest) await writer.push(entry);
      least.at += 1;
    }
  }

  /** Uses new segments from now on, and forgets the entries in memory that they hold. */
  adopt(change: SegmentChange, height: Height): void {
    this.#segments = change.segments;
    const ids = new Set(change.segments.map(({ id }) => id));
    for (const id of [...this.#newest.keys()]) if (!ids.has(id)) this.#newest.delete(id);
    const count = this.#countUpTo(height);
    this.#recent.copyWithin(0, count * ENTRY_BYTES, this.#recentCount * ENTRY_BYTES);
    this.#recentCount -= count;
    this.#named = new Map();
    this.#namedCount = 0;
  }
}

/** Which of the places found are wanted. */
export type FindOptions = { readonly before: Place | undefined; readonly limit: number };

/** What writing segments came to. */
export type SegmentChange = {
  readonly segments: readonly IndexSegment[];
  readonly nextSegment: number;
  /** Keys of runs that no segment has any more. */
  readonly replaced: readonly Bytes[];
};

export type RunWrite = { readonly key: Bytes; readonly value: Bytes };

class SegmentWriter {
  readonly #id: number;
  readonly #level: number;
  readonly #write: (operations: readonly RunWrite[]) => Promise<void>;
  readonly #fences: Bytes[] = [];
  #pending: Uint8Array[] = [];
  #count = 0;

  constructor(
    id: number,
    level: number,
    write: (operations: readonly RunWrite[]) => Promise<void>,
  ) {
    this.#id = id;
    this.#level = level;
    this.#write = write;
  }

  async push(entry: Uint8Array): Promise<void> {
    this.#pending.push(entry);
    this.#count += 1;
    if (this.#pending.length === INDEX_RUN_ENTRIES) await this.#flush();
  }

  /** Entries in their order, one after the other; nothing was pushed before. */
  async pushAll(entries: Bytes): Promise<void> {
    const bytesMax = INDEX_RUN_ENTRIES * ENTRY_BYTES;
    this.#count += entries.length / ENTRY_BYTES;
    for (let at = 0; at < entries.length; at += bytesMax) {
      await this.#writeRun(entries.slice(at, at + bytesMax));
    }
  }

  async #flush(): Promise<void> {
    if (this.#pending.length === 0) return;
    const run = concatBytes(...this.#pending);
    this.#pending = [];
    await this.#writeRun(run);
  }

  async #writeRun(value: Bytes): Promise<void> {
    const key = runKey(this.#id, this.#fences.length);
    this.#fences.push(value.slice(0, ENTRY_BYTES));
    await this.#write([{ key, value }]);
  }

  async finish(): Promise<IndexSegment> {
    await this.#flush();
    return { id: this.#id, level: this.#level, count: this.#count, fences: this.#fences };
  }
}
