import { expect, test } from 'vitest';
import type { Height, Membership } from '../../ledger/index.ts';
import { MemoryStore } from '../../storage/index.ts';
import { recordChain } from './chain.fixture.ts';
import { openLedgerStore } from './ledger-store.ts';
import { fetchChunks, SNAPSHOT_OPTIONS, snapshotRequest } from './snapshots.fixture.ts';

const chain = recordChain(16);
const { ledger } = chain;
const genesis = ledger.genesis.membership;
/** The members of genesis without the first so many. */
const without = (count: number): Membership => ({
  ...genesis,
  validators: genesis.validators.slice(count),
});
const at = (height: number) => height as Height; // Test heights.

/** Others decide from heights 4 and 6 on. */
function nextAfter(height: number): Membership {
  if (height < 3) return genesis;
  return height < 5 ? without(1) : without(2);
}

const decides = (height: number) => nextAfter(height - 1);

test('who decided a height is known for ever, and who did not change is noted once', async () => {
  const store = new MemoryStore();
  const options = { checkpointEveryBlocks: 4 };
  let ledgerStore = await openLedgerStore({ store, ledger, options });
  for (const request of chain.blocks.slice(0, 12)) {
    const { height } = request.block.block.header;
    await ledgerStore.commit({ ...request, nextMembership: nextAfter(height) });
  }
  for (let round = 0; round < 2; round++) {
    for (let height = 1; height <= 13; height++) {
      expect(await ledgerStore.membershipAt(at(height))).toEqual(decides(height));
    }
    expect(await ledgerStore.membershipAt(at(14))).toBeUndefined();
    expect(await ledgerStore.membershipChanges(at(1), at(13))).toEqual([4, 6]);
    expect(await ledgerStore.membershipChanges(at(5), at(13))).toEqual([6]);
    expect(await ledgerStore.membershipChanges(at(4), at(6))).toEqual([4]);
    await ledgerStore.close();
    ledgerStore = await openLedgerStore({ store: store.crash(), ledger, options });
  }
});

test('below an adopted snapshot nobody says who decided', async () => {
  const served = new MemoryStore();
  const from = await openLedgerStore({ store: served, ledger, options: SNAPSHOT_OPTIONS });
  for (const request of chain.blocks) await from.commit(request);
  await from.checkpoint();
  const to = await openLedgerStore({ store: new MemoryStore(), ledger, options: SNAPSHOT_OPTIONS });
  const request = await snapshotRequest(chain, from, 16);
  const trusted = { ...request.trusted, membership: without(1), nextMembership: without(2) };
  const writer = await to.beginSnapshot({ ...request, trusted });
  await fetchChunks(writer, from);
  await writer.finish();
  await to.adoptSnapshot(writer);
  expect(await to.membershipAt(at(15))).toBeUndefined();
  expect(await to.membershipAt(at(16))).toEqual(without(1));
  expect(await to.membershipAt(at(17))).toEqual(without(2));
  expect(to.membership()).toEqual(without(2));
});
