import { assert, equalBytes, formatHex, TabellionError } from '../../../base/index.ts';
import { encode } from '../../../codec/index.ts';
import type { WalEntry } from '../../../consensus/index.ts';
import { consensusCodecsOf } from '../../../consensus/index.ts';
import type { Height } from '../../../ledger/index.ts';
import { createProtocol } from '../../../ledger/index.ts';
import { recordChain } from '../../../node/store/chain.fixture.ts';
import type { LedgerStore } from '../../../node/store/index.ts';
import { openLedgerStore, STORE_REFUSALS } from '../../../node/store/index.ts';
import { contradictions } from '../../../node/testing/votes.ts';
import { WalStore } from '../../../node/wal-store.ts';
import { MemoryStore } from '../../../storage/index.ts';
import { openLiveNode } from '../live-node.ts';
import type { Deed, DiskRecord } from '../recipe.ts';
import { damage, everyDeed, recordsOf, storeOf } from '../recipe.ts';
import type { Recording } from '../record.ts';
import { recordNetwork } from '../record.ts';
import type { Target, Verdict } from '../types.ts';
import { Broken } from '../types.ts';
import { bytesTarget } from './codec-target.ts';

/** Codes with which a node may refuse a disk. */
const REFUSALS: ReadonlySet<string> = new Set([...STORE_REFUSALS, 'wal-corrupt']);

/** The code of a named refusal; whatever else was thrown is thrown on. */
function refusalOf(error: unknown): string {
  if (error instanceof TabellionError && REFUSALS.has(error.code)) return error.code;
  throw error;
}

const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error));

/** Executes one input after the other; what one throws is its own. */
async function oneByOne(
  inputs: readonly Uint8Array[],
  execute: (input: Uint8Array) => Promise<Verdict>,
): Promise<(Verdict | Error)[]> {
  const verdicts: (Verdict | Error)[] = [];
  for (const input of inputs) verdicts.push(await execute(input).catch(asError));
  return verdicts;
}

const STORE_OPTIONS = {
  pageBytesMax: 600,
  checkpointEveryBlocks: 4,
  versionsKept: 4,
  cacheBytesMax: 0,
} as const;
const BLOCKS = 7;

const ledgerStore = bytesTarget(
  'journal',
  'recipe: how the disk of a node was damaged',
  async () => {
    const chain = recordChain(BLOCKS);
    const { ledger } = chain;
    const open = (store: MemoryStore) => openLedgerStore({ store, ledger, options: STORE_OPTIONS });
    const store = new MemoryStore();
    const living = await open(store);
    let older: DiskRecord[] = [];
    for (const [at, request] of chain.blocks.slice(0, BLOCKS - 1).entries()) {
      await living.commit(request);
      if (at === 1 || at === 3) await living.checkpoint();
      if (at === 2) older = await recordsOf(store);
    }
    const disk = await recordsOf(store);
    await living.close();
    assert(disk.length > 6 && older.length > 4, 'the disk holds something');
    const hashes = chain.blocks.map(({ block }) => formatHex(block.hash));

    /** What was recovered must be part of the chain, to the last byte. */
    const judge = async (recovered: LedgerStore): Promise<string> => {
      const { header, hash } = recovered.head();
      const { height } = header;
      if (height > 0 && formatHex(hash) !== hashes[height - 1]) throw new Broken('another head');
      const root = recovered.stateRootAt(height);
      if (root === undefined || !equalBytes(root, header.stateRoot))
        throw new Broken('another state');
      for (const each of new Set([1, 4, height])) {
        if (each > height || each === 0) continue;
        const wanted = chain.blocks[each - 1];
        // A block that cannot be read any more is refused by name; one that can is the right one.
        const stored = await recovered.block(each as Height).catch(refusalOf);
        if (typeof stored === 'string' || stored === undefined || wanted === undefined) continue;
        if (!equalBytes(stored.blockBytes, wanted.blockBytes)) throw new Broken('another block');
      }
      const next = chain.blocks[height];
      if (next !== undefined) {
        const went = await recovered.commit(next).then(() => 'committed', refusalOf);
        return `recovered@${height} ${went}`;
      }
      return `recovered@${height}`;
    };

    return {
      seeds: everyDeed(disk.length),
      batch: 64,
      runBatch: (inputs) =>
        oneByOne(inputs, async (input) => {
          const { records, deeds } = damage(disk, input, { older, suite: ledger.suite });
          let recovered: LedgerStore;
          try {
            recovered = await open(await storeOf(records));
          } catch (error) {
            return `${refusalOf(error)}@${deeds.join()}`;
          }
          // Who knows the checksums can write any chain: then nothing but an unnamed end is wrong.
          const isForged = deeds.includes('forge');
          const verdict = await judge(recovered).catch((error: unknown) => {
            if (isForged && (error instanceof Broken || error instanceof TabellionError))
              return 'forged';
            throw error;
          });
          await recovered.close();
          return `${verdict}${verdict.includes('@') ? ' ' : '@'}${deeds.join()}`;
        }),
    };
  },
);

const { walEntry } = consensusCodecsOf(createProtocol().codecs.block);

const DAMAGES: readonly Deed[] = [
  'flip',
  'set',
  'truncate',
  'extend',
  'delete',
  'lose-tail',
  'exchange',
  'move',
];

const wal = bytesTarget('wal', 'recipe: how the log of a validator was damaged', async () => {
  const { suite } = recordChain(1).ledger;
  const { disk, height } = await brokenOff(await recordNetwork());
  const log = disk.filter(({ space }) => space === 'wal');
  const genuine = await loadWal(log);
  assert(genuine.length >= 3, 'the validator logged something');
  const texts = genuine.map((entry) => formatHex(encode(walEntry, entry)));
  async function loadWal(records: readonly DiskRecord[]): Promise<WalEntry[]> {
    return await new WalStore(await storeOf(records), suite, walEntry).load(height);
  }
  return {
    seeds: everyDeed(log.length, DAMAGES),
    batch: 128,
    runBatch: (inputs) =>
      oneByOne(inputs, async (input) => {
        const { records, deeds } = damage(log, input, { suite });
        let entries: WalEntry[];
        try {
          entries = await loadWal(records);
        } catch (error) {
          return `${refusalOf(error)}@${deeds.join()}`;
        }
        // What is read was written, in its order: at most the end is gone.
        entries.forEach((entry, at) => {
          if (formatHex(encode(walEntry, entry)) !== texts[at]) throw new Broken('another entry');
        });
        return `read@${entries.length} ${deeds.join()}`;
      }),
  };
});

/** Whether a record tells what a validator signed: its log, or `validator-signed`. */
export const isOfVoting = ({ space, key }: DiskRecord): boolean =>
  space === 'wal' || (space === 'meta' && key[0] === 0x76);

type BrokenOff = {
  readonly disk: readonly DiskRecord[];
  /** The height being decided when the process ended. */
  readonly height: Height;
  readonly nowMs: number;
  /** What it had said until then. */
  readonly said: Recording['messages'];
};

/** The validator, stopped in the middle of a height in which it voted. */
export async function brokenOff(recording: Recording): Promise<BrokenOff> {
  const live = await openLiveNode(recording);
  const { village, handlers, node } = live;
  const height = (recording.heightBefore + 1) as Height;
  const tell = async (topic: 'votes' | 'proposals', bytes: Uint8Array) => {
    await village.clock.run(handlers.onGossip(topic, new Uint8Array(bytes), 'peer'));
    await live.settle();
  };
  const [proposal] = recording.later.proposals;
  if (proposal !== undefined) await tell('proposals', proposal);
  for (const vote of recording.later.votes.slice(0, 3)) await tell('votes', vote);
  assert(node.parts.chain.next().height === height, 'the height is not decided yet');
  const said = { votes: [], proposals: [], transactions: [], blocks: [] } as {
    [Name in keyof Recording['messages']]: Uint8Array<ArrayBuffer>[];
  };
  for (const { topic, bytes } of village.hub.published) said[topic].push(bytes);
  // What is damaged here is the log: nothing but time is saved by not replaying all blocks again.
  await village.clock.run(node.parts.store.checkpoint());
  const nowMs = village.clock.now();
  const store = village.kill('validator 1');
  return { disk: await recordsOf(store), height, nowMs, said };
}

const restart = bytesTarget(
  'validator-restart',
  'recipe: how the disk was damaged from which a validator starts again',
  async () => {
    const recording = await recordNetwork();
    const before = await brokenOff(recording);
    assert(before.said.votes.length > 0, 'it voted before');
    const { suite } = recordChain(1).ledger;
    const voting = before.disk.filter(isOfVoting);
    const rest = before.disk.filter((record) => !isOfVoting(record));
    return {
      seeds: everyDeed(voting.length, DAMAGES),
      batch: 16,
      runBatch: (inputs) =>
        oneByOne(inputs, async (input) => {
          // One misfortune: against two at once stands only what is kept elsewhere.
          const { records, deeds } = damage(voting, input, { suite, stepsMax: 1 });
          const store = await storeOf([...rest, ...records]);
          return `${await startAgain(recording, before, store)}@${deeds.join()}`;
        }),
    };
  },
);

/** Starts from a disk and lets time pass; a vote against one of the former life is a finding. */
export async function startAgain(
  recording: Recording,
  before: BrokenOff,
  store: MemoryStore,
): Promise<string> {
  let live: Awaited<ReturnType<typeof openLiveNode>>;
  try {
    live = await openLiveNode({ ...recording, disk: store, nowMs: before.nowMs });
  } catch (error) {
    return refusalOf(error);
  }
  const { village, node } = live;
  for (const bytes of before.said.votes) {
    village.hub.published.unshift({ by: 'its former life', topic: 'votes', bytes });
  }
  // Without a proposal: rounds time out, and whoever forgot its vote votes for nothing.
  await village.clock.pass(5_000);
  const conflict = contradictions(village)[0];
  const { error } = node.status();
  await live.stop();
  if (conflict !== undefined) throw new Broken(`signs a conflict: ${conflict}`);
  if (error === undefined) return 'goes on';
  if (!REFUSALS.has(error.code)) throw new Broken(`ends with ${error.code}`);
  return error.code;
}

export const diskTargets: readonly Target[] = [ledgerStore, wal, restart];
