import { useId } from 'react';
import styles from './Meter.module.css';

type MeterProps = {
  readonly label: string;
  /** 0 to 100. */
  readonly percent: number;
  /** The same in words, always visible. */
  readonly text: string;
};

/** How much of something, as a bar and in words. */
export function Meter({ label, percent, text }: MeterProps) {
  const id = useId();
  return (
    <div className={styles.meter}>
      <div className={styles.words}>
        <span id={id}>{label}</span>
        <span>{text}</span>
      </div>
      <progress className={styles.bar} aria-labelledby={id} max={100} value={percent} />
    </div>
  );
}
