import { describe, expect, it } from 'vitest';
import { concatBytes, defined, encodeUtf8, formatHex } from '../base/index.ts';
import { signMessage, verifySignature } from '../crypto/index.ts';
import type { TransactionError } from './errors.ts';
import { NATIVE_ASSET } from './ids.ts';
import { TRANSACTION_BYTES_MAX } from './limits.ts';
import { readAsset, readBalance, readBalances } from './read.ts';
import { MissingKey } from './state.ts';
import type { Draft, Person } from './testing/world.ts';
import {
  amount,
  gas,
  height,
  p256Person,
  passkeyPerson,
  person,
  recordOf,
  TestState,
  TestWorld,
} from './testing/world.ts';
import type { Action, Key, KeyPolicy } from './types.ts';

const anna = person('Anna');
const ben = p256Person('Ben');
const carla = passkeyPerson('Carla');
const nobody = person('Nobody');
const COIN = 1_000_000n;

function send(recipient: Person, units: bigint | number): Action {
  return {
    kind: 'asset.transfer',
    asset: NATIVE_ASSET,
    recipient: recipient.address,
    amount: amount(units),
  };
}

function createWorld(): TestWorld {
  return new TestWorld({
    balances: [anna, ben, carla].map(({ address }) => ({ address, amount: 1_000n * COIN })),
  });
}

const held = (world: TestWorld, { address }: Person): bigint =>
  readBalance(world.state, address, NATIVE_ASSET);

/** Native balances and what was destroyed: constant for ever. */
function nativeTotal(world: TestWorld): bigint {
  let sum = 0n;
  for (const { key, value } of world.state.values.values()) {
    if (key[0] !== 2 || key[1] !== 2 || key.subarray(34).some((byte) => byte !== 0)) continue;
    sum += new DataView(value.buffer, value.byteOffset).getBigUint64(0, true);
  }
  const record = defined(readAsset(world.state, NATIVE_ASSET), 'native');
  expect(sum).toBe(record.supply);
  return sum + record.burned;
}

describe('a payment', () => {
  it.each([
    ['ed25519', anna],
    ['p256', ben],
    ['webauthn-p256', carla],
  ] as const)('by a %s key moves coins, charges gas and is written down', (_, payer) => {
    const world = createWorld();
    const before = nativeTotal(world);
    const receipt = world.run(payer, { actions: [send(nobody, 5n * COIN)] });
    expect(receipt.outcome).toEqual({ kind: 'succeeded' });
    expect(receipt.feeCharged).toBe(BigInt(receipt.gasUsed) * 4n);
    expect(receipt.payer).toEqual(payer.address);
    expect(held(world, nobody)).toBe(5n * COIN);
    expect(held(world, payer)).toBe(995n * COIN - receipt.feeCharged);
    expect(receipt.logs.map(({ kind }) => kind)).toEqual(['asset.transferred']);
    const [log] = receipt.logs;
    expect(log?.accounts).toEqual([payer.address, nobody.address]);
    expect(world.ledger.decodeLog(defined(log, 'one log'))?.fields).toEqual({
      asset: NATIVE_ASSET,
      amount: 5n * COIN,
    });
    const account = world.ledger.readAccount(world.state, payer.address);
    expect(account.sequence).toBe(1);
    expect(account.policy).toEqual(payer.policy);
    expect(nativeTotal(world)).toBe(before);
  });

  it('may be paid for by a sponsor, who signs too', () => {
    const world = createWorld();
    world.run(anna, { actions: [send(nobody, 10)] });
    const receipt = world.run(nobody, { actions: [send(anna, 10)], sponsor: ben });
    expect(receipt.payer).toEqual(ben.address);
    expect(receipt.outcome.kind).toBe('succeeded');
    expect(held(world, nobody)).toBe(0n);
    expect(held(world, ben)).toBe(1_000n * COIN - receipt.feeCharged);
    expect(world.ledger.readAccount(world.state, ben.address).sequence).toBe(0);
  });

  it('cannot spend what is set aside for its fee', () => {
    const world = createWorld();
    const receipt = world.run(anna, { actions: [send(ben, 1_000n * COIN - 50_000n)] });
    expect(receipt.outcome).toEqual({
      kind: 'failed',
      code: 'insufficient-balance',
      actionIndex: 0,
    });
  });
});

describe('a failure', () => {
  it('undoes every action, keeps no log, charges the fee and uses the sequence', () => {
    const world = createWorld();
    const total = nativeTotal(world);
    const actions = [send(ben, 7n), send(ben, 2_000n * COIN)];
    const receipt = world.run(anna, { actions });
    expect(receipt.outcome).toEqual({
      kind: 'failed',
      code: 'insufficient-balance',
      actionIndex: 1,
    });
    expect(receipt.logs).toEqual([]);
    expect(held(world, ben)).toBe(1_000n * COIN);
    expect(held(world, anna)).toBe(1_000n * COIN - receipt.feeCharged);
    expect(world.ledger.readAccount(world.state, anna.address).sequence).toBe(1);
    expect(nativeTotal(world)).toBe(total);
  });
});

describe('fees', () => {
  it('go to the recipient that parameters name', () => {
    const world = new TestWorld({
      balances: [{ address: anna.address, amount: 1_000n * COIN }],
      parameters: { feeRecipient: ben.address },
    });
    const total = nativeTotal(world);
    const receipt = world.run(anna, { actions: [send(nobody, 1)] });
    expect(held(world, ben)).toBe(receipt.feeCharged);
    expect(nativeTotal(world)).toBe(total);
    expect(readAsset(world.state, NATIVE_ASSET)?.burned).toBe(0n);
  });

  it('are destroyed when nobody is named', () => {
    const world = createWorld();
    const receipt = world.run(anna, { actions: [send(nobody, 1)] });
    expect(readAsset(world.state, NATIVE_ASSET)?.burned).toBe(receipt.feeCharged);
  });
});

describe('refusals change nothing and have a code each', () => {
  const pay: readonly Action[] = [send(ben, 1)];
  const shortWorld = (): TestWorld => createWorld();
  const twoOfTwo: KeyPolicy = {
    keys: [recordOf(anna.key), recordOf(ben.key)],
    thresholds: { everyday: 2, guarded: 2, vault: 2 },
  };
  const cases: readonly (readonly [TransactionError['code'], Person, Draft])[] = [
    ['version-unsupported', anna, { actions: pay, change: { version: 2 } }],
    ['wrong-network', anna, { actions: pay, change: { chainId: new Uint8Array(32) as never } }],
    ['sponsor-missing', anna, { actions: pay, change: { sponsor: ben.address } }],
    ['sponsor-unexpected', anna, { actions: pay, sponsor: ben, change: { sponsor: undefined } }],
    ['sponsor-is-sender', anna, { actions: pay, sponsor: anna }],
    ['duplicate-signature', anna, { actions: pay, signers: [anna, anna] }],
    ['expired', anna, { actions: pay, change: { validUntil: height(0) } }],
    ['not-yet-valid', anna, { actions: pay, change: { validFrom: height(2) } }],
    ['window-too-long', anna, { actions: pay, change: { validUntil: height(10_001) } }],
    ['sequence-gap', anna, { actions: pay, change: { sequence: 1 as never } }],
    ['fee-too-low', anna, { actions: pay, change: { feeMax: amount(99_999) } }],
    ['gas-limit-too-low', anna, { actions: pay, change: { gasLimit: gas(1_000) } }],
    [
      'gas-limit-too-high',
      anna,
      { actions: pay, change: { gasLimit: gas(50_000_001), feeMax: amount(1_000n * COIN) } },
    ],
    ['insufficient-balance', nobody, { actions: pay }],
    ['policy-missing', anna, { actions: pay, initialPolicy: 'none' }],
    ['policy-mismatch', anna, { actions: pay, initialPolicy: ben.policy }],
    ['key-unknown', anna, { actions: pay, signers: [ben] }],
    ['key-unknown', anna, { actions: pay, signers: [anna, ben] }],
    ['challenge-mismatch', carla, { actions: pay, assertion: { challenge: new Uint8Array(32) } }],
    ['type-wrong', carla, { actions: pay, assertion: { type: 'webauthn.create' } }],
    ['origin-not-allowed', carla, { actions: pay, assertion: { origin: 'http://evil.test' } }],
    ['cross-origin', carla, { actions: pay, assertion: { crossOrigin: true } }],
    ['rp-id-mismatch', carla, { actions: pay, assertion: { rpId: 'evil.test' } }],
    ['user-not-present', carla, { actions: pay, assertion: { flags: 0x04 } }],
    ['authenticator-data-malformed', carla, { actions: pay, assertion: { flags: 0x15 } }],
  ];

  it.each(cases)('%s', (code, sender, draft) => {
    expect(shortWorld().refusal(sender, draft)?.code).toBe(code);
  });

  it('user-not-verified, when the key demands it', () => {
    const strict = passkeyPerson('Dora', true);
    const world = new TestWorld({ balances: [{ address: strict.address, amount: COIN }] });
    const draft: Draft = { actions: pay, assertion: { flags: 0x01 } };
    expect(world.refusal(strict, draft)?.code).toBe('user-not-verified');
    expect(world.refusal(strict, { actions: pay })).toBeUndefined();
  });

  it('sequence-used, for a transaction executed before', () => {
    const world = createWorld();
    const prepared = world.prepare(anna, { actions: pay });
    world.commit(prepared);
    const verdict = world.ledger.validateTransaction(world.state, prepared, { height: height(2) });
    expect(verdict).toEqual({
      kind: 'invalid',
      error: { code: 'sequence-used', expected: 1, actual: 0 },
    });
    expect(world.execute(prepared)).toMatchObject({ kind: 'invalid-transaction', index: 0 });
  });

  it('weight-too-low, when one of two keys is missing; both are enough', () => {
    const owner: Person = {
      ...anna,
      policy: twoOfTwo,
      address: createWorld().ledger.addressOfPolicy(twoOfTwo),
    };
    const world = new TestWorld({ balances: [{ address: owner.address, amount: COIN }] });
    expect(world.refusal(owner, { actions: pay })).toEqual({
      code: 'weight-too-low',
      signer: 'sender',
      class: 'everyday',
      needed: 2,
      held: 1,
    });
    const sponsor = { ...ben, policy: twoOfTwo, address: owner.address };
    expect(world.refusal(owner, { actions: pay, signers: [anna, sponsor] })).toBeUndefined();
  });

  it('policy-invalid, for a policy that is a dead end', () => {
    const policy = {
      keys: [recordOf(anna.key)],
      thresholds: { everyday: 1, guarded: 2, vault: 1 },
    };
    const owner = { ...anna, policy, address: createWorld().ledger.addressOfPolicy(policy) };
    const world = new TestWorld({ balances: [{ address: owner.address, amount: COIN }] });
    expect(world.refusal(owner, { actions: pay })).toEqual({
      code: 'policy-invalid',
      signer: 'sender',
      reason: 'dead-end',
    });
  });

  it('key-expired, and a session key that signs only everyday actions until then', () => {
    const session = person('session');
    const policy: KeyPolicy = {
      keys: [recordOf(anna.key), recordOf(session.key, { role: 'session', expiresAt: height(1) })],
      thresholds: { everyday: 1, guarded: 1, vault: 1 },
    };
    const owner = { ...anna, policy, address: createWorld().ledger.addressOfPolicy(policy) };
    const world = new TestWorld({ balances: [{ address: owner.address, amount: COIN }] });
    expect(world.refusal(owner, { actions: pay, signers: [session] })).toBeUndefined();
    const thresholds = { everyday: 1, guarded: 1, vault: 1 };
    const change: Action = { kind: 'account.set-thresholds', thresholds };
    expect(world.refusal(owner, { actions: [change], signers: [session] })?.code).toBe(
      'weight-too-low',
    );
    world.commit();
    expect(world.refusal(owner, { actions: pay, signers: [session] })?.code).toBe('key-expired');
  });

  it('signature-invalid and signature-high-s', () => {
    const world = createWorld();
    const transaction = world.sign(ben, { actions: pay });
    const [good] = transaction.sender.signatures;
    if (good?.kind !== 'p256') throw new Error('Ben has a raw P-256 key');
    const forged = (signature: Uint8Array<ArrayBuffer>) =>
      world.verify({
        ...transaction,
        sender: { ...transaction.sender, signatures: [{ ...good, signature }] },
      });
    const wrong = signMessage(ben.pair, encodeUtf8('something else'));
    expect(forged(wrong)).toMatchObject({ ok: false, error: { code: 'signature-invalid' } });
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const s = BigInt(`0x${formatHex(good.signature.subarray(32))}`);
    const high = (order - s).toString(16).padStart(64, '0');
    const bytes = Uint8Array.from(high.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
    expect(forged(concatBytes(good.signature.subarray(0, 32), bytes))).toMatchObject({
      ok: false,
      error: { code: 'signature-high-s', signer: 'sender' },
    });
  });

  it('too-large and malformed', () => {
    const world = createWorld();
    expect(world.ledger.prepareTransaction(new Uint8Array(40_000))).toMatchObject({
      error: { code: 'too-large', bytes: 40_000, bytesMax: 32_768 },
    });
    expect(world.ledger.prepareTransaction(new Uint8Array(3))).toMatchObject({
      error: { code: 'malformed', reason: 'truncated' },
    });
    const { bytes } = world.prepare(anna, { actions: pay });
    const longer = concatBytes(bytes, Uint8Array.of(0));
    expect(world.ledger.prepareTransaction(longer)).toMatchObject({
      error: { code: 'malformed', reason: 'trailing-bytes' },
    });
  });
});

describe('preparing', () => {
  it('gives the same from bytes as from the value', () => {
    const world = createWorld();
    const fromValue = world.prepare(carla, { actions: [send(ben, 1)], sponsor: anna });
    const fromBytes = world.ledger.prepareTransaction(fromValue.bytes);
    expect(fromBytes).toEqual({ ok: true, value: fromValue });
    expect(fromValue.claims).toHaveLength(2);
    expect(fromValue.claims.every(verifySignature)).toBe(true);
  });

  it('gives the same from the bytes of a block', () => {
    const world = createWorld();
    const transactions = [anna, ben, carla].map((each) =>
      world.prepare(each, { actions: [send(nobody, 1)] }),
    );
    const parent = world.ledger.genesisHeader(new Uint8Array(32) as never);
    const header = world.ledger.buildHeader(parent, {
      timestampMs: world.place().timestampMs,
      proposer: new Uint8Array(32),
      transactions,
      results: world.ledger.genesisResults(new Uint8Array(32) as never),
    });
    const block = world.ledger.assembleBlock(header, transactions);
    const decoded = world.ledger.prepareBlock(world.ledger.encodeBlock(block));
    expect(decoded).toMatchObject({ ok: true, value: block });
  });
});

describe('candidates', () => {
  it('are included in order; invalid ones are named and left out', () => {
    const world = createWorld();
    const first = world.prepare(anna, { actions: [send(ben, 1)] });
    const gap = world.prepare(anna, { actions: [send(ben, 2)], change: { sequence: 2 as never } });
    const second = world.prepare(anna, {
      actions: [send(ben, 3)],
      change: { sequence: 1 as never },
    });
    const verdict = world.ledger.executeCandidates(world.state, world.place(), [
      gap,
      first,
      second,
      first,
    ]);
    if (verdict.kind !== 'executed') throw new Error('all is in memory');
    expect(verdict.included).toEqual([first, second]);
    expect(verdict.skipped.map(({ error }) => error.code)).toEqual([
      'sequence-gap',
      'sequence-used',
    ]);
    const { included: _included, skipped: _skipped, ...execution } = verdict;
    expect(world.execute(first, second)).toEqual(execution);
  });

  it('stop at the limits of a block', () => {
    const world = new TestWorld({
      balances: [anna, ben, carla].map(({ address }) => ({ address, amount: COIN })),
      consensus: { blockTransactionsMax: 2 },
    });
    const all = [anna, ben, carla].map((each) =>
      world.prepare(each, { actions: [send(nobody, 1)] }),
    );
    const verdict = world.ledger.executeCandidates(world.state, world.place(), all);
    expect(verdict).toMatchObject({ kind: 'executed', included: all.slice(0, 2) });
    expect(world.execute(...all)).toEqual({
      kind: 'invalid-block',
      error: { code: 'too-many-transactions', count: 3, countMax: 2 },
    });
  });

  it('stop at the bytes and the gas of a block', () => {
    const balances = [anna, ben].map(({ address }) => ({ address, amount: 1_000n * COIN }));
    const small = new TestWorld({ balances, consensus: { blockBytesMax: TRANSACTION_BYTES_MAX } });
    // Sixteen keys with four long origins each: more than half a block.
    const origins = [1, 2, 3, 4].map((at) => `https://${at}${'x'.repeat(255)}.test`);
    const { key } = passkeyPerson('any');
    const action = { kind: 'account.add-key', record: recordOf({ ...key, origins } as Key) };
    const long = {
      actions: Array.from({ length: 16 }, () => action),
      change: { gasLimit: gas(200_000), feeMax: amount(10n * COIN) },
    };
    const both = [anna, ben].map((each) => small.prepare(each, long));
    expect(small.execute(...both)).toMatchObject({ error: { code: 'block-too-large' } });
    expect(small.ledger.executeCandidates(small.state, small.place(), both)).toMatchObject({
      included: [both[0]],
    });
    const tight = new TestWorld({ balances, parameters: { blockGasMax: gas(1_000_000) } });
    const change = { gasLimit: gas(600_000), feeMax: amount(10n * COIN) };
    const heavy = [anna, ben].map((each) =>
      tight.prepare(each, { actions: [send(nobody, 1)], change }),
    );
    expect(tight.execute(...heavy)).toMatchObject({
      error: { code: 'block-gas-exceeded', index: 1 },
    });
    expect(tight.ledger.executeCandidates(tight.state, tight.place(), heavy)).toMatchObject({
      included: [heavy[0]],
    });
  });
});

describe('missing keys', () => {
  it('end execution with every key that is foreseeably needed, and a retry succeeds', () => {
    const world = createWorld();
    const transactions = [anna, ben].map((each) =>
      world.prepare(each, { actions: [send(nobody, 1)] }),
    );
    const loaded = new Set<string>();
    const view = {
      get(key: Uint8Array<ArrayBuffer>) {
        if (!loaded.has(key.join())) throw new MissingKey(key);
        return world.state.get(key);
      },
    };
    const place = world.place();
    let verdict = world.ledger.executeBlock(view, place, transactions);
    let rounds = 0;
    while (verdict.kind === 'missing-keys') {
      for (const key of verdict.keys) loaded.add(key.join());
      verdict = world.ledger.executeBlock(view, place, transactions);
      rounds += 1;
    }
    expect(verdict).toEqual(world.execute(...transactions));
    expect(rounds).toBe(1);
  });
});

describe('determinism', () => {
  it('gives the same for the same block, whatever the order in which the state was filled', () => {
    const world = createWorld();
    const transactions = [anna, ben, carla].map((each) =>
      world.prepare(each, { actions: [send(nobody, 3), send(anna, 1)] }),
    );
    const reversed = new TestState(
      [...world.state.values.values()].reverse().map(({ key, value }) => ({ key, value })),
    );
    const place = world.place();
    const verdict = world.execute(...transactions);
    expect(world.execute(...transactions)).toEqual(verdict);
    expect(world.ledger.executeBlock(reversed, place, transactions)).toEqual(verdict);
  });

  it('sorts changes by key and leaves out those without effect', () => {
    const world = createWorld();
    world.run(anna, { actions: [send(ben, 1)] });
    const { changes } = world.commit(world.prepare(anna, { actions: [send(ben, 1)] }));
    const keys = changes.map(({ key }) => formatHex(key));
    expect(keys).toEqual([...keys].sort());
    // Sequence, two balances, and the native asset that lost the fee: no policy again.
    expect(changes).toHaveLength(4);
  });

  it('has an empty block change nothing', () => {
    expect(createWorld().commit().changes).toEqual([]);
  });
});

describe('balances', () => {
  it('list the native asset first, also for an account that nobody used', () => {
    const world = createWorld();
    const [native, ...others] = readBalances(world.state, nobody.address);
    expect(native).toMatchObject({ asset: NATIVE_ASSET, amount: 0n, record: { symbol: 'TAB' } });
    expect(others).toEqual([]);
  });
});
