import { assert, compareBytes, timestampMs } from '../../base/index.ts';
import type { CommitCertificate, Height, Ledger, Round } from '../../ledger/index.ts';
import { NATIVE_ASSET } from '../../ledger/index.ts';
import type { Person } from '../../ledger/testing/world.ts';
import { amount, person, TestState, TestWorld } from '../../ledger/testing/world.ts';
import { StateTree } from '../../state/index.ts';
import type { KeyValueStore } from '../../storage/index.ts';
import type { LedgerStore } from './ledger-store.ts';
import { openLedgerStore } from './ledger-store.ts';
import type { CommitRequest, LedgerStoreDependencies, LedgerStoreOptions } from './types.ts';

/** A chain that was executed once, to be committed by many stores. */
export type RecordedChain = {
  readonly ledger: Ledger;
  readonly people: readonly Person[];
  /** Heights 1, 2, …; none is staged. */
  readonly blocks: readonly CommitRequest[];
};

/** Executes `count` blocks, each with one transfer to a fresh account and one among old ones. */
export function recordChain(
  count: number,
  options: { readonly execution?: 'state' | 'event' } = {},
): RecordedChain {
  const people = ['ada', 'bob', 'cy', 'dot'].map((name) => person(name));
  const world = new TestWorld({
    ...options,
    balances: people.map(({ address }) => ({ address, amount: 1_000_000_000n })),
  });
  const { ledger } = world;
  const tree = StateTree.empty(ledger.suite);
  tree.apply(0 as Height, ledger.genesis.changes);
  let parent = ledger.genesisHeader(tree.root());
  const blocks: CommitRequest[] = [];
  for (let at = 1; at <= count; at++) {
    const transactions = transfersOf(world, people, at);
    const place = { height: at as Height, timestampMs: timestampMs(1_700_000_000_000 + at) };
    const verdict = ledger.executeCandidates(world.state, place, transactions);
    assert(verdict.kind === 'executed', 'all of the state is in memory');
    assert(verdict.included.length === transactions.length, 'all are valid');
    const before = tree.root();
    tree.apply(place.height, verdict.changes);
    const stateRoot = options.execution === 'event' ? before : tree.root();
    const header = ledger.buildHeader(parent, {
      ...place,
      proposer: new Uint8Array(32),
      transactions: verdict.included,
      results: { ...verdict, stateRoot },
    });
    const block = ledger.assembleBlock(header, verdict.included);
    const certificate: CommitCertificate = {
      height: place.height,
      round: 0 as Round,
      blockHash: block.hash,
      signatures: [],
    };
    const { receipts, changes, nextMembership } = verdict;
    const blockBytes = ledger.encodeBlock(block);
    blocks.push({ block, blockBytes, certificate, receipts, changes, nextMembership });
    world.state.apply(changes);
    world.at = at;
    parent = header;
  }
  return { ledger, people, blocks };
}

function transfersOf(world: TestWorld, people: readonly Person[], at: number) {
  const sender = people[at % people.length];
  const other = people[(at + 1) % people.length];
  assert(sender !== undefined && other !== undefined, 'there are people');
  const transfer = (from: Person, recipient: Uint8Array, value: number) => {
    const action = {
      kind: 'asset.transfer',
      asset: NATIVE_ASSET,
      recipient,
      amount: amount(value),
    };
    const verified = world.verify(world.sign(from, { actions: [action] }));
    assert(verified.ok, 'signed by its sender');
    return verified.value;
  };
  return [transfer(sender, person(`fresh ${at}`).address, at), transfer(other, sender.address, at)];
}

/** The state after some of a chain's blocks. */
export function stateAfter(chain: RecordedChain, height: number): TestState {
  const state = new TestState(chain.ledger.genesis.changes);
  for (const { changes } of chain.blocks.slice(0, height)) state.apply(changes);
  return state;
}

/** Every key that some of a chain's blocks wrote, in order. */
export function keysWritten(chain: RecordedChain): Uint8Array<ArrayBuffer>[] {
  const keys = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const changes of [
    chain.ledger.genesis.changes,
    ...chain.blocks.map((each) => each.changes),
  ]) {
    for (const { key } of changes) keys.set(key.join(), key);
  }
  return [...keys.values()].sort(compareBytes);
}

/** How stores of a chain are opened and filled, with the same options each time. */
export function storesOf({ ledger, blocks }: RecordedChain, options: LedgerStoreOptions) {
  return {
    open: (
      store: KeyValueStore,
      more: Partial<LedgerStoreDependencies> = {},
    ): Promise<LedgerStore> => openLedgerStore({ store, ledger, options, ...more }),
    async commitFrom(ledgerStore: LedgerStore, from: number, to: number): Promise<void> {
      for (const request of blocks.slice(from - 1, to)) await ledgerStore.commit(request);
    },
  };
}
