import { equalBytes } from '../../base/index.ts';
import type { Action, Address, AssetId } from '../hooks/client.ts';

/** One transaction as it concerns one account, in a line. */
export type Activity = {
  readonly title: string;
  readonly direction: 'in' | 'out' | undefined;
  readonly counterpart: Address | undefined;
  readonly amount: bigint | undefined;
  readonly asset: AssetId | undefined;
};

const TITLES: { readonly [kind: string]: string } = {
  'account.add-key': 'Key added',
  'account.revoke-key': 'Key revoked',
  'account.set-thresholds': 'Signing rules changed',
  'account.describe-key': 'Key described',
  'asset.issue': 'Asset issued',
  'asset.mint': 'Asset minted',
  'asset.burn': 'Asset burned',
  'asset.transfer': 'Transfer',
  'faucet.grant': 'Test coins',
  'parameters.set': 'Parameters changed',
};

/** A short title of a kind of action, the kind itself where this version knows none. */
export function titleOfKind(kind: string): string {
  return TITLES[kind] ?? kind;
}

type Described = {
  readonly sender: Address;
  readonly actions: readonly Action[];
  /** The account whose history it is. */
  readonly viewer: Address;
  /** What a faucet gives, since its action does not say. */
  readonly faucetAmount: bigint | undefined;
};

/** Reads the deed that matters most to the viewer: money that moved comes before everything. */
export function describeActivity({ sender, actions, viewer, faucetAmount }: Described): Activity {
  const isMine = equalBytes(sender, viewer);
  for (const action of actions) {
    const recipient = addressField(action, 'recipient');
    if (action.kind === 'asset.transfer' && recipient !== undefined) {
      const amount = amountField(action, 'amount');
      // The asset field of a transfer is an asset id by its schema.
      const asset = action.asset as AssetId | undefined;
      if (isMine && equalBytes(recipient, viewer)) {
        return { title: 'To yourself', direction: undefined, counterpart: viewer, amount, asset };
      }
      if (isMine) {
        return { title: 'Sent', direction: 'out', counterpart: recipient, amount, asset };
      }
      if (equalBytes(recipient, viewer)) {
        return { title: 'Received', direction: 'in', counterpart: sender, amount, asset };
      }
    }
    if (action.kind === 'faucet.grant' && recipient !== undefined) {
      const isToMe = equalBytes(recipient, viewer);
      return {
        title: 'Test coins',
        direction: isToMe ? 'in' : 'out',
        counterpart: isToMe ? undefined : recipient,
        amount: faucetAmount,
        asset: undefined,
      };
    }
  }
  const first = actions[0];
  return {
    title: first === undefined ? 'Transaction' : titleOfKind(first.kind),
    direction: undefined,
    counterpart: isMine ? undefined : sender,
    amount: undefined,
    asset: undefined,
  };
}

/** An account that an action names. */
export function addressField(action: Action, name: string): Address | undefined {
  const value = action[name];
  // 32 bytes under the name of an account are an address by the schema of the action.
  return value instanceof Uint8Array && value.length === 32 ? (value as Address) : undefined;
}

/** An amount that an action names. */
export function amountField(action: Action, name: string): bigint | undefined {
  const value = action[name];
  return typeof value === 'bigint' ? value : undefined;
}
