import type { ButtonHTMLAttributes, ReactNode } from 'react';
import { Link } from 'wouter';
import styles from './Button.module.css';
import { cx } from './cx.ts';

type Look = 'primary' | 'plain' | 'quiet' | 'danger';

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & {
  readonly look?: Look;
  /** Work is under way: the button keeps its focus and says so, and ignores presses. */
  readonly isBusy?: boolean;
  readonly icon?: ReactNode;
};

/** A button of at least 44 px. */
export function Button(props: ButtonProps) {
  const { look = 'plain', isBusy = false, icon, children, className, onClick, ...rest } = props;
  // It takes the place of the icon, or of empty space: what stands around does not move.
  const spinner = (
    <span className={cx(styles.spinner, icon === undefined && styles.aside)} aria-hidden="true" />
  );
  return (
    <button
      {...rest}
      className={cx(styles.button, styles[look], className)}
      aria-disabled={isBusy || rest.disabled || undefined}
      aria-busy={isBusy || undefined}
      // A busy button keeps its focus, but neither acts nor submits.
      type={isBusy ? 'button' : (rest.type ?? 'button')}
      onClick={isBusy ? undefined : onClick}
    >
      {isBusy && icon !== undefined ? spinner : icon}
      <span>{children}</span>
      {isBusy && icon === undefined ? spinner : null}
    </button>
  );
}

type IconButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & { readonly label: string };

/** A button that shows only a sign; its label is read out and shown on hover. */
export function IconButton({ label, children, className, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      className={cx(styles.icon, className)}
      aria-label={label}
      title={label}
    >
      {children}
    </button>
  );
}

type LinkButtonProps = {
  /** Absent while it leads nowhere: it keeps its place, and says so. */
  readonly href: string | undefined;
  readonly look?: Look;
  readonly icon?: ReactNode;
  readonly children: ReactNode;
  readonly className?: string | undefined;
};

/** A link to another page of the app that looks like a button. */
export function LinkButton({ href, look = 'plain', icon, children, className }: LinkButtonProps) {
  const inner = (
    <>
      {icon}
      <span>{children}</span>
    </>
  );
  const names = cx(styles.button, styles[look], className);
  if (href === undefined) {
    return (
      <button type="button" disabled className={names}>
        {inner}
      </button>
    );
  }
  return (
    <Link href={href} className={names}>
      {inner}
    </Link>
  );
}
