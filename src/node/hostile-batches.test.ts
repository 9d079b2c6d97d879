import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import { signEd25519 } from '../crypto/index.ts';
import type { Transaction } from '../ledger/index.ts';
import type { Draft, Person } from '../ledger/testing/world.ts';
import { amount, gas, person } from '../ledger/testing/world.ts';
import {
  GOSSIPED_AGAIN_MS,
  HELD_PER_USELESS,
  TRANSACTIONS_PER_MESSAGE_MAX,
  USELESS_BURST,
} from './limits.ts';
import { transactionsMessageCodec } from './messages.ts';
import { transferTo, VALIDATORS, Village } from './testing/village.ts';

const [FIRST, SECOND] = VALIDATORS;
const ada = person('ada');
const bob = person('bob');
const mallory = person('mallory');
/** So many of them fill most of a message. */
const PAUPERS = 180;
/** Each may have 60 payments waiting; more of them than a node used to forgive its neighbour. */
const doubles = Array.from({ length: 5 }, (_, at) => person(`double ${at}`));
const paupers = Array.from({ length: PAUPERS }, (_, at) => person(`pauper ${at}`));

let village: Village;
beforeEach(async () => {
  village = new Village({
    balances: [ada, mallory, ...doubles].map(({ address }) => ({
      address,
      amount: 1_000_000_000n,
    })),
  });
  await village.startAll(...VALIDATORS);
});
afterEach(async () => {
  for (const name of VALIDATORS) expect(village.node(name).status().error).toBeUndefined();
  await village.stopAll();
});

const poolOf = (name: string) => village.node(name).parts.mempool;
const sizeAt = (name: string) => poolOf(name).size().count;
const blamed = () =>
  new Set(village.hub.penalties.map(({ peerId, reason }) => `${peerId}: ${reason}`));

function payment(from: Person, sequence: number, change: Draft['change'] = {}): Transaction {
  // A small number is a sequence.
  const place = { sequence: sequence as never, gasLimit: gas(20_000), feeMax: amount(80_000) };
  const actions = [transferTo(bob.address, 1 + sequence)];
  return village.world.sign(from, { actions, change: { ...place, ...change } });
}

/** The same body with a signature of somebody else: the same id. */
function forge(transaction: Transaction): Transaction {
  const [signature] = transaction.sender.signatures;
  if (signature === undefined || signature.kind !== 'ed25519') throw new Error('it is signed');
  const forged = signEd25519(mallory.pair.secretKey, new Uint8Array(32));
  const signatures = [{ ...signature, signature: forged }];
  return { ...transaction, sender: { ...transaction.sender, signatures } };
}

const bytesOf = (transaction: Transaction): Bytes => new Uint8Array(village.encode(transaction));
const messageOf = (...transactions: readonly Transaction[]): Bytes =>
  encode(transactionsMessageCodec, transactions.map(bytesOf));

function idOf(transaction: Transaction): Uint8Array {
  const prepared = village.world.ledger.prepareTransaction(transaction);
  if (!prepared.ok) throw new Error(prepared.error.code);
  return prepared.value.id;
}

/** Whoever is cut off from all but one of those who are there. */
function linkOnly(name: string, to: string, others: readonly string[]): void {
  for (const other of others) if (other !== to && other !== name) village.hub.cut(name, other);
}

/** A hostile peer that one honest node alone knows. */
function attackerAt(name: string, others: readonly string[], own = 'attacker') {
  const attacker = village.stranger(own);
  linkOnly(own, name, others);
  return attacker;
}

/** No block is made: only transactions travel. */
function onlyTransactions(): void {
  village.hub.delivers = ({ kind }) => kind === 'transactions';
}

/** What honest nodes sent, transaction by transaction. */
function sentBy(name: string): string[] {
  return village.hub.published
    .filter(({ by, topic }) => by === name && topic === 'transactions')
    .flatMap(({ bytes }) => {
      const decoded = decode(transactionsMessageCodec, bytes);
      if (!decoded.ok) throw new Error(decoded.error.code);
      return decoded.value.map((each) => Buffer.from(each).toString('hex'));
    });
}
const hexOf = (transaction: Transaction) => Buffer.from(bytesOf(transaction)).toString('hex');

describe('a forged twin of a transaction', () => {
  it('that is final goes nowhere, so it costs no honest node anything', async () => {
    const known = payment(ada, 0);
    await village.start('tab');
    const id = await village.submit(village.node(FIRST), bytesOf(known));
    await village.settled(id);
    // The tab begins anew, and knows one honest node only.
    const store = await village.stop('tab');
    linkOnly('tab', FIRST, VALIDATORS);
    await village.start('tab', { store });
    const attacker = attackerAt(FIRST, [...VALIDATORS, 'tab']);
    await village.clock.pass(50);
    const paid = Array.from({ length: 12 }, (_, at) => payment(mallory, at));
    for (const each of paid) {
      await attacker.publish('transactions', messageOf(forge(known), each));
      await village.clock.pass(30);
    }
    expect([...blamed()].filter((each) => !each.startsWith('attacker'))).toEqual([]);
    expect(village.node('tab').peers()).toMatchObject([{ peerId: FIRST, score: 1_000 }]);
    // What could be paid for came through.
    for (const each of paid) expect(await village.settled(idOf(each))).toEqual(['final']);
  });

  it('that is pending is rejected where the true one is known, and nothing of it stays', async () => {
    onlyTransactions();
    const known = payment(ada, 0);
    await village.submit(village.node(FIRST), bytesOf(known));
    await village.clock.pass(10);
    await village.start('newcomer'); // It does not know the true one.
    const others = [...VALIDATORS, 'newcomer'];
    const attacker = attackerAt(FIRST, others);
    await village.clock.pass(10);
    await attacker.publish('transactions', messageOf(forge(known), payment(mallory, 0)));
    await village.clock.pass(10);
    expect(blamed()).toEqual(new Set(['attacker: transactions: rejected']));
    expect(village.hub.penalties).toHaveLength(1);
    for (const name of VALIDATORS) expect(sizeAt(name)).toBe(1);
    // Nor does one who hands it in hear that it waits.
    const submitted = await village.node(FIRST).submit(bytesOf(forge(known)));
    expect(submitted).toMatchObject({ ok: false, error: { code: 'signature-invalid' } });
  });
});

describe('junk on the coat-tails of one payment', () => {
  it('goes nowhere, the payment does, and no honest node is blamed', async () => {
    onlyTransactions();
    await village.start('tab');
    linkOnly('tab', FIRST, VALIDATORS);
    const junk = paupers.map((pauper) => payment(pauper, 0));
    const all = [...VALIDATORS, 'tab'];
    const sybils = Array.from({ length: 8 }, (_, at) => {
      const sybil = attackerAt(FIRST, all, `sybil ${at}`);
      for (let other = 0; other < at; other++) village.hub.cut(`sybil ${at}`, `sybil ${other}`);
      return sybil;
    });
    await village.clock.pass(10);
    for (const [at, sybil] of sybils.entries()) {
      await sybil.publish('transactions', messageOf(payment(mallory, at), ...junk));
    }
    await village.clock.pass(200);
    expect(blamed()).toEqual(new Set());
    for (const name of all) expect(sizeAt(name)).toBe(sybils.length);
    const pauper = new Set(junk.map(hexOf));
    for (const name of all) expect(sentBy(name).filter((each) => pauper.has(each))).toEqual([]);
    expect(sentBy(FIRST)).toHaveLength(sybils.length);
    expect(village.node('tab').peers()).toMatchObject([{ peerId: FIRST, score: 1_000 }]);
  });

  it('that everybody has already goes nowhere again, the payment does', async () => {
    onlyTransactions();
    const old = Array.from({ length: 60 }, (_, at) => payment(ada, at));
    const attacker = attackerAt(FIRST, VALIDATORS);
    await village.clock.pass(10);
    for (let at = 0; at < old.length; at += 15) {
      await attacker.publish('transactions', messageOf(...old.slice(at, at + 15)));
      await village.clock.pass(5);
    }
    expect(sizeAt(SECOND)).toBe(old.length);
    let bytes = 0;
    village.hub.delivers = ({ from, kind }) => {
      if (from === FIRST && kind === 'transactions') bytes += 1;
      return kind === 'transactions';
    };
    const fresh = payment(mallory, 0);
    await attacker.publish('transactions', messageOf(...old, fresh));
    await village.clock.pass(100);
    expect(sizeAt(SECOND)).toBe(old.length + 1);
    expect(sentBy(FIRST)).toEqual([hexOf(fresh)]);
    expect(bytes).toBe(VALIDATORS.length); // Once to each of the others, and to the attacker.
  });
});

describe('two versions of a payment', () => {
  it('told to two honest nodes make neither blame the other', async () => {
    onlyTransactions();
    const left = attackerAt(FIRST, VALIDATORS, 'left');
    const right = attackerAt(SECOND, [...VALIDATORS, 'left'], 'right');
    await village.clock.pass(10);
    for (const sender of doubles) {
      for (let from = 0; from < 60; from += 15) {
        const version = (memo: string) =>
          messageOf(...Array.from({ length: 15 }, (_, at) => payment(sender, from + at, { memo })));
        await Promise.all([
          left.publish('transactions', version('left')),
          right.publish('transactions', version('right')),
        ]);
        await village.clock.pass(5);
      }
    }
    for (const name of [FIRST, SECOND]) expect(sizeAt(name)).toBe(60 * doubles.length);
    expect(blamed()).toEqual(new Set());
  });
});

describe('a payment in a hostile message', () => {
  /** One way only for the user's payment: through a relay. */
  async function behindRelay(): Promise<ReturnType<typeof attackerAt>> {
    await village.start('relay');
    await village.start('user');
    linkOnly('user', 'relay', VALIDATORS);
    const attacker = attackerAt('relay', [...VALIDATORS, 'user']);
    await village.clock.pass(50);
    return attacker;
  }

  it('that is rejected stays unknown there, so the honest copy goes on', async () => {
    const attacker = await behindRelay();
    const stolen = payment(ada, 0);
    const junk = paupers.slice(0, 31).map((pauper) => payment(pauper, 0));
    const forged = forge(payment(mallory, 0));
    await attacker.publish('transactions', messageOf(stolen, ...junk, forged));
    await village.clock.pass(20);
    expect(blamed()).toEqual(new Set(['attacker: transactions: rejected']));
    expect(sizeAt('relay')).toBe(0);
    const id = await village.submit(village.node('user'), bytesOf(stolen));
    expect(await village.settled(id)).toEqual(['final']);
  });

  it('that is not passed on goes on by itself', async () => {
    const attacker = await behindRelay();
    const stolen = payment(ada, 0);
    const junk = paupers.map((pauper) => payment(pauper, 0));
    await attacker.publish('transactions', messageOf(stolen, ...junk));
    await village.settled(idOf(stolen));
    expect(sentBy('relay')).toEqual([hexOf(stolen)]);
    expect(blamed()).toEqual(new Set());
  });

  it('is gossiped again when somebody asks for it later', async () => {
    onlyTransactions();
    await village.start('relay');
    for (const name of VALIDATORS) village.hub.cut('relay', name);
    const attacker = attackerAt('relay', VALIDATORS);
    await village.clock.pass(10);
    const stolen = payment(ada, 0);
    await attacker.publish('transactions', messageOf(stolen)); // Nobody else is there to hear it.
    await village.clock.pass(10);
    expect(sizeAt('relay')).toBe(1);
    await village.clock.pass(GOSSIPED_AGAIN_MS);
    village.hub.heal();
    await village.submit(village.node('relay'), bytesOf(stolen));
    await village.clock.pass(10);
    for (const name of VALIDATORS) expect(sizeAt(name)).toBe(1);
  });

  it('goes on again for a neighbour who says it again, though it was known', async () => {
    onlyTransactions();
    await village.start('relay');
    for (const name of VALIDATORS) village.hub.cut('relay', name);
    await village.start('user');
    linkOnly('user', 'relay', VALIDATORS);
    const attacker = attackerAt('relay', [...VALIDATORS, 'user']);
    await village.clock.pass(10);
    const stolen = payment(ada, 0);
    await attacker.publish('transactions', messageOf(stolen, payment(bob, 0)));
    await village.clock.pass(10);
    expect(sizeAt('relay')).toBe(1);
    await village.clock.pass(GOSSIPED_AGAIN_MS);
    village.hub.heal();
    linkOnly('user', 'relay', [...VALIDATORS, 'attacker']);
    await village.submit(village.node('user'), bytesOf(stolen));
    await village.clock.pass(30_000); // The user says it again now and then.
    for (const name of VALIDATORS) expect(sizeAt(name)).toBe(1);
  });
});

describe('repetition', () => {
  it('inside one message is what no honest node sends', async () => {
    const attacker = attackerAt(FIRST, VALIDATORS);
    await village.clock.pass(10);
    const twice = payment(mallory, 0);
    await attacker.publish('transactions', messageOf(twice, payment(mallory, 1), twice));
    await village.clock.pass(10);
    expect(blamed()).toEqual(new Set(['attacker: transactions: rejected']));
    expect(sizeAt(FIRST)).toBe(0);
  });

  it('of what is known is not read for ever, and read again later', async () => {
    onlyTransactions();
    const known = Array.from({ length: 60 }, (_, at) => payment(mallory, at));
    const node = village.node(FIRST);
    const verdictOn = (...some: readonly Transaction[]) =>
      village.clock.run(node.parts.mempool.receiveGossip(messageOf(...some), 'attacker'));
    for (let at = 0; at < known.length; at += 15) {
      expect(await verdictOn(...known.slice(at, at + 15))).toBe('accept');
    }
    const perMessage = Math.ceil(known.length / HELD_PER_USELESS);
    for (let at = 0; at < USELESS_BURST / perMessage; at++) {
      expect(await verdictOn(...known)).toBe('ignore');
    }
    // Even what is no message at all is not looked at now.
    const garbage = () => node.parts.mempool.receiveGossip(Uint8Array.of(1), 'attacker');
    expect(await garbage()).toBe('ignore');
    expect(await node.parts.mempool.receiveGossip(Uint8Array.of(1), 'another')).toBe('reject');
    await village.clock.pass(1_000);
    expect(await garbage()).toBe('reject');
  });

  it('of an old message is not passed on once a block holds what it says', async () => {
    const attacker = attackerAt(FIRST, VALIDATORS);
    await village.clock.pass(10);
    const paid = payment(mallory, 0);
    await attacker.publish('transactions', messageOf(paid));
    await village.settled(idOf(paid));
    let passedOn = 0;
    village.hub.delivers = ({ from, kind }) => {
      if (from === FIRST && kind === 'transactions') passedOn += 1;
      return true;
    };
    await village.clock.pass(GOSSIPED_AGAIN_MS);
    await attacker.publish('transactions', messageOf(paid));
    await village.clock.pass(100);
    expect(passedOn).toBe(0);
    expect(blamed()).toEqual(new Set());
  });
});

describe('a forgery at the end of a full message', () => {
  it('costs the sender what it made us check: few of them, and it is not read', async () => {
    const { mempool } = village.node(FIRST).parts;
    const many = Array.from({ length: TRANSACTIONS_PER_MESSAGE_MAX - 1 }, (_, at) => at);
    const verdicts: string[] = [];
    for (let round = 0; round < 4; round++) {
      const junk = many.map((at) => payment(person('nobody'), at, { memo: `${round}` }));
      const message = messageOf(...junk, forge(payment(mallory, round)));
      verdicts.push(await village.clock.run(mempool.receiveGossip(message, 'attacker')));
    }
    expect(verdicts).toEqual(['reject', 'reject', 'ignore', 'ignore']);
  });

  it('but at its beginning it costs us one group of signatures', async () => {
    const { chain, mempool } = village.node(FIRST).parts;
    let checked = 0;
    const verify = chain.verifyTransaction.bind(chain);
    chain.verifyTransaction = (prepared) => {
      checked += 1;
      return verify(prepared);
    };
    const junk = paupers.map((pauper) => payment(pauper, 0));
    const message = messageOf(forge(payment(mallory, 0)), ...junk);
    expect(await village.clock.run(mempool.receiveGossip(message, 'attacker'))).toBe('reject');
    expect(checked).toBe(16);
    // What needs no signature is looked at first.
    checked = 0;
    const sponsored = payment(mallory, 1, { sponsor: mallory.address });
    const late = messageOf(...junk, sponsored);
    expect(await village.clock.run(mempool.receiveGossip(late, 'attacker'))).toBe('reject');
    expect(checked).toBe(0);
  });
});
