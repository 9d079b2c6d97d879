import type { Bytes } from '../../base/index.ts';
import { defined, formatHex } from '../../base/index.ts';
import { decode, encode, toJson } from '../../codec/index.ts';
import type { Hash } from '../../crypto/index.ts';
import type { Action, Height } from '../../ledger/index.ts';
import { accountStateKeys, createProtocol } from '../../ledger/index.ts';
import type { Person } from '../../ledger/testing/world.ts';
import { p256Person, passkeyPerson, person, recordOf } from '../../ledger/testing/world.ts';
import { lightRequestCodec } from '../../light/index.ts';
import type { RequestKind, Topic } from '../../network/index.ts';
import type { TabellionNode } from '../../node/index.ts';
import { blocksResponseCodec } from '../../node/messages.ts';
import {
  entriesRequestCodec,
  historyRequestCodec,
  locateRequestCodec,
  pageRequestCodec,
  receiptsRequestCodec,
  stateRequestCodec,
} from '../../node/proof-messages.ts';
import { chunksRequestCodec, manifestRequestCodec } from '../../node/snapshot-messages.ts';
import { transferTo, VALIDATORS, Village } from '../../node/testing/village.ts';
import type { MemoryStore } from '../../storage/index.ts';
import { SPACES } from '../../storage/index.ts';

/** Everything that a small network said and wrote in its life. */
export type Recording = {
  /** Messages by topic, each once, in order. */
  readonly messages: { readonly [Name in Topic]: readonly Bytes[] };
  /** Of these, what a node at {@link heightBefore} has not heard. */
  readonly later: { readonly [Name in Topic]: readonly Bytes[] };
  /** Signed transactions of every scheme, some of them in no block yet. */
  readonly transactions: readonly Bytes[];
  readonly pending: readonly Bytes[];
  readonly blocks: readonly Bytes[];
  /** Questions and their answers, by kind. */
  readonly requests: { readonly [Kind in RequestKind]: readonly Bytes[] };
  readonly answers: { readonly [Kind in RequestKind]: readonly Bytes[] };
  /** Hashes of the blocks by height, in hexadecimal. */
  readonly hashes: readonly string[];
  /** What the disk of the first validator held when it fell silent; copied by `crash`. */
  readonly disk: MemoryStore;
  readonly heightBefore: number;
  readonly nowMs: number;
  /** What that disk held: values by space. */
  readonly records: { readonly [space: string]: readonly Bytes[] };
  readonly genesisText: string;
};

const PEOPLE = {
  ada: person('ada'),
  pia: p256Person('pia'),
  kay: passkeyPerson('kay', true),
  may: passkeyPerson('may'),
} as const;

export { PEOPLE };

export const VILLAGE_OPTIONS = {
  balances: Object.values(PEOPLE).map(({ address }) => ({
    address,
    amount: 1_000_000_000_000n,
  })),
} as const;

/** So that a chain of a few blocks has states that peers may take over. */
export const VILLAGE_NODE_OPTIONS = { snapshotEveryBlocks: 3 } as const;

const SILENT = 'validator 1';
const WITNESS = 'validator 2';

/** One deed of each kind, in an order in which all succeed. */
function deeds(): readonly (readonly [Person, readonly Action[], Person?])[] {
  const { ada, pia, kay, may } = PEOPLE;
  const spare = person('spare');
  return [
    [ada, [transferTo(kay.address, 5)]],
    [kay, [transferTo(ada.address, 7)]],
    [pia, [transferTo(may.address, 9), transferTo(person('fresh').address, 1)]],
    [may, [transferTo(pia.address, 3)], ada],
    [ada, [{ kind: 'account.add-key', record: recordOf(spare.key), hint: undefined }]],
  ];
}

async function everything(store: MemoryStore): Promise<{ [space: string]: Bytes[] }> {
  const copy = store.crash();
  const records: { [space: string]: Bytes[] } = {};
  for (const space of SPACES) {
    records[space] = (await copy.list(space, { limit: 10_000 })).map(({ value }) => value);
  }
  return records;
}

function byTopic(village: Village, from: number): { [Name in Topic]: Bytes[] } {
  const found: { [Name in Topic]: Bytes[] } = {
    transactions: [],
    votes: [],
    proposals: [],
    blocks: [],
  };
  const seen = new Set<string>();
  for (const { topic, bytes } of village.hub.published.slice(from)) {
    const key = `${topic} ${formatHex(bytes)}`;
    if (seen.has(key)) continue;
    seen.add(key);
    found[topic].push(bytes);
  }
  return found;
}

/** Submits, if the network takes it: which actions exist is the ledger's business. */
async function perform(village: Village, node: TabellionNode): Promise<Bytes[]> {
  const done: Bytes[] = [];
  for (const [sender, actions, sponsor] of deeds()) {
    const bytes = village.sign(sender, { actions, ...(sponsor && { sponsor }) });
    const submitted = await village.clock.run(node.submit(bytes));
    if (!submitted.ok) throw new Error(`a deed is refused: ${submitted.error.code}`);
    await village.settled(submitted.value);
    done.push(new Uint8Array(bytes));
  }
  return done;
}

async function record(): Promise<Recording> {
  const village = new Village(VILLAGE_OPTIONS);
  village.nodeOptions = VILLAGE_NODE_OPTIONS;
  await village.startAll(...VALIDATORS);
  const node = village.node(WITNESS);
  village.follow(node); // The first node, which the world follows by itself, will fall silent.
  const done = await perform(village, node);
  const heightBefore = defined(village.node(SILENT).status().head, 'a head').header.height;
  const disk = await village.stop(SILENT);
  const before = village.hub.published.length;
  for (const value of [11, 12, 13]) {
    const bytes = village.pay(PEOPLE.ada, PEOPLE.pia.address, value);
    done.push(new Uint8Array(bytes));
    await village.settled(await village.submit(node, bytes));
  }
  const nowMs = village.clock.now();
  const pending = [
    village.pay(PEOPLE.kay, PEOPLE.may.address, 21),
    village.pay(PEOPLE.pia, PEOPLE.ada.address, 22),
    village.sign(PEOPLE.may, { actions: [transferTo(PEOPLE.ada.address, 4)], sponsor: PEOPLE.kay }),
    village.pay(person('stranger'), PEOPLE.ada.address, 1),
    village.pay(PEOPLE.ada, PEOPLE.kay.address, 2, { chainId: new Uint8Array(32) as never }),
  ].map((bytes) => new Uint8Array(bytes));
  const asker = village.stranger('asker');
  const { store } = node.parts;
  const [paid] = await store.history(PEOPLE.ada.address, { limit: 1 });
  const { parentHash, stateRoot } = defined(await store.header(heightBefore), 'a header');
  const requests = requestsOf(heightBefore, {
    id: defined(paid, 'Ada paid').receipt.transactionId,
    blockHash: parentHash,
    stateRoot,
    roots: store.snapshots().map((each) => each.stateRoot),
  });
  // Each kind gets its list.
  const answers = Object.fromEntries(Object.keys(requests).map((kind) => [kind, []])) as never as {
    [Kind in RequestKind]: Bytes[];
  };
  for (const [kind, bodies] of Object.entries(requests) as [RequestKind, Bytes[]][]) {
    for (const body of bodies) {
      const answer = asker.request(WITNESS, kind, body).catch(() => undefined);
      const bytes = await village.clock.run(answer);
      if (bytes !== undefined) answers[kind].push(bytes);
    }
  }
  const blocks = answers.blocks.flatMap((bytes) => {
    const decoded = decode(blocksResponseCodec, bytes);
    return decoded.ok ? decoded.value.blocks.map(({ block }) => block) : [];
  });
  const hashes: string[] = [];
  const head = defined(node.status().head, 'a head').header.height;
  for (let height = 0; height <= head; height++) {
    const block = await node.parts.store.block(height as never);
    hashes.push(formatHex(defined(block, 'a block each').hash));
  }
  const recording = {
    messages: byTopic(village, 0),
    later: byTopic(village, before),
    transactions: done,
    pending,
    blocks,
    requests,
    answers,
    hashes,
    disk,
    heightBefore,
    nowMs,
    records: await everything(disk),
    genesisText: JSON.stringify(toJson(createProtocol().genesisCodec, village.genesis)),
  };
  await village.stopAll();
  return recording;
}

/** What exists, so that it can be asked for. */
type Known = {
  readonly id: Hash;
  readonly blockHash: Hash;
  readonly stateRoot: Hash;
  /** Of states that a node serves. */
  readonly roots: readonly Hash[];
};

function requestsOf(height: number, known: Known): { [Kind in RequestKind]: Bytes[] } {
  const u64 = (value: number) => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
    return [...bytes];
  };
  return {
    status: [new Uint8Array(0)],
    blocks: [
      Uint8Array.from([...u64(0), 128, 0]),
      Uint8Array.from([...u64(1), 1, 0]),
      Uint8Array.from([...u64(height), 3, 0]),
    ],
    consensus: [
      Uint8Array.from([...u64(height + 1), 0, 0, 0, 0]),
      Uint8Array.from([...u64(height + 4), 0, 0, 0, 0]),
    ],
    faucet: [
      Uint8Array.from([...person('poor').address, 0]),
      Uint8Array.from([...person('poorer').address, 1]),
    ],
    ...proofRequestsOf(height, known),
  };
}

/** Questions of light clients and of those who take over a state. */
function proofRequestsOf(height: number, { id, blockHash, stateRoot, roots }: Known) {
  const at = (value: number) => value as Height; // A height of the recording.
  const nothing = new Uint8Array(32) as Hash; // Of nothing.
  const whole = new Uint8Array(0);
  const { sequence, nativeBalance } = accountStateKeys(PEOPLE.ada.address);
  const { address } = PEOPLE.ada;
  const before = { height: at(height), index: 0 };
  const every = Array.from({ length: height }, (_, below) => at(below + 1));
  return {
    state: [
      encode(stateRequestCodec, { height: at(height), keys: [sequence, nativeBalance] }),
      encode(stateRequestCodec, { height: at(height), keys: [sequence] }),
    ],
    light: [
      encode(lightRequestCodec, { from: at(0), heights: [at(1), at(height)] }),
      encode(lightRequestCodec, { from: at(0), heights: every }),
    ],
    receipts: every.map((each) => encode(receiptsRequestCodec, { height: each })),
    history: [
      encode(historyRequestCodec, { address, before: undefined, limit: 10 }),
      encode(historyRequestCodec, { address, before, limit: 2 }),
    ],
    entries: [
      encode(entriesRequestCodec, { address, before: undefined, limit: 10 }),
      encode(entriesRequestCodec, { address, before, limit: 2 }),
    ],
    locate: [
      encode(locateRequestCodec, { what: 'transaction', hash: id }),
      encode(locateRequestCodec, { what: 'block', hash: blockHash }),
      encode(locateRequestCodec, { what: 'block', hash: nothing }),
    ],
    // The whole state, which is small.
    page: [encode(pageRequestCodec, { prefix: whole, hash: stateRoot })],
    snapshots: [new Uint8Array(0)],
    manifest: [...roots, nothing].map((root) => encode(manifestRequestCodec, { stateRoot: root })),
    chunks: [...roots, nothing].flatMap((stateRoot) =>
      [[whole], [whole, Uint8Array.of(1)]].map((prefixes) =>
        encode(chunksRequestCodec, { stateRoot, prefixes }),
      ),
    ),
  };
}

let recording: Promise<Recording> | undefined;

/** The recording, made once a process; the same every time. */
export function recordNetwork(): Promise<Recording> {
  recording ??= record();
  return recording;
}
