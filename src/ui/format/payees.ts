import { formatHex } from '../../base/index.ts';
import type { Action, Address, AssetId } from '../hooks/client.ts';
import { addressField, amountField } from './activity.ts';

/** Whom a transaction pays, and what: one sum only where there is one. */
export type Payees = {
  /** Each once. */
  readonly recipients: readonly Address[];
  /** How many different assets it hands over. */
  readonly assetCount: number;
  /** All of it, where it is one asset for one recipient. */
  readonly amount: bigint | undefined;
  /** That asset; absent where it is the native one that a faucet gives. */
  readonly asset: AssetId | undefined;
};

/** Reads everything that a transaction hands over, as nobody's history tells it. */
export function describePayees({
  actions,
  faucetAmount,
}: {
  readonly actions: readonly Action[];
  /** What a faucet gives, since its action does not say. */
  readonly faucetAmount: bigint | undefined;
}): Payees {
  const moves = actions.flatMap((action) => {
    const recipient = addressField(action, 'recipient');
    if (recipient === undefined) return [];
    if (action.kind === 'faucet.grant') {
      return [{ recipient, amount: faucetAmount, asset: undefined }];
    }
    if (action.kind !== 'asset.transfer') return [];
    // The asset field of a transfer is an asset id by its schema.
    const asset = action.asset as AssetId | undefined;
    return [{ recipient, amount: amountField(action, 'amount'), asset }];
  });
  const recipients = new Map(moves.map(({ recipient }) => [formatHex(recipient), recipient]));
  const assetCount = new Set(moves.map(({ asset }) => formatHex(asset ?? NATIVE))).size;
  const [first, ...others] = moves;
  const isOneSum = recipients.size === 1 && assetCount === 1;
  return {
    recipients: [...recipients.values()],
    assetCount,
    amount: isOneSum
      ? others.reduce((sum, { amount }) => plus(sum, amount), first?.amount)
      : undefined,
    asset: isOneSum ? first?.asset : undefined,
  };
}

const NATIVE = new Uint8Array(32);

/** One amount that is not known makes the sum unknown. */
function plus(one: bigint | undefined, other: bigint | undefined): bigint | undefined {
  return one === undefined || other === undefined ? undefined : one + other;
}
