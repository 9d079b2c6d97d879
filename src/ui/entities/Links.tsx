import { Link } from 'wouter';
import { formatHex } from '../../base/index.ts';
import { formatHeight } from '../format/number.ts';
import { shortHash } from '../format/text.ts';
import styles from './Links.module.css';

/** A block, by its height. */
export function BlockLink({ height }: { readonly height: number }) {
  return (
    <Link href={`/block/${height}`} className={styles.link}>
      {formatHeight(height)}
    </Link>
  );
}

/** A transaction, by the ends of its id. */
export function TransactionLink({ id }: { readonly id: Uint8Array }) {
  const hex = formatHex(id);
  return (
    <Link href={`/tx/${hex}`} className={styles.hash} title={hex}>
      {shortHash(hex)}
    </Link>
  );
}

/** A whole digest, to be compared or copied. */
export function HashText({ bytes, isShort = false }: { bytes: Uint8Array; isShort?: boolean }) {
  const hex = formatHex(bytes);
  return (
    <code className={styles.digest} title={hex}>
      {isShort ? shortHash(hex) : hex}
    </code>
  );
}
