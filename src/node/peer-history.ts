import type { Clock } from '../base/index.ts';
import { equalBytes, formatHex, TabellionError } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { Address, Header, Height, Ledger } from '../ledger/index.ts';
import { SharedCache } from '../storage/index.ts';
import type { LightDriver } from './light-driver.ts';
import {
  HEDGE_MS,
  HISTORY_HEAD_LAG,
  HISTORY_OTHERS_MS,
  HISTORY_PLACES_MAX,
  HISTORY_VOICES,
  STATUS_INTERVAL_MS,
} from './limits.ts';
import {
  entriesAnswerCodec,
  entriesRequestCodec,
  historyAnswerCodec,
  historyRequestCodec,
} from './proof-messages.ts';
import { concerns, readEntries, verifyEntry } from './proven-entries.ts';
import type { Judged, PeerQuestions } from './questions.ts';
import type { IncludedTransaction, Place, StoredBlock } from './store/index.ts';

/** A part of what is known of an account, newest first; each entry is proven. */
export type HistoryPage = {
  readonly entries: readonly IncludedTransaction[];
  /** Whether whoever told it knows of nothing older. */
  readonly isWhole: boolean;
  /** Voices that named all of these, and would know of others; many peers of a host are one. */
  readonly namedBy: number;
  /** Those who named all of these would know of others up to here. */
  readonly upTo: Height;
};

export type PeerHistoriesDependencies = {
  readonly ledger: Ledger;
  readonly light: LightDriver;
  readonly questions: PeerQuestions;
  readonly clock: Clock;
  /** What stands at a place of a proven block; absent where nobody serves it. */
  includedAt(place: Place, signal?: AbortSignal): Promise<IncludedTransaction | undefined>;
  /** A proven block with its receipts. */
  block(height: Height, signal?: AbortSignal): Promise<StoredBlock>;
};

type Query = {
  readonly before: Place | undefined;
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
};

type Peer = { readonly peerId: string; readonly voice: string };
type Range = ReturnType<PeerQuestions['rangeOf']>;

/** What one peer told, each entry proven, and what it said to hold before it was asked. */
type Told = Peer & {
  readonly range: Range;
  readonly entries: readonly IncludedTransaction[];
  readonly ids: ReadonlySet<string>;
  readonly isWhole: boolean;
};

/** Blocks of a history fetched at once. */
const FETCHED_AT_ONCE = 4;
/** Headers of a history proven at once, and how many are remembered. */
const HEADERS_AT_ONCE = 4;
const HEADERS_KEPT_MAX = 2_048;
/** Who keeps the first block keeps all. */
const FIRST_HEIGHT = 1 as Height;
const NO_HEIGHT = 0 as Height; // Genesis holds no transactions.
/** After so long every peer that answers has told anew what it keeps. */
const TOLD_ANEW_MS = 2 * STATUS_INTERVAL_MS;
const EXCUSES_MAX = 64;
const FALSE_ANSWER = { kind: 'bad', fault: 'false-answer' } as const;

/**
 * Histories of accounts, asked of several peers: every entry is proven, but not that none is
 * missing. What one leaves out another may prove, and then it is there.
 */
export class PeerHistories {
  readonly #dependencies: PeerHistoriesDependencies;
  readonly #headers = new SharedCache<number, Header>({
    weightMax: HEADERS_KEPT_MAX,
    loadsMax: 2 * HEADERS_AT_ONCE,
    weigh: () => 1,
  });

  /** Who said to lack a block that it had told to keep, which, and when. */
  readonly #excuses = new Map<string, { readonly height: Height; readonly atMs: number }>();

  constructor(dependencies: PeerHistoriesDependencies) {
    this.#dependencies = dependencies;
  }

  /** Rejects with `proof-unavailable` where nobody tells anything, and with `aborted`. */
  async read(address: Address, query: Query): Promise<HistoryPage> {
    const bounded = { ...query, limit: Math.min(query.limit, HISTORY_PLACES_MAX) };
    this.#judgeExcuses();
    const told = await this.#askSeveral(address, bounded);
    if (told.length > 0) return this.#unite(address, bounded, told);
    // Where all are of the time before entries were proven by themselves, or all are busy.
    const entries = await this.#askPlaces(address, bounded);
    if (entries === undefined) throw new TabellionError('proof-unavailable');
    const isWhole = entries.length < bounded.limit;
    // Nobody knows which of those who were asked told it.
    return { entries, isWhole, namedBy: 1, upTo: entries[0]?.height ?? NO_HEIGHT };
  }

  /** Those first who keep all blocks: the index of others begins where their snapshot did. */
  #peers(): Peer[] {
    const { questions } = this.#dependencies;
    const whole = questions.voices(FIRST_HEIGHT);
    const known = new Set(whole.map(({ peerId }) => peerId));
    return [...whole, ...questions.voices().filter(({ peerId }) => !known.has(peerId))];
  }

  /** What a few peers tell, each another voice where that can be; the slow are not waited for. */
  #askSeveral(address: Address, query: Query): Promise<readonly Told[]> {
    const { clock, questions } = this.#dependencies;
    const { signal } = query;
    if (signal?.aborted) return Promise.reject(new TabellionError('aborted'));
    const peers = this.#peers();
    return new Promise((resolve, reject) => {
      const ends = new AbortController();
      const told: Told[] = [];
      const voices = new Set<string>();
      let running = 0;
      let cancel: () => void = () => undefined;
      const finish = (settle: () => void): void => {
        if (ends.signal.aborted) return;
        ends.abort();
        cancel();
        signal?.removeEventListener('abort', onAbort);
        settle();
      };
      const onAbort = (): void => finish(() => reject(new TabellionError('aborted')));
      signal?.addEventListener('abort', onAbort);
      const askNext = (): void => {
        // A second peer of one voice is asked only where its first was of no use.
        const fresh = peers.findIndex(({ voice }) => !voices.has(voice));
        const place = fresh < 0 && told.length === 0 ? 0 : fresh;
        const peer = place < 0 ? undefined : peers.splice(place, 1)[0];
        if (peer === undefined) {
          if (running === 0) finish(() => resolve(told));
          return;
        }
        voices.add(peer.voice);
        running += 1;
        const range = questions.rangeOf(peer.peerId);
        this.#askEntries(address, query, peer.peerId, ends.signal)
          .catch(() => undefined)
          .then((page) => {
            running -= 1;
            if (page !== undefined) {
              const ids = new Set(page.entries.map(nameOf));
              told.push({ ...peer, range, ids, ...page });
            }
            if (told.length >= HISTORY_VOICES) return finish(() => resolve(told));
            if (page !== undefined && told.length === 1) {
              cancel();
              cancel = clock.after(HISTORY_OTHERS_MS, () => finish(() => resolve(told)));
            }
            askNext();
          })
          .catch((error: unknown) => finish(() => reject(error)));
      };
      const hedge = (): void => {
        cancel = clock.after(HEDGE_MS, () => {
          askNext();
          if (peers.length > 0) hedge();
        });
      };
      for (let count = 0; count < HISTORY_VOICES; count++) askNext();
      if (!ends.signal.aborted && told.length === 0) hedge();
    });
  }

  #askEntries(
    address: Address,
    { before, limit }: Query,
    peerId: string,
    signal: AbortSignal,
  ): Promise<Pick<Told, 'entries' | 'isWhole'> | undefined> {
    const { ledger, questions } = this.#dependencies;
    return questions.ask<Pick<Told, 'entries' | 'isWhole'>>({
      kind: 'entries',
      peers: [peerId],
      body: encode(entriesRequestCodec, { address, before, limit }),
      signal,
      judge: async (answer) => {
        const decoded = decode(entriesAnswerCodec, answer);
        if (!decoded.ok) return { kind: 'bad', fault: 'malformed-answer' };
        const { entries: told, isWhole } = decoded.value;
        const places = told.map(({ place }) => place);
        if (places.length > limit || !descends(places, before)) return FALSE_ANSWER;
        if (places.some(({ height }) => height < 1)) return FALSE_ANSWER; // Genesis holds none.
        // Nothing at all, and yet not the end, would be asked for again and again.
        if (places.length === 0 && !isWhole) return { kind: 'absent' };
        // What costs nothing is looked at before anybody is asked for headers.
        const read = readEntries(ledger, address, told);
        if (read === undefined) return FALSE_ANSWER;
        const headers = await this.#headersOf(places, signal);
        if (headers === undefined) return { kind: 'absent' };
        const entries: IncludedTransaction[] = [];
        for (const each of read) {
          const header = headers.get(each.told.place.height);
          const included = header && verifyEntry(ledger, header, each);
          if (included === undefined) return FALSE_ANSWER;
          entries.push(included);
        }
        return { kind: 'good', value: { entries, isWhole } };
      },
    });
  }

  /** The proven headers of places, one a block; absent if one of them cannot be had. */
  async #headersOf(
    places: readonly Place[],
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<Height, Header> | undefined> {
    const { light } = this.#dependencies;
    const head = light.head().header.height;
    const heights = [...new Set(places.map(({ height }) => height))];
    if (heights.some((height) => height > head)) return undefined;
    const headers = new Map<Height, Header>();
    for (let at = 0; at < heights.length; at += HEADERS_AT_ONCE) {
      const part = heights.slice(at, at + HEADERS_AT_ONCE);
      const proving = part.map((height) =>
        this.#headers.get(height, async () => (await light.prove(height)).trusted.header),
      );
      const proven = await unlessAborted(Promise.all(proving), signal).catch(() => undefined);
      if (proven === undefined) return undefined;
      for (const header of proven) headers.set(header.height, header);
    }
    return headers;
  }

  /* ------------------------------------------------------------- uniting */

  /** All that any of them proved; and how many of them named all of it. */
  async #unite(address: Address, query: Query, answers: readonly Told[]): Promise<HistoryPage> {
    const { before, limit } = query;
    const { told, entries: gathered, disputed } = await this.#gather(answers, query.signal);
    const all = gathered.filter((each) => before === undefined || isBelow(each, before));
    const entries = all.slice(0, limit);
    const isWhole = all.length <= limit && told.every((each) => each.isWhole);
    for (const each of told) {
      const omitted = all.find((entry) => isOmitted(entry, each));
      // Nobody waits for what becomes of whoever left it out.
      if (omitted !== undefined) void this.#askAgain(address, each, omitted.height);
    }
    const head = this.#dependencies.light.head().header.height;
    const page = { entries, isWhole, top: before?.height ?? head };
    const agreed = told.filter((each) => !disputed.has(each) && hasNamed(each, page));
    const heads = (agreed.length > 0 ? agreed : told).map(({ range }) => range?.head ?? NO_HEIGHT);
    const known = agreed.length > 0 ? Math.min(...heads) : Math.max(NO_HEIGHT, ...heads);
    const upTo = Math.min(head, known) as Height; // One of these heights.
    // Whoever told the most is one at least.
    const namedBy = Math.max(1, new Set(agreed.map(({ voice }) => voice)).size);
    return { entries, isWhole, namedBy, upTo };
  }

  /**
   * Each transaction once, newest first, without what those told who gave a false index; and who
   * told of blocks that nobody gives, where they contradict each other.
   */
  async #gather(
    told: readonly Told[],
    signal: AbortSignal | undefined,
  ): Promise<{
    readonly told: readonly Told[];
    readonly entries: IncludedTransaction[];
    readonly disputed: ReadonlySet<Told>;
  }> {
    const { block, questions } = this.#dependencies;
    const heights = new Map<Height, Map<string, IncludedTransaction>>();
    const disputed = new Set<Told>();
    for (const { entries } of told) {
      for (const entry of entries) {
        const there = heights.get(entry.height) ?? new Map<string, IncludedTransaction>();
        heights.set(entry.height, there);
        const name = nameOf(entry);
        if (isDisputed(entry, there)) {
          // Nobody proves at which index of its block a transaction stands: the block says it.
          // Where one was not to be had, others would be waited for in vain as well.
          const stored =
            disputed.size > 0
              ? undefined
              : await block(entry.height, signal).catch(() => undefined);
          if (signal?.aborted) throw new TabellionError('aborted');
          const liar = stored && told.find((each) => isFalse(each, stored));
          if (liar !== undefined) {
            questions.refuse(liar.peerId, 'false-answer');
            const others = told.filter((each) => each !== liar);
            return this.#gather(others, signal);
          }
          // What was told first stands, and is nobody's word.
          for (const each of told) if (speaksOf(each, entry.height)) disputed.add(each);
          continue;
        }
        there.set(name, entry);
      }
    }
    const entries = [...heights.values()].flatMap((there) => [...there.values()]);
    return { told, entries: entries.sort(newestFirst), disputed };
  }

  /**
   * Asks whoever left out what is proven from where on its index is complete: it may have let go of
   * that block. Whoever claims to have it lied. Whoever says that it has not, and told before that
   * it keeps it, has let go of it since: it must say so when it tells anew what it keeps.
   */
  async #askAgain(address: Address, { peerId, range }: Told, height: Height): Promise<void> {
    const before = { height: (height + 1) as Height, index: 0 }; // One above a height.
    const judge = (answer: Uint8Array): Judged<Height> => {
      const decoded = decode(historyAnswerCodec, answer);
      if (!decoded.ok) return { kind: 'bad', fault: 'malformed-answer' };
      const { completeFrom } = decoded.value;
      return completeFrom <= height ? FALSE_ANSWER : { kind: 'good', value: completeFrom };
    };
    const body = encode(historyRequestCodec, { address, before, limit: 1 });
    const { clock, questions } = this.#dependencies;
    const completeFrom = await questions
      .ask({ kind: 'history', peers: [peerId], body, judge })
      .catch(() => undefined);
    if (completeFrom === undefined || !keeps(range, height)) return;
    if (this.#excuses.has(peerId) || this.#excuses.size >= EXCUSES_MAX) return;
    this.#excuses.set(peerId, { height, atMs: clock.now() });
  }

  /** Whoever excused itself, and tells ever since that it keeps what it left out, lied. */
  #judgeExcuses(): void {
    const { clock, questions } = this.#dependencies;
    for (const [peerId, { height, atMs }] of this.#excuses) {
      if (clock.now() - atMs < TOLD_ANEW_MS) continue;
      this.#excuses.delete(peerId);
      if (keeps(questions.rangeOf(peerId), height)) questions.refuse(peerId, 'false-answer');
    }
  }

  /* ------------------------------------------------------- by their places */

  #askPlaces(
    address: Address,
    { before, limit, signal }: Query,
  ): Promise<readonly IncludedTransaction[] | undefined> {
    return this.#dependencies.questions.ask<readonly IncludedTransaction[]>({
      kind: 'history',
      body: encode(historyRequestCodec, { address, before, limit }),
      signal,
      judge: async (answer) => {
        const decoded = decode(historyAnswerCodec, answer);
        if (!decoded.ok) return { kind: 'bad', fault: 'malformed-answer' };
        const { places } = decoded.value;
        if (places.length > limit || !descends(places, before)) return FALSE_ANSWER;
        return this.#entriesAt(places, address, signal);
      },
    });
  }

  async #entriesAt(
    places: readonly Place[],
    address: Address,
    signal: AbortSignal | undefined,
  ): Promise<Judged<readonly IncludedTransaction[]>> {
    const { includedAt } = this.#dependencies;
    const entries: IncludedTransaction[] = [];
    for (let at = 0; at < places.length; at += FETCHED_AT_ONCE) {
      const part = places.slice(at, at + FETCHED_AT_ONCE);
      const found = await Promise.all(part.map((place) => includedAt(place, signal)));
      for (const included of found) {
        if (included === undefined) return { kind: 'absent' };
        if (!concerns(included, address)) return FALSE_ANSWER;
        entries.push(included);
      }
    }
    return { kind: 'good', value: entries };
  }
}

function keeps(range: Range, height: Height): boolean {
  return range !== undefined && range.earliest <= height && height <= range.head;
}

function nameOf({ height, receipt }: IncludedTransaction): string {
  return `${height} ${formatHex(receipt.transactionId)}`;
}

/** Whether others of its block were told at its index, or it at another one. */
function isDisputed(
  entry: IncludedTransaction,
  there: ReadonlyMap<string, IncludedTransaction>,
): boolean {
  const known = there.get(nameOf(entry));
  if (known !== undefined) return known.index !== entry.index;
  return [...there.values()].some(({ index }) => index === entry.index);
}

function speaksOf({ entries }: Told, height: Height): boolean {
  return entries.some((entry) => entry.height === height);
}

/** Whether a peer told a transaction of a block at an index where another one stands. */
function isFalse({ entries }: Told, { block, receipts }: StoredBlock): boolean {
  return entries.some(({ height, index, receipt }) => {
    if (height !== block.header.height) return false;
    const there = receipts[index]?.transactionId;
    return there === undefined || !equalBytes(there, receipt.transactionId);
  });
}

/** Whether a peer, by its own words, told all of where an entry stands, and not the entry. */
function isOmitted(entry: IncludedTransaction, { ids, range, entries, isWhole }: Told): boolean {
  if (ids.has(nameOf(entry)) || range === undefined || entry.height > range.head) return false;
  const last = entries.at(-1);
  return isWhole || (last !== undefined && last.height < entry.height);
}

/** Whether a peer named all of a page, and would have named what is missing in it. */
function hasNamed(
  { ids, range, isWhole }: Told,
  page: Pick<HistoryPage, 'entries' | 'isWhole'> & { readonly top: number },
): boolean {
  if (range === undefined || range.head + HISTORY_HEAD_LAG < page.top) return false;
  if (!page.entries.every((entry) => ids.has(nameOf(entry)))) return false;
  if (page.isWhole) return isWhole && range.earliest <= FIRST_HEIGHT;
  return range.earliest <= (page.entries.at(-1)?.height ?? 0);
}

/** Settles as the promise does, or rejects with `aborted` as soon as nobody waits for it. */
export function unlessAborted<Value>(
  promise: Promise<Value>,
  signal?: AbortSignal,
): Promise<Value> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new TabellionError('aborted'));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function isBelow(place: Place, other: Place): boolean {
  return (
    place.height < other.height || (place.height === other.height && place.index < other.index)
  );
}

function newestFirst(left: Place, right: Place): number {
  return right.height - left.height || right.index - left.index;
}

function descends(places: readonly Place[], before: Place | undefined): boolean {
  let last = before;
  for (const place of places) {
    if (last !== undefined && !isBelow(place, last)) return false;
    last = place;
  }
  return true;
}
