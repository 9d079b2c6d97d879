import { Link } from 'wouter';
import { formatHex } from '../../base/index.ts';
import { formatHeight } from '../format/number.ts';
import { shortHash } from '../format/text.ts';
import { CopyButton } from '../parts/CopyButton.tsx';
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

type HashTextProps = {
  readonly bytes: Uint8Array;
  readonly isShort?: boolean;
  /** What it is, for a button that copies it whole: “transaction id”. */
  readonly copies?: string;
};

/** A whole digest, to be compared or copied. */
export function HashText({ bytes, isShort = false, copies }: HashTextProps) {
  const hex = formatHex(bytes);
  const text = (
    <code className={styles.digest} title={hex}>
      {isShort ? shortHash(hex) : hex}
    </code>
  );
  if (copies === undefined) return text;
  return (
    <span className={styles.copied}>
      {text}
      <CopyButton text={hex} label={`Copy ${copies}`} />
    </span>
  );
}
