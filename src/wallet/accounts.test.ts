import { beforeEach, describe, expect, test } from 'vitest';
import type { Bytes } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import { sha256, ZERO_HASH } from '../crypto/index.ts';
import { createMemoryWalletStorage, createWallet } from './index.ts';
import { coins } from './ledger-client.fixture.ts';
import type { Page } from './page.fixture.ts';
import { BEN, createPage, current, ORIGIN, pay, stagesOf, transfer } from './page.fixture.ts';

let page: Page;
beforeEach(() => {
  page = createPage();
});

describe('signing in on a fresh browser', () => {
  test('by a passkey that the ledger knows: one prompt', async () => {
    const { wallet, client, account } = await page.funded();
    await pay(wallet, account, [transfer(1)]);
    client.mine();
    const fresh = page.walletOn(client);
    const promptsBefore = page.authenticator.prompts.length;
    const found = await fresh.signInWithPasskey();
    expect(found).toMatchObject({ address: account.address, isOnLedger: true, name: 'Anna' });
    expect(page.authenticator.prompts).toHaveLength(promptsBefore + 1);
    await pay(fresh, found, [transfer(1)]);
    client.mine();
    expect(client.balance(BEN)).toBe(coins(2));
  });

  test('by a passkey that only ever received: recovered from two assertions', async () => {
    const { client, account } = await page.funded();
    const fresh = page.walletOn(client);
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
    const { client } = await page.funded();
    await page.walletOn(client).createAccount({ kind: 'security-key', label: 'Other' });
    const other = page.authenticator.keys[1];
    if (other === undefined) throw new Error('no second key');
    const fresh = page.walletOn(client);
    const onSecondPrompt = () => page.authenticator.prank({ kind: 'sign-with', key: other });
    await expect(fresh.signInWithPasskey({ onSecondPrompt })).rejects.toMatchObject({
      code: 'recovery-failed',
    });
  });

  test('by address and security key, with the hints that the ledger keeps', async () => {
    const { wallet, client, account } = await page.funded('security-key');
    await pay(wallet, account, [transfer(1)]);
    client.mine();
    const fresh = page.walletOn(client);
    const found = await fresh.signInWithAddress(account.address);
    expect(found.keys[0]).toMatchObject({ kind: 'security-key', transports: ['usb', 'nfc'] });
    const prompt = page.authenticator.prompts.at(-1);
    expect(prompt?.options).toMatchObject({ allowCredentials: [{ transports: ['usb', 'nfc'] }] });
    await pay(fresh, found, [transfer(1)]);
    client.mine();
    expect(client.balance(BEN)).toBe(coins(2));
  });

  test('an address without a record, or of another site, is refused by name', async () => {
    const { wallet, client, account, storage } = await page.funded();
    const fresh = page.walletOn(client);
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
      credentials: page.authenticator,
    });
    await expect(elsewhere.signInWithAddress(account.address)).rejects.toMatchObject({
      code: 'origin-not-allowed',
    });
    expect(page.walletOn(client, storage).accounts()).toHaveLength(1);
  });

  test('an account that claims a credential without its key is not entered', async () => {
    const { wallet, client, account } = await page.funded('security-key');
    const victim = await page.walletOn(client).createAccount({ kind: 'passkey', label: 'Victim' });
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
    const found = await page.walletOn(client).signInWithPasskey();
    expect(found.address).toEqual(victim.address);
  });
});

describe('reading back', () => {
  test('the first final transaction makes the record, and the wallet notices', async () => {
    const { wallet, client, account } = await page.funded();
    expect(current(wallet, account).isOnLedger).toBe(false);
    await pay(wallet, account, [transfer(1)]);
    client.mine();
    const noticed = new Promise<void>((resolve) => {
      wallet.subscribe(() => {
        if (current(wallet, account).isOnLedger) resolve();
      });
    });
    await noticed;
    expect(current(wallet, account).name).toBe('Anna');
  });

  test('a key that never reached the ledger is not kept', async () => {
    const { wallet, account } = await page.funded();
    const added = await wallet.addKey(account, { kind: 'security-key', label: 'Stick' });
    const kept = await wallet.keepKey(account, added.key);
    expect(kept.keys.map(({ label }) => label)).toEqual(['Anna']);
  });
});

describe('keys', () => {
  async function withTwoKeys() {
    const made = await page.funded();
    const { wallet, client, account } = made;
    const added = await wallet.addKey(account, { kind: 'security-key', label: 'Stick' });
    await pay(wallet, account, [added.action]);
    client.mine();
    await wallet.keepKey(account, added.key);
    return { ...made, added };
  }

  test('a second key is made, tested, put on the ledger, and signs', async () => {
    const { wallet, client, account, added } = await withTwoKeys();
    expect(page.authenticator.prompts.map(({ kind }) => kind)).toEqual([
      'create',
      'create',
      'get', // The test of the new key.
      'get', // The transaction, by the old one.
    ]);
    expect(page.authenticator.prompts[1]?.options).toMatchObject({ excludeCredentials: [{}] });
    expect(added.losses.map(({ lost }) => lost)).toEqual([[], []]);
    const known = current(wallet, account);
    expect(known.keys.map(({ label }) => label)).toEqual(['Anna', 'Stick']);
    expect(known.isOnLedger).toBe(true);

    const fresh = page.walletOn(client);
    const found = await fresh.signInWithAddress(account.address);
    expect(found.keys).toHaveLength(2);
    await pay(fresh, found, [transfer(1)]);
    client.mine();
    expect(client.balance(BEN)).toBe(coins(1));
  });

  test('a device that holds a key of the account makes no second one', async () => {
    const { wallet, account } = await page.funded();
    await expect(wallet.addKey(account, { kind: 'passkey', label: 'Again' })).rejects.toMatchObject(
      { code: 'key-exists' },
    );
  });

  test('a new key that does not sign is not offered to the ledger', async () => {
    const { wallet, account } = await page.funded();
    page.authenticator.prank({ kind: 'origin', origin: ORIGIN }); // The creation goes well.
    page.authenticator.prank({ kind: 'throw', name: 'NotAllowedError' });
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
    expect(prepared.actionClass).toBe('vault');
    await wallet.submit(await wallet.sign(prepared));
    client.mine();
    const refreshed = await wallet.refreshAccount(known);
    expect(refreshed.keys.map(({ label }) => label)).toEqual(['Anna']);
  });

  test('revoking the last key, or one that is not there, is refused', async () => {
    const { wallet, account } = await page.funded();
    const keyId = account.keys[0]?.keyId ?? ZERO_HASH;
    await expect(wallet.revokeKey(account, keyId)).rejects.toMatchObject({
      code: 'dead-end-policy',
    });
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
    const promptsBefore = page.authenticator.prompts.length;
    const lower = { everyday: 1, guarded: 1, vault: 2 };
    await pay(wallet, known, [{ kind: 'account.set-thresholds', thresholds: lower }]);
    expect(page.authenticator.prompts).toHaveLength(promptsBefore + 2);
    client.mine();
    expect(stagesOf(wallet).at(-1)).toBe('final');
  });
});
