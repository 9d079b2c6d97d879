import { amountText } from '../format/amount.ts';
import type { Shown } from '../format/standing.ts';
import { useAsset } from '../hooks/assets.ts';
import type { AssetId } from '../hooks/client.ts';
import { cx } from '../parts/cx.ts';
import styles from './AmountView.module.css';
import { Figure } from './TrustRegion.tsx';

type AmountProps = {
  /** In smallest units, with what it stands on. */
  readonly of: Shown<bigint>;
  readonly symbol: string;
  readonly decimals: number;
  /** Shows a sign: what came or went. */
  readonly direction?: 'in' | 'out' | undefined;
  readonly isLarge?: boolean;
};

/** An amount with its unit; the number and the unit never part, nor the number and its trust. */
export function AmountView({ of, symbol, decimals, direction, isLarge = false }: AmountProps) {
  const sign = direction === 'in' ? '+' : direction === 'out' ? '−' : '';
  return (
    <Figure of={of.standing}>
      <span className={cx(styles.amount, isLarge && styles.large, direction === 'in' && styles.in)}>
        <span>
          {sign}
          {amountText(of.value, decimals)}
        </span>{' '}
        <span className={styles.unit}>{symbol}</span>
      </span>
    </Figure>
  );
}

type AssetAmountProps = {
  readonly of: Shown<bigint>;
  readonly asset: AssetId;
  readonly direction?: 'in' | 'out' | undefined;
};

/** An amount of an asset whose symbol has to be looked up. */
export function AssetAmount({ of, asset, direction }: AssetAmountProps) {
  const facts = useAsset(asset);
  if (facts === undefined) return <span className={styles.unit}>…</span>;
  return (
    <AmountView of={of} symbol={facts.symbol} decimals={facts.decimals} direction={direction} />
  );
}
