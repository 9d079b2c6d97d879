import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Bytes, JsonObject } from '../../base/index.ts';
import { defined, equalBytes, formatHex, parseHex } from '../../base/index.ts';
import { decode } from '../../codec/index.ts';
import { verifySignature } from '../../crypto/index.ts';
import type { Address, Ledger, Round } from '../../ledger/index.ts';
import { createLedger, parseGenesis } from '../../ledger/index.ts';
import { TestState } from '../../ledger/testing/world.ts';
import { manifestCodec, readManifest, verifyChunk } from '../../state/index.ts';
import type { Space } from '../../storage/index.ts';
import { MemoryStore } from '../../storage/index.ts';
import { accountsOf } from './index-block.ts';
import type { LedgerStore } from './ledger-store.ts';
import { openLedgerStore } from './ledger-store.ts';
import { STORE_FORMAT } from './limits.ts';
import { FORMAT_KEY, formatRecordCodec, unseal } from './records.ts';
import type { CommitRequest } from './types.ts';

/** Frozen: written by the code of each format as it was (`write-old-stores.fixture.ts`). */
const vectors = JSON.parse(
  gunzipSync(
    readFileSync(new URL('./vectors/old-stores.vectors.json.gz', import.meta.url)),
  ).toString(),
) as {
  readonly genesis: JsonObject;
  /** Height of the head of each store; the chain goes on. */
  readonly head: number;
  /** Places in `values`: of heights 1, 2, … */
  readonly blocks: readonly number[];
  readonly values: readonly string[];
  readonly stores: readonly OldStore[];
};
type OldStore = {
  readonly format: number;
  readonly pageRecords: 'leaves' | 'image';
  readonly origin: 'executed' | 'taken over';
  /** Space, key, place of the value in `values`. */
  readonly records: readonly (readonly [Space, string, number])[];
};

const bytesOf = (hex: string): Bytes => {
  const parsed = parseHex(hex);
  if (!parsed.ok) throw new Error(`no bytes: ${hex}`);
  return parsed.value;
};
const valueAt = (place: number): Bytes => bytesOf(defined(vectors.values[place], 'a value'));

function ledgerOf(genesis: JsonObject): Ledger {
  const document = parseGenesis(genesis);
  if (!document.ok) throw new Error(document.error.code);
  const ledger = createLedger(document.value);
  if (!ledger.ok) throw new Error(ledger.error.code);
  return ledger.value;
}
const ledger = ledgerOf(vectors.genesis);

/** The chain of all stores, executed on a plain map: blocks to commit, states by height. */
function executed(): { readonly requests: CommitRequest[]; readonly states: TestState[] } {
  const all = [ledger.genesis.changes];
  const state = new TestState(ledger.genesis.changes);
  const requests = vectors.blocks.map((place): CommitRequest => {
    const blockBytes = valueAt(place);
    const prepared = ledger.prepareBlock(blockBytes);
    if (!prepared.ok) throw new Error(prepared.error.code);
    const { header } = prepared.value.block;
    const transactions = prepared.value.transactions.map((each) => {
      const verified = ledger.verifyTransaction(each, each.claims.map(verifySignature));
      if (!verified.ok) throw new Error(verified.error.code);
      return verified.value;
    });
    const verdict = ledger.executeBlock(state, header, transactions);
    if (verdict.kind !== 'executed') throw new Error(verdict.kind);
    state.apply(verdict.changes);
    all.push(verdict.changes);
    const certificate = {
      height: header.height,
      round: 0 as Round, // The first.
      blockHash: prepared.value.hash,
      signatures: [],
    };
    const { receipts, changes, nextMembership } = verdict;
    return { block: prepared.value, blockBytes, certificate, receipts, changes, nextMembership };
  });
  const states = all.map((_, height) => new TestState(all.slice(0, height + 1).flat()));
  return { requests, states };
}

const { requests, states } = executed();
const HEIGHTS = requests.length;
/** Every key that was ever written. */
const keys = new Map(
  [ledger.genesis.changes, ...requests.map(({ changes }) => changes)]
    .flat()
    .map(({ key }) => [formatHex(key), key]),
);

async function storeOf({ records }: OldStore): Promise<MemoryStore> {
  const store = new MemoryStore();
  const puts = records.map(([space, key, place]) => {
    return { kind: 'put', space, key: bytesOf(key), value: valueAt(place) } as const;
  });
  await store.write(puts, 'strict');
  return store;
}

async function formatOf(store: MemoryStore): Promise<number | undefined> {
  const sealed = defined(await store.get('meta', FORMAT_KEY), 'every store has one');
  const record = decode(formatRecordCodec, unseal(ledger.suite, sealed) ?? new Uint8Array());
  return record.ok ? record.value.version : undefined;
}

/** State, blocks and histories of a store are those of the chain at a height. */
async function expectWhole(store: LedgerStore, height: number, earliest: number): Promise<void> {
  const last = defined(requests[height - 1], 'a height of the chain').block;
  expect(store.head().hash).toEqual(last.hash);
  expect(store.stateRootAt(last.block.header.height)).toEqual(last.block.header.stateRoot);
  const all = [...keys.values()];
  const values = await store.withState((view) => all.map((key) => view.get(key)), all);
  expect(values.map((value) => value && formatHex(value))).toEqual(
    all.map((key) => states[height]?.get(key)).map((value) => value && formatHex(value)),
  );
  expect(store.earliestHeight()).toBe(earliest);
  const histories = new Map<string, { readonly address: Address; readonly ids: string[] }>();
  for (const { block, blockBytes, receipts } of requests.slice(0, height)) {
    const { header, transactions } = block.block;
    const stored = await store.block(header.height);
    expect(stored !== undefined).toBe(header.height >= earliest);
    if (stored === undefined) continue;
    expect(equalBytes(stored.blockBytes, blockBytes)).toBe(true);
    expect(stored.receipts).toEqual(receipts);
    for (const [at, transaction] of transactions.entries()) {
      for (const address of accountsOf(transaction, receipts[at])) {
        const history = histories.get(formatHex(address)) ?? { address, ids: [] };
        history.ids.unshift(formatHex(defined(receipts[at], 'one each').transactionId));
        histories.set(formatHex(address), history);
      }
    }
  }
  for (const { address, ids } of histories.values()) {
    const history = await store.history(address, { limit: 100 });
    expect(history.map(({ receipt }) => formatHex(receipt.transactionId)).sort()).toEqual(
      ids.toSorted(),
    );
  }
}

/** What it keeps for peers proves itself. */
async function expectServed(store: LedgerStore): Promise<number> {
  let chunks = 0;
  for (const { stateRoot, chunkCount } of store.snapshots()) {
    const bytes = defined(await store.snapshotManifest(stateRoot), 'a snapshot that is kept');
    const manifest = decode(manifestCodec, bytes);
    const plans = manifest.ok ? readManifest(ledger.suite, stateRoot, manifest.value) : manifest;
    if (!plans.ok) throw new Error(plans.error.code);
    expect(plans.value).toHaveLength(chunkCount);
    for (const plan of plans.value) {
      const chunk = defined(await store.snapshotChunk(stateRoot, plan.prefix), 'one of its own');
      expect(verifyChunk(ledger.suite, plan, chunk).ok).toBe(true);
      chunks += 1;
    }
  }
  return chunks;
}

test('there are stores of every format so far, of both origins', () => {
  const names = vectors.stores.map(({ format, origin }) => `${format} ${origin}`);
  const expected = Array.from({ length: STORE_FORMAT }, (_, at) => [
    `${at + 1} executed`,
    `${at + 1} taken over`,
  ]);
  expect([...new Set(names)]).toEqual(expected.flat());
});

describe.each(vectors.stores)('a store of format $format ($pageRecords, $origin)', (old) => {
  const earliest = Math.min(
    ...old.records.flatMap(([space, key]) => (space === 'blocks' ? [Number(`0x${key}`)] : [])),
  );

  test.each(['leaves', 'image'] as const)('is read, and goes on with %s', async (pageRecords) => {
    const store = await storeOf(old);
    expect(await formatOf(store)).toBe(old.format);
    const options = { pageBytesMax: 600, pageRecords, snapshotEveryBlocks: 8, cacheBytesMax: 0 };
    const first = await openLedgerStore({ store, ledger, options });
    await expectWhole(first, vectors.head, earliest);
    expect(await expectServed(first)).toBeGreaterThan(0);
    for (const request of requests.slice(vectors.head)) await first.commit(request);
    await first.checkpoint();
    await expectWhole(first, HEIGHTS, earliest);
    await first.close();
    const reopened = store.crash();
    expect(await formatOf(reopened)).toBe(STORE_FORMAT);
    const second = await openLedgerStore({ store: reopened, ledger, options });
    await expectWhole(second, HEIGHTS, earliest);
    expect(await expectServed(second)).toBeGreaterThan(0);
    await second.close();
  });

  test.runIf(old.origin === 'taken over')('goes on to take over another state', async () => {
    const store = await storeOf(old);
    const ledgerStore = await openLedgerStore({ store, ledger });
    expect(ledgerStore.snapshotBegun()).toMatchObject({ chunksDone: 1, chunksTotal: 1 });
    const writer = defined(ledgerStore.snapshotWriter(), 'it was begun');
    await writer.finish();
    await ledgerStore.adoptSnapshot(writer);
    await expectWhole(ledgerStore, HEIGHTS, HEIGHTS + 1);
    await ledgerStore.close();
    const again = await openLedgerStore({ store: store.crash(), ledger });
    await expectWhole(again, HEIGHTS, HEIGHTS + 1);
    expect(again.anchor()?.header.height).toBe(HEIGHTS);
    await again.close();
  });
});
