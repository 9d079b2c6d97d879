import { defined, equalBytes, formatHex } from '../base/index.ts';
import type { Height } from '../ledger/index.ts';
import type { LedgerStore } from '../node/index.ts';
import { openLedgerStore } from '../node/index.ts';
import { joinPages, pageStoreKey, verifyChunk } from '../state/index.ts';
import type { KeyValueStore } from '../storage/index.ts';
import type { Judges } from './dead-store.ts';
import { Broken, expectThat } from './failure.ts';
import { SNAPSHOT_EVERY } from './intervals.ts';
import type { SpoiltPage } from './spoilt-pages.ts';
import { openTwin } from './spoilt-pages.ts';

/** A snapshot of which a dead store holds some chunks. */
export type Begun = {
  readonly height: number;
  readonly stateRoot: string;
  readonly done: number;
  readonly total: number;
};

/** What a kill left of somebody who came late. */
export type Remains = {
  readonly head: number;
  /** First height whose block is kept. */
  readonly earliest: number;
  /** The block whose state was taken over from peers. */
  readonly anchor: number | undefined;
  readonly begun: Begun | undefined;
};

/** A visit before anything was stored. */
export const NOTHING: Remains = { head: -1, earliest: 0, anchor: undefined, begun: undefined };

const NOBODY = { mend: undefined, twin: undefined };

/** Words for the line that tells of a round. */
export function wordsOf({ head, earliest, anchor, begun }: Remains): string {
  const state = anchor === undefined ? '' : `, state of ${anchor}, blocks from ${earliest}`;
  const chunks = begun && `, ${begun.done} of ${begun.total} chunks of ${begun.height}`;
  return `${head}${state}${chunks ?? ''}`;
}

/**
 * Opens what a killed latecomer left, and checks all of it: every value of the state against the
 * witness, every block that is kept, every chunk that is noted as fetched.
 *
 * @param spoilt Pages that its disk spoilt before: those that are spoilt still are given again.
 */
export async function judgeLatecomer(
  store: KeyValueStore,
  judges: Judges,
  spoilt: readonly SpoiltPage[] = [],
): Promise<Remains> {
  const { ledger, witness } = judges;
  const options = { snapshotEveryBlocks: SNAPSHOT_EVERY };
  const { mend, twin } = spoilt.length === 0 ? NOBODY : await openTwin(store, ledger, spoilt);
  const opening = openLedgerStore({ store, ledger, options, mend });
  const found = await opening.catch((error: unknown) => {
    throw new Broken(`the store does not open: ${String(error)}`);
  });
  await witness.compare(found);
  const head = found.head().header.height;
  const earliest = found.earliestHeight();
  for (let at = 1; at <= head; at++) {
    const block = await found.block(at as Height); // Counted up from one.
    const own = defined(witness.hashAt(at), 'followed to the head');
    const isRight = block === undefined ? at < earliest : equalBytes(block.hash, own);
    expectThat(isRight, `block ${at} of ${earliest} to ${head} is missing or another one`);
    expectThat(block === undefined || at >= earliest, `block ${at} is told below ${earliest}`);
  }
  const anchor = found.anchor();
  if (anchor !== undefined) {
    const { height } = anchor.header;
    const own = witness.hashAt(height);
    expectThat(height <= head && height < earliest, `a state of ${height} at ${head}`);
    expectThat(own !== undefined && equalBytes(anchor.hash, own), `a state of no block: ${height}`);
  }
  await expectChunks(store, found, judges);
  const begun = begunOf(found);
  await found.close();
  await twin?.close();
  return { head, earliest, anchor: anchor?.header.height, begun };
}

function begunOf(store: LedgerStore): Begun | undefined {
  const begun = store.snapshotBegun();
  if (begun === undefined) return undefined;
  const { height, stateRoot } = begun.anchor.header;
  const { chunksDone: done, chunksTotal: total } = begun;
  return { height, stateRoot: formatHex(stateRoot), done, total };
}

/** Whatever is noted as fetched is there, and is what the manifest names. */
async function expectChunks(
  store: KeyValueStore,
  found: LedgerStore,
  { ledger }: Judges,
): Promise<void> {
  const writer = found.snapshotWriter();
  if (writer === undefined) return;
  const { generation, plans } = writer;
  for (const index of writer.have()) {
    const plan = defined(plans[index], 'a chunk of this snapshot');
    const record = await store.get('pages', pageStoreKey({ prefix: plan.prefix, generation }));
    const bytes = record && joinPages([record]);
    const isRight = bytes !== undefined && verifyChunk(ledger.suite, plan, bytes).ok;
    expectThat(isRight, `chunk ${index} is noted, and missing or another one`);
  }
}

/**
 * What may have become of a store between two deaths.
 *
 * @param newestKept Height of the newest state that peers keep; they keep the one before as well.
 */
export function expectForward(before: Remains, after: Remains, newestKept: number): void {
  expectThat(after.head >= before.head, `the head went from ${before.head} to ${after.head}`);
  expectThat(
    after.earliest >= before.earliest,
    `blocks that were let go of are back: ${wordsOf(before)} → ${wordsOf(after)}`,
  );
  // Given up only once the chain passed it, or for another one that was taken over since.
  const isLost = before.begun !== undefined && after.begun === undefined;
  const isPassed = before.begun !== undefined && after.head >= before.begun.height;
  const isGivenUp = isPassed || after.anchor !== before.anchor;
  expectThat(!isLost || isGivenUp, `the state of ${before.begun?.height} is forgotten`);
  const isSame = before.begun?.stateRoot === after.begun?.stateRoot;
  // Where nobody keeps it, another one is begun, and what that has not goes first.
  const isKept = (before.begun?.height ?? 0) >= newestKept - SNAPSHOT_EVERY;
  if (isSame && isKept && before.begun !== undefined && after.begun !== undefined) {
    const [had, has] = [before.begun.done, after.begun.done];
    expectThat(has >= had, `of ${had} chunks ${has} are left`);
  }
  if (after.anchor === before.anchor || after.anchor === undefined) {
    expectThat(after.anchor === before.anchor, 'a state that was taken over is gone');
    return;
  }
  expectThat(after.anchor % SNAPSHOT_EVERY === 0, `a state of ${after.anchor} was taken over`);
  expectThat(after.anchor > before.head, `a state of ${after.anchor} over ${before.head}`);
}

/** What must be there after a kill at a point, whatever the store itself believes. */
export function expectAt(point: string, before: Remains, after: Remains): void {
  const { begun } = after;
  const [done, total] = [begun?.done ?? 0, begun?.total ?? 1];
  const isSwitched = after.anchor !== before.anchor;
  const holds: { readonly [name: string]: boolean } = {
    // One begun before is cleared away by writes of the same name.
    'snapshot-begin-done': begun !== undefined || before.begun !== undefined,
    'snapshot-chunks-begun': begun !== undefined,
    'snapshot-chunks-done': done > 0,
    'snapshot-finish-begun': done === total,
    'snapshot-finish-done': done === total,
    'snapshot-switch-begun': done === total && !isSwitched,
    'snapshot-switch-done': begun === undefined && isSwitched,
    'prune-done': after.earliest > 0,
  };
  expectThat(holds[point] ?? true, `after ${point}: ${wordsOf(after)}`);
}
