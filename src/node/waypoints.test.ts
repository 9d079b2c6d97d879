import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { formatHex, silentTracer, TabellionError, timestampMs } from '../base/index.ts';
import { encode } from '../codec/index.ts';
import { signEd25519 } from '../crypto/index.ts';
import type { Header, Height, Ledger, Membership, Round } from '../ledger/index.ts';
import {
  createLedger,
  NATIVE_ASSET,
  readBalance,
  receiptsRootOf,
  voteSigningBytes,
} from '../ledger/index.ts';
import { createTestLedger, gas, person } from '../ledger/testing/world.ts';
import { lightAnswerCodec } from '../light/index.ts';
import type { Network } from '../network/index.ts';
import { MemoryStore } from '../storage/index.ts';
import { createReferenceVerifier } from '../verifier/index.ts';
import { LightDriver } from './light-driver.ts';
import { genesisBlock } from './mode-record.ts';
import { ProvenStates } from './proven-state.ts';
import { PeerQuestions } from './questions.ts';
import { ServedProofs } from './served-proofs.ts';
import type { LedgerStore } from './store/index.ts';
import { openLedgerStore } from './store/index.ts';
import { FREE_ASKER } from './testing/free-asker.ts';
import { readHonest } from './testing/liar.ts';
import { MemoryHub } from './testing/memory-network.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

// A chain whose members change, followed by a light client from what stores serve. No part of the
// engine changes members yet, so no whole node can be of such a network; what nodes say and believe
// of it is all here.

const ada = person('ada');
const BLOCKS = 60;
const MEMBERS = 4;
/** At each of these heights one member goes, and another comes: in the end nobody is left. */
const CHANGES = [7, 15, 16, 24, 31, 40, 52, 58];
const NEWCOMER = 'newcomer';

const ledger = ((): Ledger => {
  const balances = [{ address: ada.address, amount: 1_000n }];
  const { document } = createTestLedger({ balances }).genesis;
  const consensus = { ...document.consensus, membership: 'changing' };
  const created = createLedger({ ...document, consensus });
  if (!created.ok) throw new Error(created.error.code);
  return created.value;
})();

const nameOf = (number: number) => `validator ${number}`;
/** Who decides a height, by the numbers of validators. */
function numbersAt(height: number): number[] {
  const gone = CHANGES.filter((change) => change <= height).length;
  return Array.from({ length: MEMBERS }, (_, at) => gone + at + 1);
}

function membershipAt(height: number): Membership {
  const { membership } = ledger.genesis;
  const [first] = membership.validators;
  if (first === undefined) throw new Error('genesis has members');
  const validators = numbersAt(height).map((number) => {
    const { publicKey } = person(nameOf(number)).pair;
    return { ...first, name: nameOf(number), publicKey };
  });
  return { ...membership, validators };
}

/** The chain, committed to a store as a node commits it: three of the four sign. */
async function grow(): Promise<LedgerStore> {
  const { suite, chainId } = ledger;
  const options = { snapshotsKept: 0, checkpointEveryBlocks: 16 };
  const store = await openLedgerStore({ store: new MemoryStore(), ledger, options });
  let parent: Header = store.head().header;
  for (let at = 1; at <= BLOCKS; at++) {
    const height = at as Height; // Rising from one.
    const [leader] = membershipAt(at).validators;
    const nextMembership = membershipAt(at + 1);
    const header = ledger.buildHeader(parent, {
      timestampMs: timestampMs(parent.timestampMs + 10),
      proposer: leader?.publicKey ?? new Uint8Array(32),
      transactions: [],
      results: {
        receiptsRoot: receiptsRootOf(suite, []),
        stateRoot: parent.stateRoot,
        gasUsed: gas(0),
        nextMembershipHash: ledger.membershipHash(nextMembership),
      },
    });
    const block = ledger.assembleBlock(header, []);
    const vote = { kind: 'precommit', height, round: 0 as Round, blockHash: block.hash } as const;
    const signatures = [0, 1, 2].map((validatorIndex) => {
      const number = numbersAt(at)[validatorIndex] ?? 0;
      const message = voteSigningBytes(suite, chainId, { ...vote, validatorIndex });
      const signature = signEd25519(person(nameOf(number)).pair.secretKey, message);
      return { validatorIndex, signature };
    });
    await store.commit({
      block,
      blockBytes: ledger.encodeBlock(block),
      certificate: { height, round: 0 as Round, blockHash: block.hash, signatures },
      receipts: [],
      changes: [],
      nextMembership,
    });
    parent = header;
  }
  return store;
}

let clock: VirtualClock;
let hub: MemoryHub;
let stores: readonly LedgerStore[];
/** What the newcomer asked of others. */
let asked: string[];
let drivers: LightDriver[];

beforeEach(async () => {
  clock = new VirtualClock(1_700_000_000_000 + 5_000);
  hub = new MemoryHub(clock);
  stores = [await grow(), await grow()];
  drivers = [];
  asked = [];
  hub.delivers = ({ from, kind }) => {
    if (from === NEWCOMER) asked.push(kind);
    return true;
  };
});
afterEach(async () => {
  for (const driver of drivers) await driver.stop();
  for (const store of stores) await store.close();
});

/** A peer that serves a store as a node does. */
function serve(name: string, store: LedgerStore, change: (light: Bytes) => Bytes = (each) => each) {
  const proofs = new ServedProofs(ledger, store, clock);
  hub.open(name, formatHex(ledger.chainId), {
    onGossip: async () => 'ignore',
    onEvent: () => undefined,
    onRequest: async (kind, request) => {
      if (kind !== 'state' && kind !== 'light') throw new TabellionError('request-refused');
      const answer = await proofs.answer(kind, request, FREE_ASKER);
      return kind === 'light' ? change(answer) : answer;
    },
  });
}

const verifier = createReferenceVerifier();

/** A light client on a disk, with what asks peers for states below its head. */
async function follow(disk: MemoryStore) {
  const network: Network = hub.open(NEWCOMER, formatHex(ledger.chainId), {
    onGossip: async () => 'ignore',
    onEvent: () => undefined,
    onRequest: () => new Promise(() => undefined),
  });
  const [store] = stores;
  if (store === undefined) throw new Error('grown');
  const common = { clock, tracer: silentTracer, network: () => network, onBytes: () => undefined };
  const reportPeer = (peerId: string, fault: string) => network.penalize(peerId, 1_000, fault);
  const light = await LightDriver.load({
    ...{ ...common, ledger, verifier, reportPeer },
    store: disk,
    genesis: await genesisBlock(ledger, store),
    onChanged: () => undefined,
  });
  drivers.push(light);
  const questions = new PeerQuestions({
    ...{ ...common, reportPeer },
    rangeOf: () => ({ earliest: 0 as Height, head: BLOCKS as Height }),
  });
  light.start();
  const end = async () => {
    await light.stop();
    await network.stop();
  };
  return { light, states: new ProvenStates(ledger.suite, questions), end };
}

/** Each server says that its head is the block of a height. */
async function tell(light: LightDriver, height: number) {
  for (const [at, store] of stores.entries()) {
    const summary = await store.summary(height as Height); // Of the chain.
    if (summary === undefined) throw new Error('it is kept');
    const { header, hash } = summary;
    const told = { voice: `host ${at}`, head: header.height, hash, earliest: 0 as Height };
    light.peerStatus(`server ${at}`, told);
  }
  const isThere = () => light.head().header.height === height;
  await clock.until(`the head of height ${height}`, isThere);
}

const leaps = () => asked.filter((kind) => kind === 'request-light').length;

describe('a client that comes to a chain whose members all changed', () => {
  it('leaps over the changes by the waypoints that stores give, in a few questions', async () => {
    for (const [at, store] of stores.entries()) serve(`server ${at}`, store);
    const { light, states } = await follow(new MemoryStore());
    await tell(light, BLOCKS);
    expect(leaps()).toBeLessThan(CHANGES.length);
    expect(light.head().hash).toEqual(stores[0]?.head().hash);
    expect(light.head().nextMembership).toEqual(membershipAt(BLOCKS + 1));
    await clock.until('confirmed by both', () => light.voices() === 2);
    // Figures are proven below a header that nobody signed whom genesis names.
    const read = states.read(
      light.head(),
      (view) => ({ kind: 'read' as const, value: readBalance(view, ada.address, NATIVE_ASSET) }),
      { enter: () => undefined },
    );
    expect((await clock.run(read)).value).toBe(1_000n);
    // Who decided long ago is proven as well, from both sides of a change.
    for (const height of [6, 7, 30, 31, 57, 58]) {
      const { trusted } = await clock.run(light.prove(height as Height));
      expect(trusted.membership).toEqual(membershipAt(height));
      expect(trusted.nextMembership).toEqual(membershipAt(height + 1));
    }
    expect(hub.penalties).toEqual([]);
  });

  it('finds its own way where peers give no waypoints', async () => {
    // Nothing between what was asked for: the highest alone.
    const bare = (light: Bytes): Bytes => {
      const { blocks } = readHonest(lightAnswerCodec, light);
      return encode(lightAnswerCodec, { blocks: blocks.slice(-1) });
    };
    for (const [at, store] of stores.entries()) serve(`server ${at}`, store, bare);
    const { light } = await follow(new MemoryStore());
    await tell(light, BLOCKS);
    expect(light.head().hash).toEqual(stores[0]?.head().hash);
    expect(hub.penalties).toEqual([]);
  });

  it('goes on from what it trusted, when more changed while it was away', async () => {
    for (const [at, store] of stores.entries()) serve(`server ${at}`, store);
    const disk = new MemoryStore();
    const first = await follow(disk);
    await tell(first.light, 20);
    await first.end();
    asked = [];
    const { light } = await follow(disk);
    expect(light.head().header.height).toBe(20);
    expect(light.head().membership).toEqual(membershipAt(20));
    await tell(light, BLOCKS);
    expect(light.head().hash).toEqual(stores[0]?.head().hash);
    expect(leaps()).toBeLessThan(CHANGES.length);
    expect(hub.penalties).toEqual([]);
  });
});
