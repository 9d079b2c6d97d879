import { person } from '../../ledger/testing/world.ts';
import type { Entry, KeyValueStore, WriteOperation } from '../../storage/index.ts';
import { MemoryStore } from '../../storage/index.ts';
import type { SigningMark, SigningMarkKeeper } from '../types.ts';
import { FUNDED, heightOf, VALIDATORS, Village } from './village.ts';
import { contradictions, votesPublished } from './votes.ts';

const ada = person('ada');
const bob = person('bob');
const [FIRST, SECOND, THIRD, FOURTH] = VALIDATORS;
const OTHERS = [FIRST, SECOND, THIRD];
const FOURTH_INDEX = 3;
/** Long enough for the votes of a height, too short for its first timeout. */
const OPEN_HEIGHT_MS = 100;

/** What happened to the store of a validator that is down. */
export type Damage =
  /** The log, all its records one after another, ends before this byte. */
  | { readonly kind: 'cut'; readonly byte: number }
  /** Bits of one byte of the log are others. */
  | { readonly kind: 'flip'; readonly byte: number; readonly bits: number }
  /** Only the first writes of its life are there: the end of the database's own log is lost. */
  | { readonly kind: 'rolled-back'; readonly writes: number };

/** What became of the validator. */
export type Outcome = {
  /** `refused`: it did not start. `recovered`: it follows the others. */
  readonly kind: 'refused' | 'recovered' | 'stuck';
  /** Why it did not start. */
  readonly code: string | undefined;
  readonly contradictions: readonly string[];
};

type Batch = readonly WriteOperation[];

/** A mark in memory: what a home keeps beside its store. */
class MemoryMarks implements SigningMarkKeeper {
  mark: SigningMark | undefined;

  constructor(mark?: SigningMark) {
    this.mark = mark;
  }

  async load() {
    return this.mark;
  }

  async store(mark: SigningMark) {
    this.mark = mark;
  }
}

/** The same store, and every write noted. */
function noting(store: MemoryStore, batches: Batch[]): KeyValueStore {
  return {
    get: (space, key) => store.get(space, key),
    getMany: (space, keys) => store.getMany(space, keys),
    list: (space, range) => store.list(space, range),
    usage: () => store.usage(),
    clear: () => store.clear(),
    close: () => store.close(),
    async write(operations, durability) {
      await store.write(operations, durability);
      batches.push(operations);
    },
  };
}

/** A network that stopped in the middle of a height, one log of which is going to be damaged. */
export class TornLog {
  readonly #village: Village;
  readonly #stores: ReadonlyMap<string, readonly Batch[]>;
  readonly #marks: MemoryMarks | undefined;
  readonly #height: number;
  readonly #publishedBefore: number;
  /** Records of the log of the fourth validator. */
  readonly entries: readonly Entry[];
  /** Writes of its life. */
  readonly writeCount: number;

  private constructor(
    village: Village,
    stores: ReadonlyMap<string, readonly Batch[]>,
    entries: readonly Entry[],
    marks: MemoryMarks | undefined,
  ) {
    this.#village = village;
    this.#stores = stores;
    this.#marks = marks;
    this.#height = village.world.at;
    this.#publishedBefore = village.hub.published.length;
    this.entries = entries;
    this.writeCount = stores.get(FOURTH)?.length ?? 0;
  }

  /** Whether the home keeps marks: without one, nothing tells of writes that are lost. */
  get hasMarks(): boolean {
    return this.#marks !== undefined;
  }

  get byteCount(): number {
    return this.entries.reduce((sum, { value }) => sum + value.length, 0);
  }

  /** Votes that the fourth validator sent at the height of its log. */
  get votesSent(): number {
    return votesPublished(this.#village).filter(
      ({ validatorIndex, height }) => validatorIndex === FOURTH_INDEX && height > this.#height,
    ).length;
  }

  /**
   * Lets four validators decide a height and begin the next one. There the fourth hears all
   * prevotes, so it sends a precommit and is locked; nobody else hears a vote, so nobody decides.
   * Then all are killed.
   *
   * @param hasMarks Whether the home keeps marks outside of the store.
   */
  static async record(hasMarks: boolean): Promise<TornLog> {
    const village = new Village(FUNDED);
    const marks = hasMarks ? new MemoryMarks() : undefined;
    const stores = new Map<string, Batch[]>();
    for (const name of VALIDATORS) {
      const batches: Batch[] = [];
      stores.set(name, batches);
      await startNoted(village, name, batches, name === FOURTH ? marks : undefined);
    }
    const id = await village.submit(village.node(FIRST), village.pay(ada, bob.address, 1));
    await village.settled(id, VALIDATORS);
    village.hub.delivers = ({ to, kind }) => kind !== 'votes' || to === FOURTH;
    village
      .node(FIRST)
      .submit(village.pay(ada, bob.address, 2))
      .catch(() => undefined);
    await village.clock.pass(OPEN_HEIGHT_MS);
    let entries: readonly Entry[] = [];
    for (const name of VALIDATORS) {
      const survivor = village.kill(name);
      if (name === FOURTH) entries = await survivor.list('wal', { limit: 1_000 });
    }
    village.hub.delivers = () => true;
    return new TornLog(village, stores, entries, marks);
  }

  /**
   * Starts the four again, the fourth on a damaged store, and judges what it signs. Alone first:
   * a log that is refused is refused whoever else is there.
   */
  async restart(damage: Damage): Promise<Outcome> {
    const village = this.#village;
    village.hub.published.length = this.#publishedBefore;
    const code = await this.#startFourth(damage);
    village.kill(FOURTH);
    if (code === undefined) return this.#restartAll(damage);
    return { kind: 'refused', code, contradictions: contradictions(village) };
  }

  async #restartAll(damage: Damage): Promise<Outcome> {
    const village = this.#village;
    village.hub.published.length = this.#publishedBefore;
    for (const name of OTHERS) await startOn(village, name, await restored(this.#batches(name)));
    const code = await this.#startFourth(damage);
    await village.clock.pass(20_000);
    const heights = VALIDATORS.map((name) => heightOf(village.node(name)));
    const [least = 0] = heights;
    const follows = (heights[FOURTH_INDEX] ?? 0) >= least && least > this.#height;
    const outcome = {
      kind: code !== undefined ? 'refused' : follows ? 'recovered' : 'stuck',
      code,
      contradictions: contradictions(village),
    } as const;
    for (const name of VALIDATORS) village.kill(name);
    return outcome;
  }

  /** By which code it is refused; absent when it starts. */
  async #startFourth(damage: Damage): Promise<string | undefined> {
    const marks = this.#marks === undefined ? undefined : new MemoryMarks(this.#marks.mark);
    return startOn(this.#village, FOURTH, await this.#damaged(damage), marks).then(
      () => undefined,
      (error: { readonly code: string }) => error.code,
    );
  }

  #batches(name: string): readonly Batch[] {
    return this.#stores.get(name) ?? [];
  }

  async #damaged(damage: Damage): Promise<MemoryStore> {
    const batches = this.#batches(FOURTH);
    if (damage.kind === 'rolled-back') return restored(batches.slice(0, damage.writes));
    const store = await restored(batches);
    let start = 0;
    for (const { key, value } of this.entries) {
      const at = damage.byte - start;
      start += value.length;
      if (at >= value.length || (damage.kind === 'flip' && at < 0)) continue;
      const changed =
        damage.kind === 'flip'
          ? value.map((byte, place) => (place === at ? byte ^ damage.bits : byte))
          : value.slice(0, Math.max(0, at));
      await store.write(
        [
          changed.length === 0
            ? { kind: 'delete', space: 'wal', key }
            : { kind: 'put', space: 'wal', key, value: changed },
        ],
        'strict',
      );
    }
    return store;
  }
}

/** What some writes leave. */
async function restored(batches: readonly Batch[]): Promise<MemoryStore> {
  const store = new MemoryStore();
  for (const batch of batches) await store.write(batch, 'relaxed');
  return store.crash();
}

async function startNoted(
  village: Village,
  name: string,
  batches: Batch[],
  marks: MemoryMarks | undefined,
): Promise<void> {
  const store = new MemoryStore();
  const change = {
    store: noting(store, batches),
    ...(marks === undefined ? {} : { signingMarks: marks }),
  };
  await village.create(name, { store, change }).node.start();
}

async function startOn(
  village: Village,
  name: string,
  store: MemoryStore,
  marks?: MemoryMarks,
): Promise<void> {
  const change = marks === undefined ? {} : { signingMarks: marks };
  await village.clock.run(village.create(name, { store, change }).node.start());
}

/** Every damage of a log, or about `count` of them spread over all. */
export function damagesOf(torn: TornLog, count: number): Damage[] {
  const { byteCount, writeCount } = torn;
  const all: Damage[] = [];
  for (let byte = 0; byte < byteCount; byte++) {
    all.push({ kind: 'cut', byte });
    for (let bit = 0; bit < 8; bit++) all.push({ kind: 'flip', byte, bits: 1 << bit });
  }
  const step = Math.max(1, Math.ceil(all.length / count));
  // Ends of records are where a cut leaves no trace in the log itself: all of them are tried.
  let end = 0;
  const ends = torn.entries.map(({ value }): Damage => {
    end += value.length;
    return { kind: 'cut', byte: end - value.length };
  });
  const writes = Array.from(
    { length: writeCount },
    (_, index): Damage => ({ kind: 'rolled-back', writes: index + 1 }),
  );
  const spread = all.filter((_, index) => index % step === 0);
  return [...ends, ...(torn.hasMarks ? writes : []), ...spread];
}
