import { equalBytes, timestampMs } from '../base/index.ts';
import { sha256 } from '../crypto/index.ts';
import type { Action, Address } from '../ledger/index.ts';
import { NATIVE_ASSET } from '../ledger/index.ts';
import type { SoftwareAuthenticator } from './authenticator.fixture.ts';
import { createSoftwareAuthenticator } from './authenticator.fixture.ts';
import { createMemoryWalletStorage, createWallet } from './index.ts';
import type { LedgerClient } from './ledger-client.fixture.ts';
import { coins, createLedgerClient } from './ledger-client.fixture.ts';
import type { KeyKind, LocalAccount, Wallet, WalletStorage } from './types.ts';

export const ORIGIN = 'https://wallet.example';
export const RP_ID = 'wallet.example';
export const BEN = sha256(Uint8Array.of(1)) as unknown as Address; // Any 32 bytes are an address.

/** A page with an authenticator and a clock; wallets on it share both. */
export type Page = {
  readonly authenticator: SoftwareAuthenticator;
  walletOn(client: LedgerClient, storage?: WalletStorage): Wallet;
  /** A wallet with one account, on a network where it owns 100 coins. */
  funded(kind?: KeyKind): Promise<{
    readonly wallet: Wallet;
    readonly client: LedgerClient;
    readonly storage: WalletStorage;
    readonly account: LocalAccount;
  }>;
};

/** Opens a page on which nobody was yet. */
export function createPage(): Page {
  const authenticator = createSoftwareAuthenticator(ORIGIN);
  let clock = 1_800_000_000_000;

  function walletOn(client: LedgerClient, storage = createMemoryWalletStorage()): Wallet {
    const now = () => timestampMs(++clock);
    const credentials = authenticator;
    return createWallet({ client, storage, origin: ORIGIN, rpId: RP_ID, credentials, now });
  }
  return {
    authenticator,
    walletOn,
    async funded(kind = 'passkey') {
      const storage = createMemoryWalletStorage();
      // The address depends on the key alone, so it can be made before the network.
      const first = walletOn(createLedgerClient([]), storage);
      const account = await first.createAccount({ kind, label: 'Anna' });
      const client = createLedgerClient([{ address: account.address, amount: coins(100) }]);
      return { wallet: walletOn(client, storage), client, storage, account };
    },
  };
}

/** The action that sends some coins. */
export function transfer(amount: number, recipient: Address = BEN): Action {
  return { kind: 'asset.transfer', asset: NATIVE_ASSET, recipient, amount: coins(amount) };
}

/** Prepares, signs and submits. */
export async function pay(wallet: Wallet, account: LocalAccount, actions: readonly Action[]) {
  const prepared = await wallet.prepare({ account, actions });
  const signed = await wallet.sign(prepared);
  await wallet.submit(signed);
  return { prepared, signed };
}

/** The account as the wallet knows it now. */
export function current(wallet: Wallet, { address }: LocalAccount): LocalAccount {
  const account = wallet.accounts().find((each) => equalBytes(each.address, address));
  if (account === undefined) throw new Error('the wallet forgot the account');
  return account;
}

/** Stages that the newest transaction went through. */
export function stagesOf(wallet: Wallet): readonly string[] {
  return wallet.state().transactions[0]?.steps.map(({ stage }) => stage) ?? [];
}
