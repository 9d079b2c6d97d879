import type { Height } from '../ledger/index.ts';
import type { KeyValueStore } from '../storage/index.ts';
import type { Judges } from './dead-store.ts';
import type { Told } from './failure.ts';
import { expectThat, pause } from './failure.ts';
import { SNAPSHOT_EVERY, SNAPSHOT_WORTH } from './intervals.ts';
import type { LateNetwork } from './late-network.ts';
import type { Begun, Remains } from './late-store.ts';
import { expectAt, expectForward, judgeLatecomer, NOTHING, wordsOf } from './late-store.ts';
import type { Pace } from './payments.ts';
import { NOT_AT_ALL, NOW_AND_THEN, STEADILY } from './payments.ts';
import type { Random } from './random.ts';
import type { SpoiltPage } from './spoilt-pages.ts';
import { sortSpoilt, spoilPages } from './spoilt-pages.ts';

/** A point that is not passed by then is replaced by a kill at this very moment. */
const ARMED_MS_MAX = 20_000;

/** Points of taking over a state, in their order, and how often at most before the kill. */
const WAY_POINTS: { readonly [name: string]: number } = {
  'snapshot-begin-begun': 1,
  'snapshot-begin-done': 1,
  // A quick machine writes the chunks of several answers at once.
  'snapshot-chunks-begun': 2,
  'snapshot-chunks-done': 2,
  'snapshot-finish-begun': 1,
  'snapshot-finish-done': 1,
  'snapshot-switch-begun': 1,
  'snapshot-switch-done': 1,
  'snapshot-sweep-begun': 3,
  'snapshot-sweep-done': 3,
};

/** Points of following with snapshots kept and old blocks let go of. */
const FOLLOWING_POINTS: { readonly [name: string]: number } = {
  'prune-begun': 3,
  'prune-done': 3,
  'checkpoint-pages-done': 3,
  'checkpoint-switch-begun': 3,
  'checkpoint-switch-done': 3,
  'checkpoint-garbage-begun': 3,
  'checkpoint-garbage-done': 3,
  'commit-done': 20,
};

/** Points of putting back pages that the disk spoilt while it was off. */
const REPAIR_POINTS: { readonly [name: string]: number } = {
  'page-repair-begun': 3,
  'page-repair-done': 3,
};

/** Writes of a first start on the way to the newest block, and some more. */
const STORE_WRITES_MAX = 24;

/** All points at which somebody who comes late is killed. */
export const LATE_POINTS: readonly string[] = [
  'moment',
  'store-write-begun',
  'store-write-done',
  ...Object.keys(WAY_POINTS),
  ...Object.keys(FOLLOWING_POINTS),
  ...Object.keys(REPAIR_POINTS),
];

/** Somebody who comes late to a network: a relay or a tab. */
export interface Latecomer {
  /** What a moment of its way is picked from. */
  readonly momentMsMax: number;
  /** Starts it, to die at the `count`-th passing of a point, or not by itself. */
  start(point: string | undefined, count: number): Promise<void>;
  /** Whether it passed its point. */
  hasPassed(): boolean;
  /** The newest block that it told as its own. Throws when it told that it failed. */
  told(): Promise<number>;
  /** Ends it at once. */
  kill(): Promise<void>;
  /** What it stored; absent before it stored anything. */
  remains<Value>(read: (store: KeyValueStore) => Promise<Value>): Promise<Value | undefined>;
  /** Writes, or deletes, records of pages as its disk might; it is dead. */
  spoil(pages: readonly SpoiltPage[]): Promise<void>;
  /** With how many chunks this life went on, by height of the state. */
  resumed(): Promise<readonly { readonly height: number; readonly chunks: number }[]>;
  /** Is as if it never had been started. */
  forget(): Promise<void>;
  /** Returns once it is where the network is, on the same chain. */
  follow(height: Height): Promise<void>;
  /** Nobody is there to ask any more: asks it for a block that it let go of. */
  expectPruned(height: Height): Promise<void>;
  close(): Promise<void>;
}

/** Kills somebody who comes late and takes over a state, again and again. */
export class LateRounds {
  readonly #network: LateNetwork;
  readonly #late: Latecomer;
  #remains: Remains = NOTHING;
  /** Records of pages that its disk spoilt, and nobody put back. */
  #spoilt: readonly SpoiltPage[] = [];
  /** Records that were put back in all. */
  #mended = 0;
  /** Lives that went on with chunks of the one before, and states that were taken over. */
  #resumed = 0;
  #adopted = 0;

  constructor(network: LateNetwork, late: Latecomer) {
    this.#network = network;
    this.#late = late;
  }

  /** One kill, of somebody who is dead before and after. What it breaks is not the next one's. */
  async round(random: Random, point: string): Promise<Told> {
    try {
      return await this.#round(random, point);
    } catch (error) {
      this.#network.payments.pay(NOT_AT_ALL);
      await this.#late.kill().catch(() => undefined); // What it did is told.
      await this.#forget();
      throw error;
    }
  }

  async #forget(): Promise<void> {
    await this.#late.forget();
    this.#remains = NOTHING;
    this.#spoilt = [];
  }

  async #round(random: Random, point: string): Promise<Told> {
    const how = await this.#prepare(random, point);
    const isMoment = point === 'moment';
    const count = random.whole(1, this.#passesMax(point));
    const waitMs = isMoment ? random.whole(0, this.#late.momentMsMax) : ARMED_MS_MAX;
    const isIdle = random.next() < 0.5;
    const { payments } = this.#network;
    payments.pay(paceOf(point, isIdle));
    await this.#late.start(isMoment ? undefined : point, count);
    // What nobody needed so far, later blocks change.
    if (point in REPAIR_POINTS) payments.pay(NOW_AND_THEN);
    const endMs = performance.now() + waitMs;
    let least = 0;
    while (!this.#late.hasPassed() && performance.now() < endMs) {
      least = Math.max(least, await this.#late.told());
      await pause(5);
    }
    const isMissed = !isMoment && !this.#late.hasPassed();
    payments.pay(NOT_AT_ALL);
    const before = this.#remains;
    const mended = this.#mended;
    const after = await this.#die();
    // Killed at once it told nothing, and may not even have stored genesis.
    const isHeld = least === 0 || after.head >= least;
    expectThat(isHeld, `it told ${least} and holds ${after.head}`);
    if (!isMissed) expectAt(point, before, after);
    const isPutBack = point === 'page-repair-done' && !isMissed;
    const putBack = this.#mended - mended;
    expectThat(!isPutBack || putBack >= count, `${putBack} of ${count} pages are there again`);
    await this.#expectResumed(before.begun);
    const pass = isMissed ? ', not passed: killed then' : isMoment ? '' : `, pass ${count}`;
    return { words: `${how}${pass}: ${wordsOf(before)} → ${wordsOf(after)}`, isMissed };
  }

  #passesMax(point: string): number {
    // Those that are left may all be in one write.
    const isStarted = (this.#remains.begun?.done ?? 0) > 0;
    if (isStarted && point.startsWith('snapshot-chunks-')) return 1;
    const known = WAY_POINTS[point] ?? FOLLOWING_POINTS[point] ?? REPAIR_POINTS[point];
    return known ?? STORE_WRITES_MAX;
  }

  /** Brings it where the point is going to be passed. */
  async #prepare(random: Random, point: string): Promise<string> {
    if (point in REPAIR_POINTS) return this.#spoil(random);
    // Blocks come by the dozen a second: soon nobody has what is spoilt still, and it gives up.
    if (this.#spoilt.length > 0) await this.#forget();
    const { head, begun } = this.#remains;
    if (point in FOLLOWING_POINTS) return head < 0 ? 'from nothing' : 'following';
    const isBehind = head + SNAPSHOT_WORTH <= newestKept(await this.#network.head());
    const isAtBegin = point.startsWith('snapshot-begin-');
    if (isBehind && isAtBegin && begun !== undefined && random.next() < 0.5) {
      // Peers keep the newest two: then another state is begun, and chunks of both stay.
      await this.#network.outgrow(begun.height + SNAPSHOT_EVERY);
      return 'begun, then outgrown';
    }
    const isChunks = point.startsWith('snapshot-chunks-');
    const isUseless = (isAtBegin && begun !== undefined) || (isChunks && isComplete(begun));
    if (isBehind && begun !== undefined && !isUseless) return 'resuming';
    if (isBehind && begun === undefined) {
      await this.#leaveBehind();
      return 'behind';
    }
    if (random.next() < 0.5) {
      await this.#forget();
      return 'from nothing';
    }
    await this.#arrive();
    await this.#die();
    await this.#leaveBehind();
    return 'left behind';
  }

  /** While it is off its disk spoils all pages: others have them, as long as it is not behind. */
  async #spoil(random: Random): Promise<string> {
    await this.#arrive();
    await this.#die();
    const left = this.#spoilt;
    const fresh = await this.#late.remains((store) => spoilPages(store, random, left));
    expectThat(fresh !== undefined && fresh.length > 0, 'it holds no whole page');
    await this.#late.spoil(fresh);
    this.#spoilt = [...left, ...fresh];
    return `${fresh.length} records of pages spoilt, ${left.length} before`;
  }

  /** So far that few blocks, executed before a newer header is proven, change nothing. */
  async #leaveBehind(): Promise<void> {
    await this.#network.outgrow(this.#remains.head + 2 * SNAPSHOT_EVERY);
  }

  /** Kills it, if it lives, and judges what is left. */
  async #die(): Promise<Remains> {
    await this.#late.kill();
    const { judges } = this.#network;
    await this.#network.learn();
    const after = (await this.#late.remains((store) => this.#judge(store, judges))) ?? NOTHING;
    expectForward(this.#remains, after, newestKept(judges.witness.height));
    if (after.anchor !== this.#remains.anchor) this.#adopted += 1;
    this.#remains = after;
    return after;
  }

  async #judge(store: KeyValueStore, judges: Judges): Promise<Remains> {
    const { left, mended } = await sortSpoilt(store, this.#spoilt);
    const remains = await judgeLatecomer(store, judges, this.#spoilt);
    this.#mended += mended.length;
    this.#spoilt = left;
    return remains;
  }

  /** Whoever went on with the same state had all that was there of it. */
  async #expectResumed(begun: Begun | undefined): Promise<void> {
    for (const { height, chunks } of await this.#late.resumed()) {
      if (begun === undefined || height !== begun.height) continue;
      expectThat(chunks >= begun.done, `${begun.done} chunks were here, ${chunks} went on`);
      this.#resumed += 1;
    }
  }

  /** Starts it, and waits until it follows the network to a block that is new. */
  async #arrive(): Promise<void> {
    await this.#late.start(undefined, 0);
    await this.#network.advanceTo((await this.#network.head()) + 1);
    await this.#late.follow((await this.#network.head()) as Height); // Told by a node.
  }

  /** In the end it follows, holds nothing unfinished, and names what it let go of. */
  async finish(): Promise<string> {
    await this.#arrive();
    const { source, judges } = this.#network;
    source.kill();
    await source.ended();
    const { earliest } = this.#remains;
    // Above genesis, which everybody has.
    if (earliest > 1) await this.#late.expectPruned((earliest - 1) as Height);
    const { begun } = await this.#die();
    expectThat(begun === undefined, 'a snapshot was neither taken over nor given up');
    const counts = `${this.#adopted} states taken over, ${this.#resumed} times resumed`;
    const pages = this.#mended === 0 ? '' : `, ${this.#mended} pages put back`;
    return `${judges.witness.height} blocks, ${counts}${pages}: whole`;
  }

  async close(): Promise<void> {
    await this.#late.close();
  }
}

/** Peers have the pages that were spoilt for some blocks: none is made before they are asked. */
function paceOf(point: string, isIdle: boolean): Pace {
  if (point in FOLLOWING_POINTS) return STEADILY;
  return isIdle || point in REPAIR_POINTS ? NOT_AT_ALL : NOW_AND_THEN;
}

function isComplete(begun: Begun | undefined): boolean {
  return begun !== undefined && begun.done === begun.total;
}

/** Height of the newest state that peers keep for others, in a network of some height. */
function newestKept(height: number): number {
  return Math.floor(height / SNAPSHOT_EVERY) * SNAPSHOT_EVERY;
}
