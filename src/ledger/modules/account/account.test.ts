import { describe, expect, it } from 'vitest';
import { encodeUtf8 } from '../../../base/index.ts';
import { findByCredential } from '../../read.ts';
import type { Person } from '../../testing/world.ts';
import {
  amount,
  gas,
  height,
  passkeyPerson,
  person,
  recordOf,
  TestWorld,
} from '../../testing/world.ts';
import type { Action, KeyHint, KeyPolicy, KeyRecord } from '../../types.ts';
import { sequences } from './schema.ts';

const anna = person('Anna');
const phone = passkeyPerson('phone');
const stick = passkeyPerson('stick');
const mallory = person('Mallory');
const COIN = 1_000_000n;

const hintOf = (name: string): KeyHint => ({
  credentialId: encodeUtf8(name),
  transports: ['usb'],
  label: name,
  isBackupEligible: undefined,
  isBackedUp: undefined,
});

function createWorld(...owners: readonly Person[]): TestWorld {
  const people = owners.length === 0 ? [anna, phone, mallory] : owners;
  return new TestWorld({
    balances: people.map(({ address }) => ({ address, amount: 100n * COIN })),
  });
}

const addKey = (record: KeyRecord, hint?: KeyHint): Action => ({
  kind: 'account.add-key',
  record,
  hint,
});
const keyId = (world: TestWorld, { key }: Person) => world.ledger.keyId(key);
const failure = (code: string) => ({ kind: 'failed', code, actionIndex: 0 });

describe('add-key', () => {
  it('lets the new key sign from then on', () => {
    const world = createWorld();
    const receipt = world.run(anna, { actions: [addKey(recordOf(stick.key), hintOf('stick'))] });
    expect(receipt.outcome.kind).toBe('succeeded');
    expect(receipt.logs.map(({ kind }) => kind)).toEqual(['account.key-added']);
    const account = world.ledger.readAccount(world.state, anna.address);
    expect(account.policy?.keys).toEqual([recordOf(anna.key), recordOf(stick.key)]);
    expect(account.hints).toEqual([{ keyId: keyId(world, stick), hint: hintOf('stick') }]);
    const actions = [addKey(recordOf(person('third').key))];
    expect(world.run(anna, { actions, signers: [stick] }).outcome.kind).toBe('succeeded');
  });

  it.each([
    ['key-exists', recordOf(anna.key)],
    ['key-expired', recordOf(stick.key, { expiresAt: height(0) })],
    ['weight-zero', recordOf(stick.key, { weight: 0 })],
    ['session-without-expiry', recordOf(stick.key, { role: 'session' })],
  ] as const)('refuses: %s', (code, record) => {
    expect(createWorld().run(anna, { actions: [addKey(record)] }).outcome).toEqual(failure(code));
  });

  it('refuses a key whose origins repeat', () => {
    const { key } = stick;
    if (key.kind !== 'webauthn-p256') throw new Error('a passkey');
    const twice = recordOf({ ...key, origins: ['http://a.test', 'http://a.test'] });
    const { outcome } = createWorld().run(anna, { actions: [addKey(twice)] });
    expect(outcome).toEqual(failure('duplicate-origin'));
  });

  it('refuses a seventeenth key', () => {
    const world = createWorld();
    const keys = Array.from({ length: 15 }, (_, at) => addKey(recordOf(person(`key ${at}`).key)));
    const change = { gasLimit: gas(50_000), feeMax: amount(COIN) };
    expect(world.run(anna, { actions: keys, change }).outcome.kind).toBe('succeeded');
    const { outcome } = world.run(anna, { actions: [addKey(recordOf(stick.key))] });
    expect(outcome).toEqual(failure('keys-too-many'));
  });
});

describe('revoke-key', () => {
  it('takes the key, its hint and its entry in the index away', () => {
    const world = createWorld();
    world.run(anna, { actions: [addKey(recordOf(stick.key), hintOf('stick'))] });
    const actions: Action[] = [{ kind: 'account.revoke-key', keyId: keyId(world, stick) }];
    expect(world.run(anna, { actions }).outcome.kind).toBe('succeeded');
    const account = world.ledger.readAccount(world.state, anna.address);
    expect(account.policy).toEqual(anna.policy);
    expect(account.hints).toEqual([]);
    expect(world.ledger.findByCredential(world.state, encodeUtf8('stick'))).toEqual([]);
    expect(world.refusal(anna, { actions, signers: [stick] })?.code).toBe('key-unknown');
  });

  it('refuses a dead end: the last key, or the weight that a threshold needs', () => {
    const world = createWorld();
    const revokeAnna: Action = { kind: 'account.revoke-key', keyId: keyId(world, anna) };
    expect(world.run(anna, { actions: [revokeAnna] }).outcome).toEqual(failure('dead-end'));
    world.run(anna, { actions: [addKey(recordOf(stick.key))] });
    const thresholds = { everyday: 1, guarded: 2, vault: 2 };
    const strict: Action = { kind: 'account.set-thresholds', thresholds };
    expect(world.run(anna, { actions: [strict] }).outcome.kind).toBe('succeeded');
    const draft = { actions: [revokeAnna], signers: [anna, stick] };
    expect(world.run(anna, draft).outcome).toEqual(failure('dead-end'));
  });

  it('refuses a key that only a temporary one would replace', () => {
    const world = createWorld();
    const temporary = recordOf(stick.key, { expiresAt: height(1_000) });
    world.run(anna, { actions: [addKey(temporary)] });
    const revokeAnna: Action = { kind: 'account.revoke-key', keyId: keyId(world, anna) };
    expect(world.run(anna, { actions: [revokeAnna] }).outcome).toEqual(failure('dead-end'));
  });

  it('refuses a key that the account does not have', () => {
    const world = createWorld();
    const actions: Action[] = [{ kind: 'account.revoke-key', keyId: keyId(world, stick) }];
    expect(world.run(anna, { actions }).outcome).toEqual(failure('key-unknown'));
  });
});

describe('set-thresholds', () => {
  it.each([
    ['threshold-zero', { everyday: 0, guarded: 1, vault: 1 }],
    ['dead-end', { everyday: 1, guarded: 1, vault: 2 }],
  ] as const)('refuses: %s', (code, thresholds) => {
    const actions: Action[] = [{ kind: 'account.set-thresholds', thresholds }];
    expect(createWorld().run(anna, { actions }).outcome).toEqual(failure(code));
  });
});

describe('changes of the policy', () => {
  const vaultAction: Action = {
    kind: 'parameters.set',
    changes: [{ kind: 'gas-price', gasPrice: amount(1) }],
  };
  const strict = { everyday: 1, guarded: 1, vault: 2 };
  const lower: Action = {
    kind: 'account.set-thresholds',
    thresholds: { everyday: 1, guarded: 1, vault: 1 },
  };

  it('take the highest threshold: one key of two cannot reach the vault by a detour', () => {
    const world = createWorld();
    const raise: Action = { kind: 'account.set-thresholds', thresholds: strict };
    world.run(anna, { actions: [addKey(recordOf(stick.key)), raise] });
    const refused = { code: 'weight-too-low', needed: 2, held: 1 };
    for (const action of [
      vaultAction,
      lower,
      addKey(recordOf(mallory.key, { weight: 255 })),
      { kind: 'account.revoke-key', keyId: keyId(world, stick) },
    ] satisfies Action[]) {
      expect(world.refusal(anna, { actions: [action] })).toMatchObject(refused);
    }
    const describe: Action = {
      kind: 'account.describe-key',
      keyId: keyId(world, anna),
      hint: hintOf('anna'),
    };
    expect(world.refusal(anna, { actions: [describe] })).toBeUndefined();
    const both = { actions: [lower], signers: [anna, stick] };
    expect(world.run(anna, both).outcome.kind).toBe('succeeded');
  });

  it('take the highest threshold also where the vault has a low one', () => {
    const world = createWorld();
    const odd: Action = {
      kind: 'account.set-thresholds',
      thresholds: { everyday: 1, guarded: 2, vault: 1 },
    };
    world.run(anna, { actions: [addKey(recordOf(stick.key)), odd] });
    for (const action of [lower, vaultAction]) {
      expect(world.refusal(anna, { actions: [action] })).toMatchObject({ needed: 2, held: 1 });
    }
  });

  it('count the weight of recovery keys, and no more than it', () => {
    const helper = person('helper');
    const policy: KeyPolicy = {
      keys: [recordOf(anna.key), recordOf(stick.key), recordOf(helper.key, { role: 'recovery' })],
      thresholds: strict,
    };
    const owner = { ...anna, policy, address: createWorld().ledger.addressOfPolicy(policy) };
    const world = createWorld(owner);
    const actions = [addKey(recordOf(person('new').key))];
    expect(world.refusal(owner, { actions, signers: [helper] })).toMatchObject({ needed: 2 });
    expect(world.refusal(owner, { actions, signers: [helper, anna] })).toBeUndefined();
  });
});

describe('classes and roles', () => {
  it('let a recovery key change keys, and do nothing else', () => {
    const helper = person('helper');
    const policy: KeyPolicy = {
      keys: [recordOf(anna.key), recordOf(helper.key, { role: 'recovery' })],
      thresholds: { everyday: 1, guarded: 1, vault: 1 },
    };
    const address = createWorld().ledger.addressOfPolicy(policy);
    const owner = { ...anna, policy, address };
    const world = createWorld(owner);
    const rescue = { actions: [addKey(recordOf(stick.key))], signers: [helper] };
    expect(world.refusal(owner, rescue)).toBeUndefined();
    const hint: Action = {
      kind: 'account.describe-key',
      keyId: keyId(world, anna),
      hint: hintOf('anna'),
    };
    expect(world.refusal(owner, { actions: [hint], signers: [helper] })?.code).toBe(
      'weight-too-low',
    );
    const mixed = { actions: [...rescue.actions, hint], signers: [helper] };
    expect(world.refusal(owner, mixed)?.code).toBe('weight-too-low');
  });
});

describe('describe-key and the index of credentials', () => {
  const describeKey = (world: TestWorld, owner: Person, name: string): Action => ({
    kind: 'account.describe-key',
    keyId: keyId(world, owner),
    hint: hintOf(name),
  });

  it('makes a key findable, proven because it signed, with backup flags as seen', () => {
    const world = createWorld();
    const actions = [describeKey(world, phone, 'phone')];
    world.run(phone, { actions, assertion: { flags: 0x0d } });
    expect(findByCredential(world.ledger.suite, world.state, encodeUtf8('phone'))).toEqual([
      { address: phone.address, keyId: keyId(world, phone), isProven: true },
    ]);
    const hints = () => world.ledger.readAccount(world.state, phone.address).hints[0]?.hint;
    expect(hints()).toMatchObject({ isBackupEligible: true, isBackedUp: false });
    world.run(phone, { actions, assertion: { flags: 0x1d } });
    expect(hints()).toMatchObject({ isBackupEligible: true, isBackedUp: true });
  });

  it('moves the entry when the credential id changes', () => {
    const world = createWorld();
    world.run(phone, { actions: [describeKey(world, phone, 'old')] });
    world.run(phone, { actions: [describeKey(world, phone, 'new')] });
    expect(world.ledger.findByCredential(world.state, encodeUtf8('old'))).toEqual([]);
    expect(world.ledger.findByCredential(world.state, encodeUtf8('new'))).toHaveLength(1);
  });

  it('lists an added key as unproven until it signs', () => {
    const world = createWorld();
    world.run(anna, { actions: [addKey(recordOf(stick.key), hintOf('stick'))] });
    const found = () => world.ledger.findByCredential(world.state, encodeUtf8('stick'));
    expect(found()).toMatchObject([{ address: anna.address, isProven: false }]);
    const actions = [addKey(recordOf(person('other').key))];
    world.run(anna, { actions, signers: [stick] });
    expect(found()).toMatchObject([{ address: anna.address, isProven: true }]);
  });

  it('puts proven claims before those of squatters, and keeps the list short', () => {
    const squatters = Array.from({ length: 9 }, (_, at) => person(`squatter ${at}`));
    const world = createWorld(phone, ...squatters);
    for (const squatter of squatters) {
      world.run(squatter, { actions: [addKey(recordOf(stick.key), hintOf('phone'))] });
    }
    world.run(phone, { actions: [describeKey(world, phone, 'phone')] });
    const found = world.ledger.findByCredential(world.state, encodeUtf8('phone'));
    expect(found).toHaveLength(8);
    expect(found[0]).toMatchObject({ address: phone.address, isProven: true });
    expect(found.slice(1).every(({ isProven }) => !isProven)).toBe(true);
  });

  it('refuses a key that the account does not have', () => {
    const world = createWorld();
    const actions = [describeKey(world, phone, 'phone')];
    expect(world.run(anna, { actions }).outcome).toEqual(failure('key-unknown'));
  });
});

describe('a policy shown for the first time', () => {
  it('is remembered even when the actions fail', () => {
    const world = createWorld();
    const actions: Action[] = [{ kind: 'account.revoke-key', keyId: keyId(world, stick) }];
    world.run(anna, { actions });
    expect(world.ledger.readAccount(world.state, anna.address).policy).toEqual(anna.policy);
    expect(sequences.get(world.state, anna.address)).toBe(1);
  });

  it('is history once the account has a record', () => {
    const world = createWorld();
    world.run(anna, { actions: [addKey(recordOf(stick.key))] });
    const actions: Action[] = [{ kind: 'account.revoke-key', keyId: keyId(world, anna) }];
    world.run(anna, { actions });
    const draft = { actions, initialPolicy: anna.policy };
    expect(world.refusal(anna, draft)?.code).toBe('key-unknown');
  });
});
