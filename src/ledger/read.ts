import type { Bytes, Json } from '../base/index.ts';
import { defined } from '../base/index.ts';
import type { Shape } from '../codec/index.ts';
import { decode, toJson } from '../codec/index.ts';
import type { Hash, HashSuite } from '../crypto/index.ts';
import type { Address } from './address.ts';
import { ZERO_AMOUNT } from './amount.ts';
import { credentialHash, NATIVE_ASSET } from './ids.ts';
import type { Kernel } from './kernel.ts';
import type { ActionDescription, ChainParameters, FieldRole } from './module.ts';
import type { CredentialClaim } from './modules/account/index.ts';
import { accountService, credentials, records, sequences } from './modules/account/index.ts';
import type { AssetRecord } from './modules/asset/index.ts';
import { assetCount, assetNumbers, assets, balances, holdings } from './modules/asset/index.ts';
import type { FaucetGenesis } from './modules/faucet/index.ts';
import { faucetGrants, faucetSettings } from './modules/faucet/index.ts';
import { parameterValues } from './modules/parameters/index.ts';
import type { StateView } from './state.ts';
import type { Amount, AssetId, KeyHint, KeyPolicy, Log, Sequence } from './types.ts';

/*
 * Readings of the built-in modules' state. All throw MissingKey when the state is not in memory;
 * `attempt` turns that into a value.
 */

/** What the ledger knows of an account's keys. */
export type AccountView = {
  readonly address: Address;
  /** Next sequence to use; 0 before the first transaction. */
  readonly sequence: Sequence;
  /** Absent while the account answers to the policy its address is made of. */
  readonly policy: KeyPolicy | undefined;
  /** Of described keys; `isBackupEligible` and `isBackedUp` as seen at the key's last signature. */
  readonly hints: readonly { readonly keyId: Hash; readonly hint: KeyHint }[];
};

/** Reads an account; one that nobody used yet reads as empty. */
export function readAccount(suite: HashSuite, view: StateView, address: Address): AccountView {
  const { policy, sequence } = accountService.load(view, address);
  return { address, sequence, policy, hints: accountService.hints(suite, view, address) };
}

/** State keys that hold an account's sequence, policy and native balance: what proofs are for. */
export function accountStateKeys(address: Address): {
  readonly sequence: Bytes;
  readonly policy: Bytes;
  readonly nativeBalance: Bytes;
} {
  return {
    sequence: sequences.keyOf(address),
    policy: records.keyOf(address),
    nativeBalance: balances.keyOf({ address, asset: NATIVE_ASSET }),
  };
}

/** The state key that holds a balance. */
export function balanceStateKey(address: Address, asset: AssetId): Bytes {
  return balances.keyOf({ address, asset });
}

/** One balance of an account, with what is known of the asset. */
export type BalanceView = {
  readonly asset: AssetId;
  readonly amount: Amount;
  readonly record: AssetRecord;
};

/** One balance; zero when the account never held the asset. */
export function readBalance(view: StateView, address: Address, asset: AssetId): Amount {
  return balances.get(view, { address, asset }) ?? ZERO_AMOUNT;
}

/** All balances of an account: the native one first, also when it is zero. */
export function readBalances(view: StateView, address: Address): BalanceView[] {
  const held = [NATIVE_ASSET, ...(holdings.get(view, address) ?? [])];
  return held.map((asset) => ({
    asset,
    amount: readBalance(view, address, asset),
    record: defined(assets.get(view, asset), 'held assets exist'),
  }));
}

/** What is known of an asset; undefined when there is none of this id. */
export function readAsset(view: StateView, asset: AssetId): AssetRecord | undefined {
  return assets.get(view, asset);
}

/** Ids of assets in the order in which they were issued, the native one first. */
export function readAssetIds(
  view: StateView,
  page: { readonly after: AssetId | undefined; readonly limit: number },
): AssetId[] {
  const count = assetCount.get(view, 0) ?? 0;
  const before = page.after === undefined ? undefined : assets.get(view, page.after)?.number;
  const ids: AssetId[] = [];
  for (let at = (before ?? -1) + 1; at < count && ids.length < page.limit; at++) {
    ids.push(defined(assetNumbers.get(view, at), 'numbers have no gap'));
  }
  return ids;
}

/** The parameters that hold for the next block. */
export function readParameters(view: StateView): ChainParameters {
  return defined(parameterValues.get(view, 0), 'genesis set the parameters');
}

/** The faucet's settings; undefined on networks without one. */
export function readFaucet(view: StateView): FaucetGenesis | undefined {
  return faucetSettings.get(view, 0);
}

/** Block time of an account's last grant; undefined before the first. */
export function readLastGrant(view: StateView, address: Address): number | undefined {
  return faucetGrants.get(view, address);
}

/**
 * Accounts that claim a credential, proven claims first. A claim is only a hint where to look:
 * whoever signs in must check an assertion against the key of that account.
 */
export function findByCredential(
  suite: HashSuite,
  view: StateView,
  credentialId: Uint8Array,
): readonly CredentialClaim[] {
  return credentials.get(view, credentialHash(suite, credentialId)) ?? [];
}

/** An action as forms, sheets and explorers draw it. */
export type ActionView = {
  /** `module.action`. */
  readonly kind: string;
  readonly title: ActionDescription['title'];
  readonly fields: readonly {
    readonly name: string;
    readonly role: FieldRole;
    readonly shape: Shape;
  }[];
};

/** All actions of a ledger, from the very schema that decodes them. */
export function describeActions(kernel: Kernel): ActionView[] {
  return kernel.registry.actions.map(({ kind, definition }) => {
    const { shape } = definition.fields;
    const fields = shape.kind === 'struct' ? shape.fields : [];
    const { title, fields: roles } = definition.description;
    return {
      kind,
      title,
      fields: fields.map(({ name, shape: of }) => ({
        name,
        role: roles[name] ?? 'detail',
        shape: of,
      })),
    };
  });
}

/** A log with its fields. */
export type LogView = {
  readonly shape: Shape;
  readonly fields: { readonly [name: string]: unknown };
  readonly json: Json;
};

/** The fields of a log, by the schema of its module; undefined when its kind is not known. */
export function decodeLog(kernel: Kernel, log: Log): LogView | undefined {
  const [moduleName, name] = log.kind.split('.');
  const module = kernel.registry.modules.find((each) => each.name === moduleName);
  // Only what the module itself names: every object has a `constructor`.
  const isKnown = name !== undefined && module !== undefined && Object.hasOwn(module.logs, name);
  const codec = isKnown ? module.logs[name] : undefined;
  if (codec === undefined) return undefined;
  const decoded = decode(codec, log.data);
  if (!decoded.ok) return undefined;
  // Logs are structs: their members are their fields.
  const fields = decoded.value as { readonly [name: string]: unknown };
  return { shape: codec.shape, fields, json: toJson(codec, decoded.value) };
}
