import { amountText } from '../format/amount.ts';
import { useAsset } from '../hooks/assets.ts';
import type { AssetId } from '../hooks/client.ts';
import { cx } from '../parts/cx.ts';
import styles from './AmountView.module.css';

type AmountProps = {
  readonly amount: bigint;
  readonly symbol: string;
  readonly decimals: number;
  /** Shows a sign: what came or went. */
  readonly direction?: 'in' | 'out' | undefined;
  readonly isLarge?: boolean;
};

/** An amount with its unit; the number and the unit never part. */
export function AmountView({ amount, symbol, decimals, direction, isLarge = false }: AmountProps) {
  const sign = direction === 'in' ? '+' : direction === 'out' ? '−' : '';
  return (
    <span className={cx(styles.amount, isLarge && styles.large, direction === 'in' && styles.in)}>
      <span>
        {sign}
        {amountText(amount, decimals)}
      </span>{' '}
      <span className={styles.unit}>{symbol}</span>
    </span>
  );
}

type AssetAmountProps = {
  readonly amount: bigint;
  readonly asset: AssetId;
  readonly direction?: 'in' | 'out' | undefined;
};

/** An amount of an asset whose symbol has to be looked up. */
export function AssetAmount({ amount, asset, direction }: AssetAmountProps) {
  const facts = useAsset(asset);
  if (facts === undefined) return <span className={styles.unit}>…</span>;
  return (
    <AmountView
      amount={amount}
      symbol={facts.symbol}
      decimals={facts.decimals}
      direction={direction}
    />
  );
}
