import type { ReactNode } from 'react';
import { formatHex } from '../../base/index.ts';
import { titleOfKind } from '../format/activity.ts';
import { valueText } from '../format/json.ts';
import { stated } from '../format/standing.ts';
import { wordsOf } from '../format/text.ts';
import type { Action, Address, AssetId } from '../hooks/client.ts';
import { Facts } from '../parts/Facts.tsx';
import styles from './ActionView.module.css';
import { AddressLink } from './AddressView.tsx';
import { AssetAmount } from './AmountView.tsx';
import { AssetLink } from './AssetLink.tsx';

/** Fields that hold accounts, in the words that the modules of the ledger share. */
const ACCOUNT_FIELDS = new Set(['recipient', 'sender', 'address', 'payer', 'issuer', 'sponsor']);

/** What a transaction does, in a few words. */
export function ActionTitle({ actions }: { readonly actions: readonly Action[] }) {
  const [first] = actions;
  if (first === undefined) return null;
  const more = actions.length > 1 ? ` + ${actions.length - 1}` : '';
  return (
    <span>
      {titleOfKind(first.kind)}
      {more}
    </span>
  );
}

/** One action with every field it has. */
export function ActionView({ action }: { readonly action: Action }) {
  const { kind, ...fields } = action;
  const asset = fields.asset instanceof Uint8Array ? (fields.asset as AssetId) : undefined;
  return (
    <section className={styles.action}>
      <h2>
        {titleOfKind(kind)} <code>{kind}</code>
      </h2>
      <Facts
        rows={Object.entries(fields).map(
          ([name, value]) =>
            [wordsOf(name), <FieldView key={name} {...{ name, value, asset }} />] as const,
        )}
      />
    </section>
  );
}

type FieldViewProps = {
  readonly name: string;
  readonly value: unknown;
  /** The asset that amounts of this action count, where it names one. */
  readonly asset: AssetId | undefined;
};

function FieldView({ name, value, asset }: FieldViewProps): ReactNode {
  if (value === undefined) return '—';
  if (value instanceof Uint8Array) {
    if (ACCOUNT_FIELDS.has(name) && value.length === 32) {
      return <AddressLink address={value as Address} />; // An account by the schema of the action.
    }
    if (name === 'asset') return <AssetLink asset={value as AssetId} />; // As above.
    return <code>{formatHex(value)}</code>;
  }
  if (typeof value === 'bigint') {
    return asset === undefined ? (
      value.toString()
    ) : (
      <AssetAmount of={stated(value)} asset={asset} />
    );
  }
  if (typeof value === 'object') return <pre className={styles.value}>{valueText(value)}</pre>;
  return String(value);
}
