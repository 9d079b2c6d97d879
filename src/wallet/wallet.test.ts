import { beforeEach, describe, expect, test } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { equalBytes, formatHex, timestampMs } from '../base/index.ts';
import { decode } from '../codec/index.ts';
import type { Hash } from '../crypto/index.ts';
import { sha256, ZERO_HASH } from '../crypto/index.ts';
import type { Action, Address } from '../ledger/index.ts';
import { NATIVE_ASSET, protocol } from '../ledger/index.ts';
import type { SoftwareAuthenticator } from './authenticator.fixture.ts';
import { createSoftwareAuthenticator } from './authenticator.fixture.ts';
import * as room from './index.ts';
import { createMemoryWalletStorage, createWallet, initialPolicyFor } from './index.ts';
import type { LedgerClient } from './ledger-client.fixture.ts';
import { coins, createLedgerClient } from './ledger-client.fixture.ts';
import type { KeyKind, LocalAccount, TransactionProgress, Wallet } from './types.ts';

const ORIGIN = 'https://wallet.example';
const RP_ID = 'wallet.example';
const BEN = sha256(Uint8Array.of(1)) as unknown as Address; // Any 32 bytes are an address.

let authenticator: SoftwareAuthenticator;
let clock: number;

function walletOn(client: LedgerClient, storage = createMemoryWalletStorage()): Wallet {
  const now = () => timestampMs(++clock);
  const credentials = authenticator;
  return createWallet({ client, storage, origin: ORIGIN, rpId: RP_ID, credentials, now });
}

/** A wallet with one account, on a network where it owns 100 coins. */
async function funded(kind: KeyKind = 'passkey') {
  const storage = createMemoryWalletStorage();
  // The address depends on the key alone, so it can be made before the network.
  const account = await walletOn(createLedgerClient([]), storage).createAccount({
    kind,
    label: 'Anna',
  });
  const client = createLedgerClient([{ address: account.address, amount: coins(100) }]);
  return { wallet: walletOn(client, storage), client, storage, account };
}

const transfer = (amount: number, recipient: Address = BEN): Action => ({
  kind: 'asset.transfer',
  asset: NATIVE_ASSET,
  recipient,
  amount: coins(amount),
});

async function pay(wallet: Wallet, account: LocalAccount, actions: readonly Action[]) {
  const prepared = await wallet.prepare({ account, actions });
  const signed = await wallet.sign(prepared);
  await wallet.submit(signed);
  return { prepared, signed };
}

/** The account as the wallet knows it now. */
function current(wallet: Wallet, { address }: LocalAccount): LocalAccount {
  const account = wallet.accounts().find((each) => equalBytes(each.address, address));
  if (account === undefined) throw new Error('the wallet forgot the account');
  return account;
}

function stagesOf(wallet: Wallet): readonly string[] {
  return wallet.state().transactions[0]?.steps.map(({ stage }) => stage) ?? [];
}

beforeEach(() => {
  authenticator = createSoftwareAuthenticator(ORIGIN);
  clock = 1_800_000_000_000;
});

describe('creating an account', () => {
  test('takes one prompt, needs no transaction, and gives the address of the first policy', async () => {
    const client = createLedgerClient([]);
    const wallet = walletOn(client);
    const account = await wallet.createAccount({ kind: 'passkey', label: 'Anna' });
    expect(authenticator.prompts.map(({ kind }) => kind)).toEqual(['create']);
    const publicKey = authenticator.keys[0]?.pair.publicKey ?? new Uint8Array();
    const policy = initialPolicyFor(publicKey, { rpId: RP_ID, origin: ORIGIN });
    expect(account.initialPolicy).toEqual(policy);
    expect(account.address).toEqual(client.ledger.addressOfPolicy(policy));
    expect(account.keys[0]).toMatchObject({
      kind: 'passkey',
      transports: ['internal'],
      origins: [ORIGIN],
      isBackupEligible: true,
    });
    expect(wallet.activeAccount()).toEqual(account);
  });

  test('asks a passkey to be discoverable, and a security key to keep nothing', async () => {
    const wallet = walletOn(createLedgerClient([]));
    await wallet.createAccount({ kind: 'passkey', label: 'A' });
    await wallet.createAccount({ kind: 'security-key', label: 'B' });
    const selections = authenticator.prompts.map(({ options }) =>
      'authenticatorSelection' in options ? options.authenticatorSelection : undefined,
    );
    expect(selections).toMatchObject([
      { residentKey: 'required', userVerification: 'preferred' },
      { residentKey: 'discouraged', authenticatorAttachment: 'cross-platform' },
    ]);
    expect(wallet.accounts().map(({ keys }) => keys[0]?.transports)).toEqual([
      ['internal'],
      ['usb', 'nfc'],
    ]);
  });

  test('a closed prompt, a page of another origin, and no WebAuthn at all are named', async () => {
    const client = createLedgerClient([]);
    const wallet = walletOn(client);
    const create = () => wallet.createAccount({ kind: 'passkey', label: 'Anna' });
    authenticator.prank({ kind: 'throw', name: 'NotAllowedError' });
    await expect(create()).rejects.toMatchObject({ code: 'prompt-cancelled' });
    authenticator.prank({ kind: 'throw', name: 'SecurityError' });
    await expect(create()).rejects.toMatchObject({ code: 'webauthn-unavailable' });
    authenticator.prank({ kind: 'origin', origin: 'https://evil.example' });
    await expect(create()).rejects.toMatchObject({ code: 'authenticator-answer-malformed' });
    const signal = AbortSignal.abort();
    await expect(
      wallet.createAccount({ kind: 'passkey', label: 'Anna', signal }),
    ).rejects.toMatchObject({ code: 'aborted' });
    const storage = createMemoryWalletStorage();
    const dependencies = { client, storage, origin: ORIGIN, rpId: RP_ID };
    const blind = createWallet({ ...dependencies, credentials: undefined });
    await expect(
      blind.createAccount({ kind: 'passkey', label: 'Anna' }),
    ).rejects.toMatchObject({ code: 'webauthn-unavailable' });
    expect(wallet.accounts()).toEqual([]);
  });
});

describe('paying', () => {
  test('goes from the sheet to final, and the ledger agrees with what was shown', async () => {
    const { wallet, client, account } = await funded();
    const { prepared, signed } = await pay(wallet, account, [transfer(20)]);
    expect(prepared.summary[0]).toEqual({
      kind: 'asset.transfer',
      title: 'send',
      fields: [
        { name: 'asset', value: { kind: 'text', text: `TAB (${'00'.repeat(32)})` } },
        { name: 'recipient', value: { kind: 'address', address: BEN } },
        {
          name: 'amount',
          value: {
            kind: 'amount',
            amount: coins(20),
            asset: NATIVE_ASSET,
            symbol: 'TAB',
            decimals: 6,
          },
        },
      ],
    });
    expect(prepared.simulation.outcome).toEqual({ kind: 'succeeded' });
    expect(prepared.signingCode).toMatch(/^[0-9A-Z]{3}-[0-9A-Z]{3}$/);
    expect(stagesOf(wallet)).toEqual(['signed', 'seen']);
    client.mine();
    expect(stagesOf(wallet)).toEqual(['signed', 'seen', 'included', 'final']);
    expect(client.balance(BEN)).toBe(coins(20));
    const own = prepared.simulation.changes.find(({ address }) =>
      equalBytes(address, account.address),
    );
    expect(client.balance(account.address)).toBe(own?.after);
    expect(prepared.body.feeMax).toBeGreaterThanOrEqual(prepared.simulation.fee);
    expect(formatHex(signed.transactionId)).toBe(
      formatHex(client.ledger.transactionId(prepared.bytes)),
    );
  });

  test('the challenge is the signing hash of the very bytes', async () => {
    const { wallet, client, account } = await funded();
    const prepared = await wallet.prepare({ account, actions: [transfer(1)] });
    await wallet.sign(prepared);
    const prompt = authenticator.prompts.at(-1);
    const challenge = new Uint8Array(prompt?.options.challenge as Uint8Array);
    expect(challenge).toEqual(new Uint8Array(client.ledger.signingHash(prepared.bytes)));
    const decoded = decode(protocol.codecs.body, prepared.bytes);
    expect(decoded.ok && decoded.value).toEqual(prepared.body);
  });

  test('the first transaction describes the key, later ones do not', async () => {
    const { wallet, client, account } = await funded('security-key');
    const first = await pay(wallet, account, [transfer(1)]);
    expect(first.prepared.summary.map(({ kind }) => kind)).toEqual([
      'asset.transfer',
      'account.describe-key',
    ]);
    expect(first.prepared.hasAddedDescription).toBe(true);
    client.mine();
    const second = await pay(wallet, account, [transfer(1)]);
    expect(second.prepared.summary.map(({ kind }) => kind)).toEqual(['asset.transfer']);
    client.mine();
    expect(stagesOf(wallet).at(-1)).toBe('final');
  });

  test('several payments may be on their way', async () => {
    const { wallet, client, account } = await funded();
    await pay(wallet, account, [transfer(1)]);
    client.mine();
    for (let count = 0; count < 3; count++) await pay(wallet, account, [transfer(1)]);
    expect(wallet.state().transactions).toHaveLength(4);
    client.mine();
    expect(wallet.state().transactions.map(({ stage }) => stage)).toEqual([
      'final',
      'final',
      'final',
      'final',
    ]);
  });

  test('what the ledger would refuse is not put before a person', async () => {
    const { wallet, account } = await funded();
    const poor = await walletOn(createLedgerClient([])).createAccount({
      kind: 'passkey',
      label: 'Poor',
    });
    await expect(
      wallet.prepare({ account: poor, actions: [transfer(1)] }),
    ).rejects.toMatchObject({ code: 'insufficient-balance' });
    await expect(wallet.prepare({ account, actions: [] })).rejects.toMatchObject({
      code: 'actions-count-wrong',
    });
    const memo = 'é'.repeat(200);
    await expect(
      wallet.prepare({ account, actions: [transfer(1)], memo }),
    ).rejects.toMatchObject({ code: 'memo-too-long' });
  });

  test('an action that would fail is shown as failing', async () => {
    const { wallet, account } = await funded();
    const prepared = await wallet.prepare({ account, actions: [transfer(5_000)] });
    expect(prepared.simulation.outcome).toMatchObject({ kind: 'failed', actionIndex: 0 });
  });

  test('a changed body is never signed', async () => {
    const { wallet, account } = await funded();
    const prepared = await wallet.prepare({ account, actions: [transfer(1)] });
    const actions = [transfer(99)];
    const changed = { ...prepared, body: { ...prepared.body, actions } };
    await expect(wallet.sign(changed)).rejects.toMatchObject({ code: 'signature-invalid' });
    expect(authenticator.prompts.filter(({ kind }) => kind === 'get')).toEqual([]);
  });

  test('a signature by another key, or on another page, is never sent', async () => {
    const { wallet, account } = await funded();
    const prepared = await wallet.prepare({ account, actions: [transfer(1)] });
    await walletOn(createLedgerClient([])).createAccount({ kind: 'passkey', label: 'Other' });
    const other = authenticator.keys[1];
    if (other === undefined) throw new Error('no second key');
    authenticator.prank({ kind: 'sign-with', key: other });
    await expect(wallet.sign(prepared)).rejects.toMatchObject({ code: 'signature-invalid' });
    authenticator.prank({ kind: 'origin', origin: 'https://sub.wallet.example' });
    await expect(wallet.sign(prepared)).rejects.toMatchObject({
      code: 'signature-invalid',
      facts: { reason: 'origin-not-allowed' },
    });
    authenticator.prank({ kind: 'throw', name: 'AbortError' });
    await expect(wallet.sign(prepared)).rejects.toMatchObject({ code: 'prompt-cancelled' });
    expect(wallet.state().transactions).toEqual([]);
  });

  test('a refusal by the ledger ends as failed, a failure in a block names its action', async () => {
    const { wallet, client, account } = await funded();
    const doomed = await wallet.sign(await wallet.prepare({ account, actions: [transfer(1)] }));
    await pay(wallet, account, [transfer(2)]);
    client.mine();
    await expect(wallet.submit(doomed)).rejects.toMatchObject({ code: 'sequence-used' });
    const refused = wallet
      .state()
      .transactions.find((each) => equalBytes(each.transactionId, doomed.transactionId));
    expect(refused).toMatchObject({ stage: 'failed', failure: { code: 'sequence-used' } });

    await pay(wallet, account, [transfer(1), transfer(5_000)]);
    client.mine();
    expect(wallet.state().transactions[0]).toMatchObject({
      stage: 'failed',
      failure: { actionIndex: 1 },
    });
  });

  test('what no node knows any more has expired once its window is over', async () => {
    const { wallet, client, account } = await funded();
    const { prepared } = await pay(wallet, account, [transfer(1)]);
    const reports: TransactionProgress[] = [];
    wallet.track(prepared.transactionId, (progress) => reports.push(progress));
    client.drop();
    client.mine(120);
    await Promise.resolve();
    expect(reports.at(-1)?.stage).toBe('seen');
    client.mine(1);
    await Promise.resolve();
    await Promise.resolve();
    expect(reports.at(-1)?.stage).toBe('expired');
    expect(reports.map(({ stage }) => stage)).toEqual(['seen', 'expired']);
  });

  test('a sponsor of this browser pays the fee and signs too', async () => {
    const { wallet, client, account, storage } = await funded();
    const guest = await walletOn(client, storage).createAccount({
      kind: 'security-key',
      label: 'Guest',
    });
    await pay(wallet, account, [transfer(10, guest.address)]);
    client.mine();
    const before = client.balance(guest.address);
    const prepared = await wallet.prepare({
      account: guest,
      actions: [transfer(10)],
      sponsor: account.address,
    });
    await wallet.submit(await wallet.sign(prepared));
    client.mine();
    expect(stagesOf(wallet).at(-1)).toBe('final');
    expect(client.balance(guest.address)).toBe(before - coins(10));
    const stranger = await wallet.prepare({
      account: guest,
      actions: [transfer(0)],
      sponsor: account.address,
    });
    wallet.forgetAccount(account.address);
    await expect(wallet.sign(stranger)).rejects.toMatchObject({ code: 'sponsor-unavailable' });
  });
});

describe('signing in on a fresh browser', () => {
  test('by a passkey that the ledger knows: one prompt', async () => {
    const { wallet, client, account } = await funded();
    await pay(wallet, account, [transfer(1)]);
    client.mine();
    const fresh = walletOn(client);
    const promptsBefore = authenticator.prompts.length;
    const found = await fresh.signInWithPasskey();
    expect(found).toMatchObject({ address: account.address, isOnLedger: true, name: 'Anna' });
    expect(authenticator.prompts).toHaveLength(promptsBefore + 1);
    await pay(fresh, found, [transfer(1)]);
    client.mine();
    expect(client.balance(BEN)).toBe(coins(2));
  });

  test('by a passkey that only ever received: recovered from two assertions', async () => {
    const { client, account } = await funded();
    const fresh = walletOn(client);
    let isExplained = false;
    const found = await fresh.signInWithPasskey({
      onSecondPrompt: () => {
        isExplained = true;
      },
    });
    expect(isExplained).toBe(true);
    expect(found).toMatchObject({ address: account.address, isOnLedger: false });
    expect(found.initialPolicy).toEqual(account.initialPolicy);
    await pay(fresh, found, [transfer(3)]);
    client.mine();
    expect(client.balance(BEN)).toBe(coins(3));
  });

  test('two assertions by different keys recover nothing', async () => {
    const { client } = await funded();
    await walletOn(client).createAccount({ kind: 'security-key', label: 'Other' });
    const other = authenticator.keys[1];
    if (other === undefined) throw new Error('no second key');
    const fresh = walletOn(client);
    const onSecondPrompt = () => authenticator.prank({ kind: 'sign-with', key: other });
    await expect(fresh.signInWithPasskey({ onSecondPrompt })).rejects.toMatchObject({
      code: 'recovery-failed',
    });
  });

  test('by address and security key, with the hints that the ledger keeps', async () => {
    const { wallet, client, account } = await funded('security-key');
    await pay(wallet, account, [transfer(1)]);
    client.mine();
    const fresh = walletOn(client);
    const found = await fresh.signInWithAddress(account.address);
    expect(found.keys[0]).toMatchObject({ kind: 'security-key', transports: ['usb', 'nfc'] });
    const prompt = authenticator.prompts.at(-1);
    expect(prompt?.options).toMatchObject({ allowCredentials: [{ transports: ['usb', 'nfc'] }] });
    await pay(fresh, found, [transfer(1)]);
    client.mine();
    expect(client.balance(BEN)).toBe(coins(2));
  });

  test('an address without a record, or of another site, is refused by name', async () => {
    const { wallet, client, account, storage } = await funded();
    const fresh = walletOn(client);
    await expect(fresh.signInWithAddress(BEN)).rejects.toMatchObject({
      code: 'account-not-found',
    });
    await pay(wallet, account, [transfer(1)]);
    client.mine();
    const elsewhere = createWallet({
      client,
      storage: createMemoryWalletStorage(),
      origin: 'https://other.example',
      rpId: 'other.example',
      credentials: authenticator,
    });
    await expect(elsewhere.signInWithAddress(account.address)).rejects.toMatchObject({
      code: 'origin-not-allowed',
    });
    expect(walletOn(client, storage).accounts()).toHaveLength(1);
  });

  test('an account that claims a credential without its key is not entered', async () => {
    const { wallet, client, account } = await funded('security-key');
    const victim = await walletOn(client).createAccount({ kind: 'passkey', label: 'Victim' });
    const [own] = account.keys;
    const [stolen] = victim.keys;
    if (own === undefined || stolen === undefined) throw new Error('no keys');
    await pay(wallet, account, [
      {
        kind: 'account.describe-key',
        keyId: own.keyId,
        hint: {
          credentialId: stolen.credentialId,
          transports: [],
          label: 'mine now',
          isBackupEligible: undefined,
          isBackedUp: undefined,
        },
      },
    ]);
    client.mine();
    const found = await walletOn(client).signInWithPasskey();
    expect(found.address).toEqual(victim.address);
  });
});

describe('keys', () => {
  async function withTwoKeys() {
    const made = await funded();
    const { wallet, client, account } = made;
    const added = await wallet.addKey(account, { kind: 'security-key', label: 'Stick' });
    await pay(wallet, account, [added.action]);
    client.mine();
    await wallet.keepKey(account, added.key);
    return { ...made, added };
  }

  test('a second key is made, tested, put on the ledger, and signs', async () => {
    const { wallet, client, account, added } = await withTwoKeys();
    expect(authenticator.prompts.map(({ kind }) => kind)).toEqual([
      'create',
      'create',
      'get', // The test of the new key.
      'get', // The transaction, by the old one.
    ]);
    expect(authenticator.prompts[1]?.options).toMatchObject({ excludeCredentials: [{}] });
    expect(added.losses.map(({ lost }) => lost)).toEqual([[], []]);
    const known = current(wallet, account);
    expect(known.keys.map(({ label }) => label)).toEqual(['Anna', 'Stick']);
    expect(known.isOnLedger).toBe(true);

    const fresh = walletOn(client);
    const found = await fresh.signInWithAddress(account.address);
    expect(found.keys).toHaveLength(2);
    await pay(fresh, found, [transfer(1)]);
    client.mine();
    expect(client.balance(BEN)).toBe(coins(1));
  });

  test('a device that holds a key of the account makes no second one', async () => {
    const { wallet, account } = await funded();
    await expect(
      wallet.addKey(account, { kind: 'passkey', label: 'Again' }),
    ).rejects.toMatchObject({ code: 'key-exists' });
  });

  test('a new key that does not sign is not offered to the ledger', async () => {
    const { wallet, account } = await funded();
    authenticator.prank({ kind: 'origin', origin: ORIGIN }); // The creation goes well.
    authenticator.prank({ kind: 'throw', name: 'NotAllowedError' });
    await expect(
      wallet.addKey(account, { kind: 'security-key', label: 'Bad' }),
    ).rejects.toMatchObject({ code: 'prompt-cancelled' });
    expect(current(wallet, account).keys).toHaveLength(1);
  });

  test('a revoked key is gone from the ledger and from here', async () => {
    const { wallet, client, account, added } = await withTwoKeys();
    const known = current(wallet, account);
    const { action, losses } = await wallet.revokeKey(known, added.key.keyId);
    // One key is left: whoever loses it loses everything, and is told so.
    expect(losses.map(({ lost }) => lost)).toEqual([['everyday', 'guarded', 'vault']]);
    const prepared = await wallet.prepare({ account: known, actions: [action] });
    expect(prepared.actionClass).toBe('guarded');
    await wallet.submit(await wallet.sign(prepared));
    client.mine();
    const refreshed = await wallet.refreshAccount(known);
    expect(refreshed.keys.map(({ label }) => label)).toEqual(['Anna']);
  });

  test('revoking the last key, or one that is not there, is refused', async () => {
    const { wallet, account } = await funded();
    const keyId = account.keys[0]?.keyId ?? ZERO_HASH;
    await expect(
      wallet.revokeKey(account, keyId),
    ).rejects.toMatchObject({ code: 'dead-end-policy' });
    await expect(
      wallet.revokeKey(account, sha256(Uint8Array.of(3)) as Bytes as Hash),
    ).rejects.toMatchObject({ code: 'key-unknown' });
  });

  test('two keys that are both needed give two prompts', async () => {
    const { wallet, client, account } = await withTwoKeys();
    const thresholds = { everyday: 1, guarded: 2, vault: 2 };
    const known = current(wallet, account);
    await pay(wallet, known, [{ kind: 'account.set-thresholds', thresholds }]);
    client.mine();
    const promptsBefore = authenticator.prompts.length;
    const lower = { everyday: 1, guarded: 1, vault: 2 };
    await pay(wallet, known, [{ kind: 'account.set-thresholds', thresholds: lower }]);
    expect(authenticator.prompts).toHaveLength(promptsBefore + 2);
    client.mine();
    expect(stagesOf(wallet).at(-1)).toBe('final');
  });
});

describe('what is kept in the browser', () => {
  test('accounts and contacts survive a reload, and other tabs see them', async () => {
    const { wallet, client, storage, account } = await funded();
    wallet.saveContact({ name: 'Ben', address: BEN });
    const seen: number[] = [];
    const second = walletOn(client, storage);
    second.subscribe((state) => seen.push(state.contacts.length));
    expect(second.accounts()).toEqual(wallet.accounts());
    expect(second.contacts()).toEqual([{ name: 'Ben', address: BEN }]);
    wallet.removeContact(BEN);
    expect(seen.at(-1)).toBe(0);
    wallet.renameAccount(account.address, 'Anna B.');
    expect(second.activeAccount()?.name).toBe('Anna B.');
    second.stop();
    wallet.saveContact({ name: 'Ben', address: BEN });
    expect(seen.at(-1)).toBe(0);
  });

  test('an export goes into another browser; damaged text changes nothing', async () => {
    const { wallet, client } = await funded();
    wallet.saveContact({ name: 'Ben', address: BEN });
    const other = walletOn(client);
    const text = wallet.exportData();
    other.importData(text);
    expect(other.accounts()).toEqual(wallet.accounts());
    expect(other.contacts()).toEqual(wallet.contacts());
    for (const bad of ['', '{}', text.slice(0, -2), text.replace('"version": 1', '"version": 2')]) {
      expect(() => other.importData(bad)).toThrow(
        expect.objectContaining({ code: 'import-malformed' }),
      );
    }
    expect(other.accounts()).toHaveLength(1);
  });

  test('a note that cannot be read leaves an empty wallet, not a broken one', () => {
    const wallet = walletOn(createLedgerClient([]), createMemoryWalletStorage('{"version":9}'));
    expect(wallet.state()).toMatchObject({ accounts: [], activeAccount: undefined });
  });

  test('an address that only resembles a known one is called out', async () => {
    const { wallet, account } = await funded();
    expect(wallet.resemblesKnown(account.address)).toBeUndefined();
    expect(wallet.resemblesKnown(BEN)).toBeUndefined();
  });

  test('empty and long names are refused', async () => {
    const { wallet, account } = await funded();
    for (const name of ['', 'x'.repeat(65)]) {
      expect(() => wallet.renameAccount(account.address, name)).toThrow(
        expect.objectContaining({ code: 'name-too-long' }),
      );
      expect(() => wallet.saveContact({ name, address: BEN })).toThrow(
        expect.objectContaining({ code: 'name-too-long' }),
      );
    }
  });
});

test('the room opens these doors and no others', () => {
  expect(Object.keys(room).sort()).toMatchInlineSnapshot(`
    [
      "createLocalWalletStorage",
      "createMemoryWalletStorage",
      "createWallet",
      "findLookalike",
      "formatAmount",
      "initialPolicyFor",
      "keyLosses",
      "parseAmount",
      "signingCodeOf",
      "walletClientOf",
    ]
  `);
});
