import { Link } from 'wouter';
import { formatAddress } from '../../sdk/index.ts';
import { groupAddress, shortAddress } from '../format/text.ts';
import type { Address } from '../hooks/client.ts';
import { useNames } from '../hooks/names.ts';
import { cx } from '../parts/cx.ts';
import styles from './AddressView.module.css';
import { Seal } from './Seal.tsx';

type AddressLinkProps = {
  readonly address: Address;
  /** Draws no link, where the row itself is one. */
  readonly isPlain?: boolean;
  readonly hasSeal?: boolean;
};

/** An account in a line: seal, then its name or the two ends of its address. */
export function AddressLink({ address, isPlain = false, hasSeal = true }: AddressLinkProps) {
  const known = useNames()(address);
  const text = formatAddress(address);
  const inner = (
    <>
      {hasSeal ? <Seal bytes={address} size={20} /> : null}
      {known === undefined ? (
        <span className={styles.short}>{shortAddress(text)}</span>
      ) : (
        <span className={styles.name}>{known.name}</span>
      )}
    </>
  );
  if (isPlain) {
    return (
      <span className={styles.line} title={text}>
        {inner}
      </span>
    );
  }
  return (
    <Link href={`/account/${text}`} className={cx(styles.line, styles.link)} title={text}>
      {inner}
    </Link>
  );
}

type AddressFullProps = {
  readonly address: Address;
  readonly isLarge?: boolean;
};

/** The whole address in groups of four, every second one stronger, as one readable text. */
export function AddressFull({ address, isLarge = false }: AddressFullProps) {
  const text = formatAddress(address);
  return (
    <span className={cx(styles.full, isLarge && styles.large)} data-address={text}>
      {groupAddress(text).map((group, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a group is its place.
        <span key={`${at}-${group}`} className={at % 2 === 0 ? styles.even : styles.odd}>
          {group}{' '}
        </span>
      ))}
    </span>
  );
}
