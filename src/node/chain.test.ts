import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defined, formatHex } from '../base/index.ts';
import { encode } from '../codec/index.ts';
import type { Height } from '../ledger/index.ts';
import { balanceStateKey, NATIVE_ASSET } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import { FUNDED, heightOf, VALIDATORS, Village } from './testing/village.ts';

const ada = person('ada');
const bob = person('bob');
const [FIRST] = VALIDATORS;

let village: Village;
beforeEach(async () => {
  village = new Village(FUNDED);
  await village.startAll(...VALIDATORS);
});
afterEach(() => village.stopAll());

/** A node that knows nothing yet, and the first block with its proof. */
async function beginner(verify = village.verifier.verify) {
  const id = await village.submit(village.node(FIRST), village.pay(ada, bob.address, 1));
  await village.settled(id);
  const { node } = village.create('tab', { change: { verifier: { ...village.verifier, verify } } });
  await village.clock.run(node.open());
  const { store } = village.node(FIRST).parts;
  const height = heightOf(village.node(FIRST)) as Height; // It says what its head is.
  const stored = defined(await store.block(height), 'the head is stored');
  const certificate = defined(stored.certificate, 'every block but genesis has one');
  expect(certificate.height).toBe(1);
  return { node, stored, certificate };
}

describe('a decided block', () => {
  it('that sync committed while its signatures were checked is no failure', async () => {
    let held: Promise<void> = Promise.resolve();
    const { node, stored, certificate } = await beginner(async (claims) => {
      await held;
      return village.verifier.verify(claims);
    });
    const { chain } = node.parts;
    const imported = await chain.verifyBlock(stored.blockBytes);
    if (!imported.ok) throw new Error('it is a good block');
    let letGo = (): void => undefined;
    held = new Promise((resolve) => {
      letGo = resolve;
    });
    const committing = chain.commit(stored.block, stored.hash, certificate);
    held = Promise.resolve();
    expect(await chain.importBlock(imported.value, certificate)).toEqual({
      ok: true,
      value: 'committed',
    });
    letGo();
    await committing;
    expect(heightOf(node)).toBe(1);
  });

  it('that came with its certificate needs no further check of signatures', async () => {
    let calls = 0;
    const { node, stored, certificate } = await beginner((claims) => {
      calls += 1;
      return village.verifier.verify(claims);
    });
    const { chain } = node.parts;
    const verified = await chain.verifyBlock(stored.blockBytes, certificate);
    if (!verified.ok) throw new Error('it is a good block');
    expect(verified.value.proof).toBeDefined();
    const before = calls;
    // Another certificate is not the one that was looked at.
    const copy = { ...certificate, signatures: certificate.signatures.slice(0, 1) };
    expect(await chain.importBlock(verified.value, copy)).toMatchObject({
      ok: false,
      error: { code: 'certificate-power-too-low' },
    });
    expect(await chain.importBlock(verified.value, certificate)).toMatchObject({ ok: true });
    expect(calls).toBe(before);
    expect(heightOf(node)).toBe(1);
  });

  it('has what it reads of the state loaded early, but only once its certificate is good', async () => {
    const { node, stored, certificate } = await beginner();
    const { chain, store } = node.parts;
    const expected: string[] = [];
    store.expect = (keysOf) => {
      for (const key of keysOf()) expected.push(formatHex(key));
      return Promise.reject(new Error('the reading itself will say so'));
    };
    const [signature] = certificate.signatures;
    if (signature === undefined) throw new Error('somebody signed');
    const forged = { ...certificate, signatures: [signature] };
    expect(await chain.verifyBlock(stored.blockBytes, forged)).toMatchObject({ ok: true });
    expect(await chain.verifyBlock(stored.blockBytes)).toMatchObject({ ok: true });
    expect(expected).toEqual([]);
    const verified = await chain.verifyBlock(stored.blockBytes, certificate);
    if (!verified.ok) throw new Error('it is a good block');
    expect(expected).toContain(formatHex(balanceStateKey(ada.address, NATIVE_ASSET)));
    expect(expected).toContain(formatHex(balanceStateKey(bob.address, NATIVE_ASSET)));
    expect(await chain.importBlock(verified.value, certificate)).toMatchObject({ ok: true });
  });

  it('counts as verified only when what it reads is there, else it would be read twice', async () => {
    const { node, stored, certificate } = await beginner();
    const { chain, store } = node.parts;
    const deeds: string[] = [];
    let letGo = (): void => undefined;
    const isRead = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    let begin = (): void => undefined;
    const hasBegun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    store.expect = async () => {
      begin();
      await isRead;
      deeds.push('read');
    };
    const verifying = chain.verifyBlock(stored.blockBytes, certificate).then(() => {
      deeds.push('verified');
    });
    await hasBegun;
    // Signatures of a block beside it are checked meanwhile.
    await chain.verifyBlock(stored.blockBytes);
    expect(deeds).toEqual([]);
    letGo();
    await verifying;
    expect(deeds).toEqual(['read', 'verified']);
  });

  it('has nothing loaded for transactions that its header does not bind', async () => {
    const { node, stored, certificate } = await beginner();
    const { chain, store } = node.parts;
    const expected: string[] = [];
    store.expect = async (keysOf) => {
      for (const key of keysOf()) expected.push(formatHex(key));
    };
    const { header, transactions } = stored.block;
    const body = encode(chain.ledger.codecs.block, {
      header,
      transactions: [...transactions, ...transactions],
    });
    const verified = await chain.verifyBlock(body, certificate);
    // Header and certificate are good, and so is each signature.
    expect(verified.ok && verified.value.proof).toBeDefined();
    expect(expected).toEqual([]);
    await chain.verifyBlock(stored.blockBytes, certificate);
    expect(expected.length).toBeGreaterThan(0);
  });

  it('whose certificate is forged is refused, though its transactions are good', async () => {
    const { node, stored, certificate } = await beginner();
    const { chain } = node.parts;
    const forged = {
      ...certificate,
      signatures: certificate.signatures.map(({ validatorIndex }) => ({
        validatorIndex,
        signature: new Uint8Array(64).fill(1),
      })),
    };
    const verified = await chain.verifyBlock(stored.blockBytes, forged);
    if (!verified.ok) throw new Error('its transactions are good');
    expect(verified.value.proof).toBeUndefined();
    expect(await chain.importBlock(verified.value, forged)).toEqual({
      ok: false,
      error: { code: 'certificate-signature-invalid' },
    });
    expect(heightOf(node)).toBe(0);
  });

  it('is not mistaken for one with the same header and another body', async () => {
    const { node, stored, certificate } = await beginner();
    const { chain } = node.parts;
    const altered = { ...stored.block, transactions: [] };
    expect(chain.bindsTransactions(altered)).toBe(false);
    expect(chain.bindsTransactions(stored.block)).toBe(true);
    const [first, second] = await Promise.all([
      chain.validate(altered, stored.hash),
      chain.validate(stored.block, stored.hash),
    ]);
    expect([first.isValid, second.isValid]).toEqual([false, true]);
    await chain.commit(stored.block, stored.hash, certificate);
    expect(heightOf(node)).toBe(1);
  });
});
