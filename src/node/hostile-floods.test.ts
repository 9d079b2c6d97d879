import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { encode } from '../codec/index.ts';
import { signEd25519 } from '../crypto/index.ts';
import type { Transaction } from '../ledger/index.ts';
import type { Draft, Person } from '../ledger/testing/world.ts';
import { amount, gas, person } from '../ledger/testing/world.ts';
import { MEMPOOL_LIMITS } from '../mempool/index.ts';
import { transactionsMessageCodec } from './messages.ts';
import { heightOf, transferTo, VALIDATORS, Village } from './testing/village.ts';

const [FIRST, SECOND] = VALIDATORS;
const ada = person('ada');
const bob = person('bob');
const FLOODERS = 20;
const flooders = Array.from({ length: FLOODERS }, (_, at) => person(`flooder ${at}`));
/** What a payment may cost at most, and what it offers for that. */
const GAS = gas(20_000);
const FEE = amount(80_000);
/** Room in a block for this many such transfers only, so that a flood fills many. */
const BLOCK_ROOM = 50;
const BLOCKS_MAX = 3;

let village: Village;
beforeEach(async () => {
  village = new Village({
    balances: [ada, ...flooders].map(({ address }) => ({ address, amount: 1_000_000_000n })),
    parameters: { blockGasMax: gas(BLOCK_ROOM * GAS) },
  });
  await village.startAll(...VALIDATORS);
});
afterEach(async () => {
  for (const name of VALIDATORS) expect(village.node(name).status().error).toBeUndefined();
  await village.stopAll();
});

const sizeAt = (name: string) => village.node(name).parts.mempool.size().count;
const reasonsOf = (peerId: string) =>
  new Set(
    village.hub.penalties.filter((each) => each.peerId === peerId).map((each) => each.reason),
  );
const isBannedBy = (name: string, peerId: string) =>
  !village
    .node(name)
    .peers()
    .some((peer) => peer.peerId === peerId);

function payment(from: Person, sequence: number, change: Draft['change'] = {}): Transaction {
  const place = { sequence: sequence as never, gasLimit: GAS, feeMax: FEE }; // A small number.
  const actions = [transferTo(bob.address, 1 + sequence)];
  return village.world.sign(from, { actions, change: { ...place, ...change } });
}

function messageOf(transactions: readonly Transaction[]): Bytes {
  const all = transactions.map((each) => new Uint8Array(village.encode(each)));
  return encode(transactionsMessageCodec, all);
}

async function flood(peerId: string, messages: readonly Bytes[]): Promise<void> {
  const stranger = village.hub.find(peerId) ?? village.stranger(peerId);
  await village.clock.pass(2);
  for (const message of messages) await stranger.publish('transactions', message);
  await village.clock.pass(2);
}

/**
 * An honest payment, and how many blocks went by until it was final. They are counted from when
 * the validators have it: a block takes some milliseconds here, less than transactions gather
 * before they travel.
 */
async function blocksUntilFinal(sequence: number, feeMax = FEE): Promise<number> {
  const node = village.node(SECOND);
  const bytes = village.encode(payment(ada, sequence, { feeMax }));
  const id = await village.submit(node, new Uint8Array(bytes));
  await village.clock.until('it is everywhere', () =>
    VALIDATORS.every((name) => village.node(name).parts.tracker.get(id) !== undefined),
  );
  const before = heightOf(node);
  await village.clock.until(
    'the honest payment is final',
    () => node.parts.tracker.get(id)?.stage === 'final',
    120_000,
  );
  const place = node.parts.tracker.get(id);
  if (place?.height === undefined) throw new Error('what is final has its place');
  return place.height - before;
}

describe('under a flood of', () => {
  it('payments that fill twenty blocks, honest ones at a higher fee are final within 3', async () => {
    const perSender = 50;
    const each = flooders.map((flooder) =>
      messageOf(Array.from({ length: perSender }, (_, at) => payment(flooder, at))),
    );
    await flood('flood', each);
    expect(sizeAt(FIRST)).toBeGreaterThan((FLOODERS * perSender) / 2);
    // As a wallet offers when it sees a crowded pool; what is not used is paid back.
    const higher = amount(FEE + FEE / 10n);
    for (let sequence = 0; sequence < 3; sequence++) {
      expect(await blocksUntilFinal(sequence, higher)).toBeLessThanOrEqual(BLOCKS_MAX);
      expect(sizeAt(FIRST)).toBeGreaterThan(BLOCK_ROOM);
    }
    expect(reasonsOf('flood')).toEqual(new Set());
  });

  it('payments badly signed, the sender is banned, nothing is kept, payments go on', async () => {
    const forge = (transaction: Transaction): Transaction => {
      const [signature] = transaction.sender.signatures;
      if (signature === undefined || signature.kind !== 'ed25519') throw new Error('it is signed');
      const forged = signEd25519(person('mallory').pair.secretKey, new Uint8Array(32));
      const signatures = [{ ...signature, signature: forged }];
      return { ...transaction, sender: { ...transaction.sender, signatures } };
    };
    const forged = flooders.map((flooder) => messageOf([forge(payment(flooder, 0))]));
    for (const message of forged) await flood('flood', [message]);
    for (const name of VALIDATORS) {
      expect(isBannedBy(name, 'flood')).toBe(true);
      expect(sizeAt(name)).toBe(0);
    }
    expect(reasonsOf('flood')).toEqual(new Set(['transactions: rejected']));
    expect(village.hub.penalties.filter(({ by }) => by === FIRST)).toHaveLength(10);
    expect(await blocksUntilFinal(0)).toBeLessThanOrEqual(BLOCKS_MAX);
  });

  it('gaps in sequences, few wait, the rest is not even read, payments go on', async () => {
    const gap = MEMPOOL_LIMITS.sequenceGapMax;
    // None of these can run: the first of each sender is missing.
    const within = flooders.map((flooder) =>
      messageOf(Array.from({ length: gap }, (_, at) => payment(flooder, at + 1))),
    );
    const beyond = flooders.map((flooder) =>
      messageOf(Array.from({ length: 16 }, (_, at) => payment(flooder, gap + 2 + at))),
    );
    await flood('flood', [...within, ...beyond]);
    expect(sizeAt(FIRST)).toBe(FLOODERS * gap);
    // A pool that lost the first of them refuses the same of an honest node.
    expect(reasonsOf('flood')).toEqual(new Set());
    expect(await blocksUntilFinal(0)).toBeLessThanOrEqual(BLOCKS_MAX);
    expect(sizeAt(FIRST)).toBe(FLOODERS * gap);
  });

  it('replacements, each costs a tenth more, so few are taken; payments go on', async () => {
    const [flooder = bob] = flooders;
    // Of the second, which waits for the first: no block takes it meanwhile.
    const churn = Array.from({ length: 300 }, (_, at) =>
      messageOf([payment(flooder, 1, { feeMax: amount(FEE + BigInt(at)) })]),
    );
    const published = () => village.hub.published.filter(({ topic }) => topic === 'transactions');
    await flood('flood', churn);
    expect(sizeAt(FIRST)).toBe(1);
    expect(reasonsOf('flood')).toEqual(new Set());
    // What a balance of a billion can pay for at all: the fee grows by a tenth each time.
    let feeMax: bigint = FEE;
    const raised: Bytes[] = [];
    while (feeMax < 1_000_000_000n) {
      feeMax = (feeMax * 11n + 9n) / 10n;
      raised.push(messageOf([payment(flooder, 1, { feeMax: amount(feeMax) })]));
    }
    expect(raised.length).toBeLessThan(120);
    await flood('churn', raised);
    expect(sizeAt(FIRST)).toBe(1);
    expect(published().length).toBe(churn.length + raised.length);
    expect(await blocksUntilFinal(0)).toBeLessThanOrEqual(BLOCKS_MAX);
  });

  it('one sender, it gets no more than its share of the pool', async () => {
    const [flooder = bob] = flooders;
    const { perSenderMax } = MEMPOOL_LIMITS;
    village.hub.delivers = ({ kind }) => kind === 'transactions'; // No block takes any.
    for (let from = 0; from < 2 * perSenderMax; from += 8) {
      await flood('flood', [
        messageOf(Array.from({ length: 8 }, (_, at) => payment(flooder, from + at))),
      ]);
    }
    expect(sizeAt(FIRST)).toBe(perSenderMax);
    village.hub.delivers = () => true;
    expect(await blocksUntilFinal(0)).toBeLessThanOrEqual(BLOCKS_MAX);
  });
});
