import { beforeEach, describe, expect, test } from 'vitest';
import { defined, equalBytes, formatHex } from '../base/index.ts';
import { decode } from '../codec/index.ts';
import type { KeyHint } from '../ledger/index.ts';
import { NATIVE_ASSET, protocol } from '../ledger/index.ts';
import * as room from './index.ts';
import { createMemoryWalletStorage, createWallet, initialPolicyFor } from './index.ts';
import { coins, createLedgerClient } from './ledger-client.fixture.ts';
import type { Page } from './page.fixture.ts';
import { BEN, createPage, ORIGIN, pay, RP_ID, stagesOf, transfer } from './page.fixture.ts';
import type { TransactionProgress } from './types.ts';

let page: Page;
beforeEach(() => {
  page = createPage();
});

describe('creating an account', () => {
  test('takes one prompt, needs no transaction, and gives the address of the first policy', async () => {
    const client = createLedgerClient([]);
    const wallet = page.walletOn(client);
    const account = await wallet.createAccount({ kind: 'passkey', label: 'Anna' });
    expect(page.authenticator.prompts.map(({ kind }) => kind)).toEqual(['create']);
    const publicKey = page.authenticator.keys[0]?.pair.publicKey ?? new Uint8Array();
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
    const wallet = page.walletOn(createLedgerClient([]));
    await wallet.createAccount({ kind: 'passkey', label: 'A' });
    await wallet.createAccount({ kind: 'security-key', label: 'B' });
    const selections = page.authenticator.prompts.map(({ options }) =>
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
    const wallet = page.walletOn(client);
    const create = () => wallet.createAccount({ kind: 'passkey', label: 'Anna' });
    page.authenticator.prank({ kind: 'throw', name: 'NotAllowedError' });
    await expect(create()).rejects.toMatchObject({ code: 'prompt-cancelled' });
    page.authenticator.prank({ kind: 'throw', name: 'SecurityError' });
    await expect(create()).rejects.toMatchObject({ code: 'webauthn-unavailable' });
    page.authenticator.prank({ kind: 'origin', origin: 'https://evil.example' });
    await expect(create()).rejects.toMatchObject({ code: 'authenticator-answer-malformed' });
    const signal = AbortSignal.abort();
    await expect(
      wallet.createAccount({ kind: 'passkey', label: 'Anna', signal }),
    ).rejects.toMatchObject({ code: 'aborted' });
    const storage = createMemoryWalletStorage();
    const dependencies = { client, storage, origin: ORIGIN, rpId: RP_ID };
    const blind = createWallet({ ...dependencies, credentials: undefined });
    await expect(blind.createAccount({ kind: 'passkey', label: 'Anna' })).rejects.toMatchObject({
      code: 'webauthn-unavailable',
    });
    expect(wallet.accounts()).toEqual([]);
  });
});

describe('paying', () => {
  test('goes from the sheet to final, and the ledger agrees with what was shown', async () => {
    const { wallet, client, account } = await page.funded();
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
    const { wallet, client, account } = await page.funded();
    const prepared = await wallet.prepare({ account, actions: [transfer(1)] });
    await wallet.sign(prepared);
    const prompt = page.authenticator.prompts.at(-1);
    const challenge = new Uint8Array(prompt?.options.challenge as Uint8Array);
    expect(challenge).toEqual(new Uint8Array(client.ledger.signingHash(prepared.bytes)));
    const decoded = decode(protocol.codecs.body, prepared.bytes);
    expect(decoded.ok && decoded.value).toEqual(prepared.body);
  });

  test('the first transaction describes the key, later ones do not', async () => {
    const { wallet, client, account } = await page.funded('security-key');
    const first = await pay(wallet, account, [transfer(1)]);
    expect(first.prepared.summary.map(({ kind }) => kind)).toEqual([
      'asset.transfer',
      'account.describe-key',
    ]);
    expect(first.prepared.hasAddedDescription).toBe(true);
    // Nothing of what becomes public is hidden behind the label.
    const [, described] = first.prepared.body.actions;
    // The schema of `account.describe-key` says what its hint is.
    const hint = defined(described, 'the description').hint as KeyHint;
    const { credentialId, transports, label } = hint;
    const field = first.prepared.summary[1]?.fields.find(({ name }) => name === 'hint');
    const shown = field?.value.kind === 'text' ? field.value.text : '';
    expect(transports.length).toBeGreaterThan(0);
    for (const part of [label, formatHex(credentialId.slice(0, 16)), ...transports, 'isBackedUp']) {
      expect(shown).toContain(part);
    }
    client.mine();
    const second = await pay(wallet, account, [transfer(1)]);
    expect(second.prepared.summary.map(({ kind }) => kind)).toEqual(['asset.transfer']);
    client.mine();
    expect(stagesOf(wallet).at(-1)).toBe('final');
  });

  test('several payments may be on their way', async () => {
    const { wallet, client, account } = await page.funded();
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
    const { wallet, account } = await page.funded();
    const poor = await page.walletOn(createLedgerClient([])).createAccount({
      kind: 'passkey',
      label: 'Poor',
    });
    await expect(wallet.prepare({ account: poor, actions: [transfer(1)] })).rejects.toMatchObject({
      code: 'insufficient-balance',
    });
    await expect(wallet.prepare({ account, actions: [] })).rejects.toMatchObject({
      code: 'actions-count-wrong',
    });
    const memo = 'é'.repeat(200);
    await expect(wallet.prepare({ account, actions: [transfer(1)], memo })).rejects.toMatchObject({
      code: 'memo-too-long',
    });
  });

  test('an action that would fail is shown as failing', async () => {
    const { wallet, account } = await page.funded();
    const prepared = await wallet.prepare({ account, actions: [transfer(5_000)] });
    expect(prepared.simulation.outcome).toMatchObject({ kind: 'failed', actionIndex: 0 });
  });

  test('a changed body is never signed', async () => {
    const { wallet, account } = await page.funded();
    const prepared = await wallet.prepare({ account, actions: [transfer(1)] });
    const actions = [transfer(99)];
    const changed = { ...prepared, body: { ...prepared.body, actions } };
    await expect(wallet.sign(changed)).rejects.toMatchObject({ code: 'signature-invalid' });
    expect(page.authenticator.prompts.filter(({ kind }) => kind === 'get')).toEqual([]);
  });

  test('a signature by another key, or on another page, is never sent', async () => {
    const { wallet, account } = await page.funded();
    const prepared = await wallet.prepare({ account, actions: [transfer(1)] });
    await page.walletOn(createLedgerClient([])).createAccount({ kind: 'passkey', label: 'Other' });
    const other = page.authenticator.keys[1];
    if (other === undefined) throw new Error('no second key');
    page.authenticator.prank({ kind: 'sign-with', key: other });
    await expect(wallet.sign(prepared)).rejects.toMatchObject({ code: 'signature-invalid' });
    page.authenticator.prank({ kind: 'origin', origin: 'https://sub.wallet.example' });
    await expect(wallet.sign(prepared)).rejects.toMatchObject({
      code: 'signature-invalid',
      facts: { reason: 'origin-not-allowed' },
    });
    page.authenticator.prank({ kind: 'throw', name: 'AbortError' });
    await expect(wallet.sign(prepared)).rejects.toMatchObject({ code: 'prompt-cancelled' });
    expect(wallet.state().transactions).toEqual([]);
  });

  test('a refusal by the ledger ends as failed, a failure in a block names its action', async () => {
    const { wallet, client, account } = await page.funded();
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
    const { wallet, client, account } = await page.funded();
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
    const { wallet, client, account, storage } = await page.funded();
    const guest = await page.walletOn(client, storage).createAccount({
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

describe('a transaction that the node let go', () => {
  test('is no failure; whoever pays again cannot pay twice', async () => {
    const { wallet, client, account } = await page.funded();
    const first = await pay(wallet, account, [transfer(10)]);
    client.letGo('insufficient-balance');
    expect(stagesOf(wallet)).toEqual(['signed', 'seen']);
    const again = await pay(wallet, account, [transfer(10)]);
    expect(again.prepared.body.sequence).toBe(first.prepared.body.sequence);
    const next = await wallet.prepare({ account, actions: [transfer(1)] });
    expect(next.body.sequence).toBe(first.prepared.body.sequence + 1);
    client.mine();
    expect(client.balance(BEN)).toBe(coins(10));
  });

  test('has no verdict either when it is sent again and refused', async () => {
    const { wallet, client, account } = await page.funded();
    const { signed } = await pay(wallet, account, [transfer(90)]);
    client.letGo('insufficient-balance');
    await pay(wallet, account, [transfer(80)]);
    client.mine();
    await expect(wallet.submit(signed)).rejects.toMatchObject({ code: 'sequence-used' });
    expect(wallet.state().transactions.map(({ stage }) => stage)).toEqual(['final', 'seen']);
  });
});

describe('what is kept in the browser', () => {
  test('accounts and contacts survive a reload, and other tabs see them', async () => {
    const { wallet, client, storage, account } = await page.funded();
    wallet.saveContact({ name: 'Ben', address: BEN });
    const seen: number[] = [];
    const second = page.walletOn(client, storage);
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
    const { wallet, client } = await page.funded();
    wallet.saveContact({ name: 'Ben', address: BEN });
    const other = page.walletOn(client);
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
    const wallet = page.walletOn(
      createLedgerClient([]),
      createMemoryWalletStorage('{"version":9}'),
    );
    expect(wallet.state()).toMatchObject({ accounts: [], activeAccount: undefined });
  });

  test('an address that only resembles a known one is called out', async () => {
    const { wallet, account } = await page.funded();
    expect(wallet.resemblesKnown(account.address)).toBeUndefined();
    expect(wallet.resemblesKnown(BEN)).toBeUndefined();
  });

  test('empty and long names are refused', async () => {
    const { wallet, account } = await page.funded();
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
