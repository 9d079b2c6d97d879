import { memo, useMemo } from 'react';
import { guilloche } from '../format/guilloche.ts';
import { cx } from '../parts/cx.ts';
import styles from './Seal.module.css';

type SealProps = {
  readonly bytes: Uint8Array;
  /** Edge in CSS pixels. */
  readonly size?: 20 | 28 | 40 | 64 | 96 | 144;
  /** Draws itself once: for the moment of finality. */
  readonly isClosing?: boolean;
  readonly className?: string | undefined;
};

/** The engraved figure of an address. Decorative: the address itself stands beside it. */
export const Seal = memo(function Seal({
  bytes,
  size = 28,
  isClosing = false,
  className,
}: SealProps) {
  const detail = size >= 40 ? 'full' : 'small';
  const figure = useMemo(() => guilloche(bytes, detail), [bytes, detail]);
  return (
    <svg
      viewBox="0 0 100 100"
      width={size}
      height={size}
      aria-hidden="true"
      focusable="false"
      className={cx(
        styles.seal,
        styles[`ink${figure.ink}`],
        detail === 'small' && styles.small,
        isClosing && styles.closing,
        className,
      )}
    >
      {figure.paths.map((path) => (
        <path
          key={path.d}
          d={path.d}
          pathLength={1}
          className={path.weight === 'bold' ? styles.bold : styles.fine}
        />
      ))}
    </svg>
  );
});
