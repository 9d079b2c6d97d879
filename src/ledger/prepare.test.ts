import { describe, expect, it } from 'vitest';
import { defined } from '../base/index.ts';
import { decode, encode, struct, u8 } from '../codec/index.ts';
import { loadFastHashing, ZERO_HASH } from '../crypto/index.ts';
import { NATIVE_ASSET } from './ids.ts';
import { amount, passkeyPerson, person, TestWorld } from './testing/world.ts';
import type { Block } from './types.ts';

const anna = person('Anna');
const carla = passkeyPerson('Carla');

function createBlock() {
  const world = new TestWorld({
    balances: [anna, carla].map(({ address }) => ({ address, amount: 1_000_000_000n })),
  });
  const { ledger } = world;
  const transactions = [anna, carla].map((sender) => {
    const action = {
      kind: 'asset.transfer',
      asset: NATIVE_ASSET,
      recipient: anna.address,
      amount: amount(5),
    };
    return world.sign(sender, { actions: [action] });
  });
  const header = ledger.genesisHeader(ZERO_HASH);
  const block: Block = { header, transactions };
  return { ledger, block, bytes: encode(ledger.codecs.block, block) };
}

describe('a block that is prepared as a value', () => {
  it('equals the one that is prepared from its bytes, however it was made', () => {
    const { ledger, block, bytes } = createBlock();
    const whole = ledger.prepareBlock(bytes);
    if (!whole.ok) throw new Error('just encoded');
    const { bytes: own, ...value } = whole.value;
    expect(own).toEqual(bytes);
    const expected = { ok: true, value };
    // Decoded as part of something else, at another offset.
    const codec = struct('Around', { before: u8, block: ledger.codecs.block, after: u8 });
    const around = decode(codec, encode(codec, { before: 1, block, after: 2 }));
    if (!around.ok) throw new Error('just encoded');
    expect(ledger.prepareBlockValue(around.value.block)).toEqual(expected);
    // Once more, when its bytes are forgotten; and one that never had any.
    expect(ledger.prepareBlockValue(around.value.block)).toEqual(expected);
    expect(ledger.prepareBlockValue(block)).toEqual(expected);
  });

  it('has the transactions that are prepared one by one, four of them hashed together', async () => {
    await loadFastHashing();
    const { ledger, block, bytes } = createBlock();
    const many = { ...block, transactions: [0, 1, 2].flatMap(() => block.transactions) };
    const alone = many.transactions.map((each) =>
      ledger.prepareTransaction(encode(ledger.codecs.transaction, each)),
    );
    for (const prepared of [
      ledger.prepareBlock(encode(ledger.codecs.block, many)),
      ledger.prepareBlockValue(many),
    ]) {
      if (!prepared.ok) throw new Error('well-formed');
      expect(prepared.value.transactions.map((value) => ({ ok: true, value }))).toEqual(alone);
    }
    // Decoding that ended early leaves nothing behind for the next one.
    expect(ledger.prepareBlock(bytes.subarray(0, bytes.length - 1)).ok).toBe(false);
    expect(ledger.prepareBlock(bytes)).toMatchObject(ledger.prepareBlockValue(block));
  });

  it('is not taken for its parts: a body in other hands has other bytes', () => {
    const { ledger, bytes } = createBlock();
    const decoded = decode(ledger.codecs.block, bytes);
    if (!decoded.ok) throw new Error('just encoded');
    const [first, second] = decoded.value.transactions;
    const mixed = { ...defined(first, 'two'), sender: defined(second, 'two').sender };
    const prepared = ledger.prepareBlockValue({ ...decoded.value, transactions: [mixed] });
    if (!prepared.ok) throw new Error('small enough');
    const [only] = prepared.value.transactions;
    expect(only?.bytes).toEqual(encode(ledger.codecs.transaction, mixed));
    expect(only?.bodyBytes).toEqual(encode(ledger.codecs.body, mixed.body));
  });

  it('keeps nothing of the bytes that it came in', () => {
    const { ledger, bytes } = createBlock();
    const input = new Uint8Array(bytes);
    const prepared = ledger.prepareBlock(input);
    if (!prepared.ok) throw new Error('just encoded');
    const before = structuredClone(prepared.value);
    input.fill(0);
    expect(prepared.value).toEqual(before);
  });

  it('shares one buffer among transactions, and none with the header, which is kept', () => {
    const { ledger, bytes } = createBlock();
    const prepared = ledger.prepareBlock(bytes);
    if (!prepared.ok) throw new Error('just encoded');
    const { block, transactions } = prepared.value;
    const { buffer } = defined(transactions[0], 'two').bytes;
    for (const { transaction } of transactions) {
      expect(transaction.body.sender.buffer).toBe(buffer);
      for (const { publicKey, signature } of transaction.sender.signatures) {
        for (const { buffer: own } of [publicKey, signature]) expect(own).toBe(buffer);
      }
    }
    for (const value of Object.values(block.header)) {
      if (value instanceof Uint8Array) expect(value.buffer).not.toBe(buffer);
    }
  });
});
