import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { formatHex, TabellionError } from '../base/index.ts';
import type { Infer } from '../codec/index.ts';
import { decode, encode } from '../codec/index.ts';
import { verifyMerkleProof } from '../crypto/index.ts';
import type { Address, Height } from '../ledger/index.ts';
import { transactionLeaf } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import { entriesAnswerCodec, entriesRequestCodec, historyAnswerCodec } from './proof-messages.ts';
import type { ProofAsker } from './served-proofs.ts';
import { ServedProofs } from './served-proofs.ts';
import { impostor, isolate } from './testing/liar.ts';
import { FUNDED, VALIDATORS, Village } from './testing/village.ts';

// The history of an account, told by somebody who lies about it.

const ada = person('ada');
const bob = person('bob');
const cyd = person('cyd');
const [FIRST, SECOND] = VALIDATORS;

let village: Village;
beforeAll(async () => {
  village = new Village(FUNDED);
  await village.startAll(...VALIDATORS);
  for (let round = 1; round <= 3; round++) {
    const node = village.node(FIRST);
    const pay = (to: Address, ahead: number) =>
      village.pay(ada, to, round, { sequence: (3 * (round - 1) + ahead) as never });
    for (const [ahead, to] of [bob, cyd, bob].entries()) {
      const id = await village.submit(node, pay(to.address, ahead));
      if (ahead === 2) await village.settled(id, VALIDATORS);
    }
  }
});
afterAll(() => village.stopAll());

type Answer = Infer<typeof entriesAnswerCodec>;
type Entry = Answer['entries'][number];

let count = 0;
/** What a light node reads beside one liar, and whom it blames for what. */
async function readBeside(
  change: (answer: Answer, honest: (request: Bytes) => Promise<Answer>) => Answer | Promise<Answer>,
) {
  count += 1;
  const [liar, honest, reader] = [`liar ${count}`, `honest ${count}`, `reader ${count}`];
  village.hub.heal();
  const asker = village.stranger(`asker ${count}`);
  const read = (bytes: Bytes): Answer => {
    const decoded = decode(entriesAnswerCodec, bytes);
    if (!decoded.ok) throw new Error('the honest answer is good');
    return decoded.value;
  };
  const ask = async (request: Bytes) => read(await asker.request(FIRST, 'entries', request));
  let lied = 0;
  const entries = async (_: Bytes, honestly: () => Promise<Bytes>) => {
    lied += 1;
    return encode(entriesAnswerCodec, await change(read(await honestly()), ask));
  };
  impostor(village, { name: liar, honest: FIRST, answers: { entries } });
  impostor(village, { name: honest, honest: SECOND });
  isolate(village, reader, [liar, honest]);
  const { node } = await village.start(reader, { options: { mode: 'light' } });
  await village.clock.until('proven', () => node.status().light?.head.header.height !== 0);
  const head = village.node(FIRST).status().head?.header.height;
  await village.clock.until('at the head', () => node.source().head().header.height === head);
  const pages = [];
  for (let round = 0; round < 4; round++) {
    pages.push(await village.clock.run(node.source().history(bob.address, { limit: 20 })));
  }
  expect(lied).toBeGreaterThan(0);
  const blamed = village.hub.penalties.filter(({ by }) => by === reader);
  await village.stop(reader);
  return {
    ids: pages.map(({ entries: found }) =>
      found.map(({ receipt }) => formatHex(receipt.transactionId)),
    ),
    blamed: new Set(
      blamed.map(({ peerId, reason }) => `${peerId === liar ? 'liar' : 'other'}: ${reason}`),
    ),
  };
}

const mapped =
  (change: (entry: Entry, at: number) => Entry) =>
  ({ entries, isWhole }: Answer): Answer => ({ entries: entries.map(change), isWhole });

/** The header binds no count: what has one leaf beside it passes for the last of many as well. */
async function multiplied({ entries, isWhole }: Answer): Promise<Answer> {
  const { ledger, parts } = village.node(FIRST);
  const { suite } = ledger;
  const found: Entry[] = [];
  for (const each of entries) {
    const { height } = each.place;
    const header = await parts.store.header(height);
    const prepared = ledger.prepareTransaction(each.transaction);
    if (!prepared.ok || header === undefined) throw new Error('the honest answer is good');
    const leaf = transactionLeaf(suite, prepared.value);
    const root = header.transactionsRoot;
    const path = each.transactionPath;
    for (let at = 399; at >= 0; at--) {
      const place = { height, index: at % 20 };
      const count = Math.floor(at / 20) + 1;
      const last = found.at(-1)?.place;
      const isLower = last === undefined || last.height > height || last.index > place.index;
      const claim = { root, leaf, index: place.index, count, path };
      const fits = verifyMerkleProof(suite, claim);
      if (fits && isLower && found.length < 20) found.push({ ...each, place, count });
    }
  }
  expect(found.length).toBeGreaterThan(entries.length);
  return { entries: found, isWhole };
}

describe('entries of a history', () => {
  it.each<[string, Parameters<typeof readBeside>[0]]>([
    [
      'with another receipt',
      mapped((each) => ({ ...each, receipt: { ...each.receipt, feeCharged: 1n as never } })),
    ],
    [
      'with another transaction',
      mapped((each) => ({
        ...each,
        transaction: new Uint8Array(each.transaction.map((byte, at) => byte ^ (at === 70 ? 1 : 0))),
      })),
    ],
    [
      'at another height',
      mapped((each) => ({
        ...each,
        place: { ...each.place, height: (each.place.height - 1) as Height },
      })),
    ],
    ['without a way to the root', mapped((each) => ({ ...each, transactionPath: [] }))],
    ['with half a way', mapped((each) => ({ ...each, receiptPath: each.receiptPath.slice(1) }))],
    [
      'in the wrong order',
      ({ entries, isWhole }) => ({ entries: [...entries].reverse(), isWhole }),
    ],
    [
      'that come twice',
      ({ entries, isWhole }) => ({ entries: entries.flatMap((each) => [each, each]), isWhole }),
    ],
    ['that come at every index which their way fits', multiplied],
    [
      'of another account',
      (_, honest) =>
        honest(encode(entriesRequestCodec, { address: cyd.address, before: undefined, limit: 20 })),
    ],
  ])('%s are refused, the liar is banned, and the true ones found', async (_, change) => {
    const { ids, blamed } = await readBeside(change);
    const real = await village.node(FIRST).parts.store.history(bob.address, { limit: 20 });
    const expected = real.map(({ receipt }) => formatHex(receipt.transactionId));
    expect(expected).toHaveLength(6);
    for (const found of ids) expect(found).toEqual(expected);
    expect([...blamed]).toEqual(['liar: false-answer']);
  });

  it('that never begin are asked of somebody else', async () => {
    const { ids, blamed } = await readBeside(() => ({ entries: [], isWhole: false }));
    for (const found of ids) expect(found).toHaveLength(6);
    expect([...blamed]).toEqual([]);
  });

  it('come by the places of their blocks where nobody proves them by themselves', async () => {
    village.hub.heal();
    village.hub.delivers = ({ kind }) => kind !== 'request-entries';
    isolate(village, 'old friend', [FIRST]);
    const { node } = await village.start('old friend', { options: { mode: 'light' } });
    const head = village.node(FIRST).status().head?.header.height;
    await village.clock.until('at the head', () => node.source().head().header.height === head);
    const read = node.source().history(bob.address, { limit: 20 });
    expect((await village.clock.run(read)).entries).toHaveLength(6);
    village.hub.delivers = () => true;
    await village.stop('old friend');
  });

  it('are told for the places that an index has, and no more', async () => {
    const asker = village.stranger('asker');
    const ask = async (limit: number) => {
      const body = encode(entriesRequestCodec, { address: bob.address, before: undefined, limit });
      const answer = await village.clock.run(asker.request(FIRST, 'entries', body));
      const decoded = decode(entriesAnswerCodec, answer);
      if (!decoded.ok) throw new Error('well formed');
      return decoded.value;
    };
    expect(await ask(0)).toEqual({ entries: [], isWhole: false });
    const some = await ask(5);
    expect([some.entries.length, some.isWhole]).toEqual([5, false]);
    const all = await ask(100);
    expect([all.entries.length, all.isWhole]).toEqual([6, true]);
    const body = encode(entriesRequestCodec, { address: bob.address, before: undefined, limit: 9 });
    const places = decode(
      historyAnswerCodec,
      await village.clock.run(asker.request(FIRST, 'history', body)),
    );
    expect(places.ok && places.value.places).toEqual(all.entries.map(({ place }) => place));
  });

  it('cost by the blocks that are hashed for them as well', async () => {
    const { ledger, parts } = village.node(FIRST);
    const query = { address: bob.address, before: undefined, limit: 9 };
    const charged: number[] = [];
    const asker: ProofAsker = {
      read: () => query as never, // Of this one question.
      refuse: () => new TabellionError('request-refused'),
      charge: (units) => charged.push(units),
      signal: undefined,
    };
    const served = new ServedProofs(ledger, parts.store, village.clock);
    const answer = await served.answer('entries', new Uint8Array(), asker);
    const decoded = decode(entriesAnswerCodec, answer);
    if (!decoded.ok) throw new Error('well formed');
    const blocks = new Set(decoded.value.entries.map(({ place }) => place.height));
    // One for the question, then each block as it is read, and once more as it is hashed.
    expect(charged).toEqual([1, ...[...blocks, ...blocks].map(() => 1)]);
  });
});
