import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { useId, useLayoutEffect, useRef } from 'react';
import { IconButton } from './Button.tsx';
import { cx } from './cx.ts';
import styles from './Sheet.module.css';

type SheetProps = {
  readonly title: ReactNode;
  readonly children: ReactNode;
  readonly footer?: ReactNode;
  readonly onClose: () => void;
  /** While true neither Escape nor the cross closes it: something irreversible is under way. */
  readonly isHeld?: boolean;
  readonly isWide?: boolean;
};

/**
 * A modal sheet on the platform's own `dialog`: focus is kept inside, Escape closes, the rest of
 * the page is inert, and focus returns to where it came from. On a phone it rises from below.
 */
export function Sheet({ title, children, footer, onClose, isHeld = false, isWide }: SheetProps) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  // Closed while it is still in the page: only then does focus return to where it came from.
  useLayoutEffect(() => {
    const element = dialog.current;
    if (element !== null && !element.open) element.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className={cx(styles.sheet, isWide === true && styles.wide)}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        if (!isHeld) onClose();
      }}
    >
      <header className={styles.head}>
        <h2 id={id}>{title}</h2>
        {isHeld ? null : (
          <IconButton label="Close" onClick={onClose}>
            <X size={20} aria-hidden="true" />
          </IconButton>
        )}
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region needs the keyboard. */}
      <section className={styles.body} tabIndex={0} aria-label="Details">
        {children}
      </section>
      {footer === undefined ? null : <footer className={styles.foot}>{footer}</footer>}
    </dialog>
  );
}
