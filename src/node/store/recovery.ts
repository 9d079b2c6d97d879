import type { Bytes } from '../../base/index.ts';
import { equalBytes, formatHex, TabellionError } from '../../base/index.ts';
import type { Codec } from '../../codec/index.ts';
import { decode, encode } from '../../codec/index.ts';
import type { Hash } from '../../crypto/index.ts';
import type { Block, Header, Height, Membership } from '../../ledger/index.ts';
import { StateTree } from '../../state/index.ts';
import type { Entry, Space } from '../../storage/index.ts';
import type { Core, HeadState } from './core.ts';
import { keysOf, loadPages, runLoading, writeNamed } from './core.ts';
import { HistoryIndex } from './history-index.ts';
import { indexBlock } from './index-block.ts';
import { JOURNAL_RECORDS_PER_STEP, STORE_FORMAT } from './limits.ts';
import type { CheckpointRecord, CommittedRecord, JournalRecord } from './records.ts';
import {
  CHECKPOINT_KEY,
  checkpointRecordCodec,
  committedRecordCodec,
  FORMAT_KEY,
  formatRecordCodec,
  journalRecordCodec,
  layoutKey,
  orderedKey,
  parseHeightKey,
  seal,
  unseal,
} from './records.ts';
import type { AnchorRecord } from './snapshot-records.ts';
import {
  ANCHOR_KEY,
  anchorRecordCodec,
  HISTORY_KEY,
  historyRecordCodec,
  opened,
} from './snapshot-records.ts';
import type { LedgerStoreOptions } from './types.ts';

/** A store's content, ready for the next block. */
export type Recovered = {
  readonly tree: StateTree;
  readonly index: HistoryIndex;
  readonly head: HeadState;
  readonly checkpoint: CheckpointRecord | undefined;
  readonly journalBytes: number;
  /** The block that the chain here begins above, where it was taken over from peers. */
  readonly anchor: AnchorRecord | undefined;
  /** First height whose block is kept. */
  readonly earliest: Height;
};

function corrupt(reason: string, facts: { readonly [name: string]: number } = {}): TabellionError {
  return new TabellionError('store-corrupt', { reason, ...facts });
}

/** Refuses data of a later version or of another network; says whether there are any. */
async function hasData(core: Core): Promise<boolean> {
  const sealed = await core.store.get('meta', FORMAT_KEY);
  if (sealed === undefined) return false;
  const payload = unseal(core.ledger.suite, sealed);
  // Versions come first in the record, so that a later one is told apart from a broken one.
  if (payload !== undefined && (payload[0] ?? 0) + 256 * (payload[1] ?? 0) > STORE_FORMAT) {
    throw new TabellionError('store-too-new');
  }
  const format = payload === undefined ? undefined : decode(formatRecordCodec, payload);
  if (format?.ok !== true) throw corrupt('format');
  const expected = core.ledger.chainId;
  if (!equalBytes(format.value.chainId, expected)) {
    throw new TabellionError('store-of-another-network', {
      expected: formatHex(expected),
      actual: formatHex(format.value.chainId),
    });
  }
  return true;
}

async function readCheckpoint(core: Core): Promise<CheckpointRecord | undefined> {
  const sealed = await core.store.get('meta', CHECKPOINT_KEY);
  if (sealed === undefined) return undefined;
  const payload = unseal(core.ledger.suite, sealed);
  const record = payload === undefined ? undefined : decode(checkpointRecordCodec, payload);
  if (record?.ok !== true) throw corrupt('checkpoint');
  return record.value;
}

async function restoreTree(
  core: Core,
  checkpoint: CheckpointRecord | undefined,
  options: LedgerStoreOptions,
): Promise<StateTree> {
  const { suite } = core.ledger;
  if (checkpoint === undefined) return StateTree.empty(suite, options);
  const sealed = await core.store.getMany('pages', checkpoint.layouts.map(layoutKey));
  const layouts = sealed.map((each) => (each === undefined ? undefined : unseal(suite, each)));
  const whole = layouts.filter((each) => each !== undefined);
  const tree = StateTree.restore(
    suite,
    { height: checkpoint.height, root: checkpoint.stateRoot, layouts: whole },
    options,
  );
  if (!tree.ok || whole.length !== layouts.length) {
    await refuseVanished(core, 'pages');
    throw corrupt('layout');
  }
  return tree.value;
}

/** Decodes one journal record; `undefined` when it is torn or changed. */
function readJournal(core: Core, entry: Entry): JournalBlock | undefined {
  const { suite, codecs } = core.ledger;
  const height = parseHeightKey(entry.key);
  const payload = unseal(suite, entry.value);
  if (height === undefined || payload === undefined) return undefined;
  const record = decode(journalRecordCodec, payload);
  if (!record.ok) return undefined;
  const committed = decode(committedRecordCodec, record.value.committed);
  if (!committed.ok) return undefined;
  const block = decode(codecs.block, committed.value.block);
  if (!block.ok || block.value.header.height !== height) return undefined;
  return { record: record.value, committed: committed.value, block: block.value };
}

type JournalBlock = {
  readonly record: JournalRecord;
  readonly committed: CommittedRecord;
  readonly block: Block;
};

/** Walks over the journal after a checkpoint, applying one record after the other. */
class Replay {
  readonly core: Core;
  readonly tree: StateTree;
  readonly index: HistoryIndex;
  head: { readonly header: Header | undefined; readonly hash: Hash | undefined };
  membership: Membership;
  height: number;
  stateRoot: Hash | undefined;
  bytes = 0;

  constructor(
    core: Core,
    start: {
      readonly tree: StateTree;
      readonly index: HistoryIndex;
      readonly checkpoint: CheckpointRecord | undefined;
    },
  ) {
    const { checkpoint } = start;
    this.core = core;
    this.tree = start.tree;
    this.index = start.index;
    this.head = { header: undefined, hash: checkpoint?.blockHash };
    this.membership = checkpoint?.membership ?? core.ledger.genesis.membership;
    this.height = checkpoint?.height ?? -1;
    this.stateRoot = checkpoint?.stateRoot;
  }

  /** The records after the checkpoint, in order. Cuts a broken last one; refuses other gaps. */
  async run(): Promise<void> {
    let from = orderedKey(this.height + 1);
    for (;;) {
      const entries = await this.core.store.list('journal', {
        from,
        limit: JOURNAL_RECORDS_PER_STEP,
      });
      for (const [at, entry] of entries.entries()) {
        const read = readJournal(this.core, entry);
        if (read !== undefined) {
          await this.#apply(read);
          this.bytes += entry.value.length;
          continue;
        }
        const isLast =
          at === entries.length - 1 &&
          (await this.core.store.list('journal', { from: after(entry.key), limit: 1 })).length ===
            0;
        if (!isLast) throw new TabellionError('journal-corrupt', { height: this.height + 1 });
        await this.#cut(entry);
        return;
      }
      const last = entries.at(-1);
      if (last === undefined) return;
      from = after(last.key);
    }
  }

  async #cut(entry: Entry): Promise<void> {
    // What was begun and not finished, or spoilt since: peers have the block, if it was decided.
    this.core.tracer.trace('warn', 'journal-tail-cut', { height: this.height + 1 });
    const cut = { kind: 'delete', space: 'journal', key: entry.key } as const;
    await writeNamed(this.core, 'journal-cut', [cut], 'strict');
  }

  async #apply({ record, committed, block }: JournalBlock): Promise<void> {
    const { header, transactions } = block;
    const isNext =
      header.height === this.height + 1 &&
      (this.head.hash === undefined || equalBytes(header.parentHash, this.head.hash));
    if (!isNext) throw new TabellionError('journal-corrupt', { height: this.height + 1 });
    const { changes } = record;
    await runLoading(
      () => this.tree.apply(header.height, changes),
      (keys) => loadPages(this.core, this.tree, [...keys, ...keysOf(changes)]),
    );
    const hash = this.core.ledger.blockHash(header);
    const { receipts } = committed;
    indexBlock(this.index, { height: header.height, hash, transactions, receipts });
    this.head = { header, hash };
    this.height = header.height;
    this.stateRoot = record.stateRoot;
    this.membership = record.nextMembership ?? this.membership;
  }
}

function after(key: Uint8Array): Bytes {
  const next = new Uint8Array(key.length + 1); // The least key above it.
  next.set(key);
  return next;
}

/**
 * Header of the checkpoint's own block, which a checkpoint moved out of the journal, or which is
 * the anchor.
 */
async function checkpointHeader(
  core: Core,
  checkpoint: CheckpointRecord,
  anchor: AnchorRecord | undefined,
): Promise<Header> {
  const { suite, codecs } = core.ledger;
  const { height } = checkpoint;
  if (anchor !== undefined && equalBytes(anchor.hash, checkpoint.blockHash)) return anchor.header;
  const sealed = await core.store.get('blocks', orderedKey(height));
  const payload = sealed === undefined ? undefined : unseal(suite, sealed);
  const record = payload === undefined ? undefined : decode(committedRecordCodec, payload);
  const block = record?.ok === true ? decode(codecs.block, record.value.block) : undefined;
  if (sealed === undefined) await refuseVanished(core, 'blocks');
  if (block?.ok !== true) throw corrupt('block', { height });
  const { header } = block.value;
  if (!equalBytes(core.ledger.blockHash(header), checkpoint.blockHash)) {
    throw corrupt('block', { height });
  }
  return header;
}

/** Writes format and genesis block at once: a store has both or neither. */
async function writeGenesis(core: Core, replay: Replay): Promise<number> {
  const { ledger } = core;
  const { changes, membership } = ledger.genesis;
  const staged = replay.tree.stage(0 as Height, changes); // Genesis has height 0.
  const stateRoot = staged.root();
  const header = ledger.genesisHeader(stateRoot);
  const block = encode(ledger.codecs.block, { header, transactions: [] });
  const committed = { block, certificate: undefined, receipts: [] };
  const record = encode(journalRecordCodec, {
    committed: encode(committedRecordCodec, committed),
    stateRoot,
    nextMembership: membership,
    changes,
  });
  const value = seal(ledger.suite, record);
  const format = encode(formatRecordCodec, { version: STORE_FORMAT, chainId: ledger.chainId });
  await writeNamed(
    core,
    'genesis',
    [
      { kind: 'put', space: 'meta', key: FORMAT_KEY, value: seal(ledger.suite, format) },
      { kind: 'put', space: 'journal', key: orderedKey(0), value },
    ],
    'strict',
  );
  replay.tree.adopt(staged);
  const hash = ledger.blockHash(header);
  indexBlock(replay.index, { height: header.height, hash, transactions: [], receipts: [] });
  replay.head = { header, hash };
  replay.stateRoot = stateRoot;
  return value.length;
}

/**
 * Opens what a store holds: the last checkpoint, then the journal on top of it; a fresh store gets
 * its genesis block. Rejects with `store-of-another-network`, `store-too-new`, `store-corrupt`,
 * `journal-corrupt` (with the height), `page-corrupt`, `state-root-mismatch`, and `store-vanished`
 * (with the space) when a part of it is gone as a whole.
 */
export async function recover(core: Core, options: LedgerStoreOptions): Promise<Recovered> {
  const isKnown = await hasData(core);
  const checkpoint = isKnown ? await readCheckpoint(core) : undefined;
  const anchor = await readRecord(core, ANCHOR_KEY, anchorRecordCodec, 'anchor');
  const history = await readRecord(core, HISTORY_KEY, historyRecordCodec, 'history');
  const tree = await restoreTree(core, checkpoint, options);
  const index = new HistoryIndex(core.store, checkpoint?.segments ?? []);
  const replay = new Replay(core, { tree, index, checkpoint });
  if (isKnown) await replay.run();
  if (replay.head.header === undefined) {
    if (checkpoint === undefined) {
      await assertEmpty(core);
      replay.bytes += await writeGenesis(core, replay);
    } else {
      const header = await checkpointHeader(core, checkpoint, anchor);
      replay.head = { ...replay.head, header };
    }
  }
  const { header, hash } = replay.head;
  if (header === undefined || hash === undefined) throw corrupt('head');
  const root = tree.root();
  const isExpected = replay.stateRoot !== undefined && equalBytes(root, replay.stateRoot);
  const isHeaders =
    core.ledger.genesis.document.execution !== 'state' || equalBytes(root, header.stateRoot);
  if (!isExpected || !isHeaders) {
    throw new TabellionError('state-root-mismatch', { height: header.height });
  }
  const { membership, bytes: journalBytes } = replay;
  const earliest = history?.earliest ?? (0 as Height); // Everything, as in the beginning.
  index.forgetBelow(earliest);
  const newest = { header, hash, membership };
  return { tree, index, head: newest, checkpoint, journalBytes, anchor, earliest };
}

async function readRecord<Value>(
  core: Core,
  key: Uint8Array,
  codec: Codec<Value>,
  reason: string,
): Promise<Value | undefined> {
  const record = opened(core.ledger.suite, codec, await core.store.get('meta', key));
  if (record === 'spoilt') throw corrupt(reason);
  return record;
}

/** A space in which there must be something holds nothing at all: it was taken away. */
async function refuseVanished(core: Core, space: Space): Promise<void> {
  if ((await core.store.list(space, { limit: 1 })).length > 0) return;
  throw new TabellionError('store-vanished', { space });
}

/** A store without a first block or a checkpoint holds nothing: else that has vanished. */
async function assertEmpty(core: Core): Promise<void> {
  for (const space of ['journal', 'blocks', 'pages', 'index'] as const) {
    if ((await core.store.list(space, { limit: 1 })).length === 0) continue;
    throw new TabellionError('store-vanished', { space: 'meta' });
  }
}
