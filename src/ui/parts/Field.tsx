import type { InputHTMLAttributes, ReactNode, SelectHTMLAttributes } from 'react';
import { useId } from 'react';
import { cx } from './cx.ts';
import styles from './Field.module.css';

type Common = {
  readonly label: ReactNode;
  readonly hint?: ReactNode;
  readonly error?: ReactNode;
  /** After the input, inside its frame: a unit, a button. */
  readonly suffix?: ReactNode;
};

type TextFieldProps = Omit<InputHTMLAttributes<HTMLInputElement>, 'children'> &
  Common & { readonly isMono?: boolean; readonly isLarge?: boolean };

/** A labelled input; the error is bound to it and read out when it appears. */
export function TextField(props: TextFieldProps) {
  const { label, hint, error, suffix, isMono = false, isLarge = false, className, ...rest } = props;
  const own = useId();
  const id = rest.id ?? own;
  const hasError = error !== undefined && error !== null && error !== '';
  const described = [hint === undefined ? '' : `${id}-hint`, hasError ? `${id}-error` : '']
    .filter((part) => part !== '')
    .join(' ');
  return (
    <div className={cx(styles.field, className)}>
      <label htmlFor={id}>{label}</label>
      <div className={cx(styles.frame, hasError && styles.bad, isLarge && styles.large)}>
        <input
          autoComplete="off"
          {...rest}
          id={id}
          className={cx(styles.input, isMono && styles.mono)}
          aria-invalid={hasError || undefined}
          aria-describedby={described === '' ? undefined : described}
        />
        {suffix}
      </div>
      {hint === undefined ? null : (
        <p id={`${id}-hint`} className={styles.hint}>
          {hint}
        </p>
      )}
      <div role="alert">
        {hasError ? (
          <p id={`${id}-error`} className={styles.error}>
            {error}
          </p>
        ) : null}
      </div>
    </div>
  );
}

type SelectFieldProps = SelectHTMLAttributes<HTMLSelectElement> & Common;

/** A labelled choice from a short list. */
export function SelectField({ label, hint, children, className, ...rest }: SelectFieldProps) {
  const own = useId();
  return (
    <div className={cx(styles.field, className)}>
      <label htmlFor={own}>{label}</label>
      <div className={styles.frame}>
        <select {...rest} id={own} className={styles.input}>
          {children}
        </select>
      </div>
      {hint === undefined ? null : <p className={styles.hint}>{hint}</p>}
    </div>
  );
}

type ChoiceProps<Value extends string> = {
  readonly legend: string;
  readonly value: Value;
  readonly options: readonly { readonly value: Value; readonly label: string }[];
  readonly onChange: (value: Value) => void;
};

/** One of few, all of them visible. */
export function Choice<Value extends string>(props: ChoiceProps<Value>) {
  const name = useId();
  return (
    <fieldset className={styles.choice}>
      <legend>{props.legend}</legend>
      <div className={styles.options}>
        {props.options.map((option) => (
          <label key={option.value} className={styles.option}>
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === props.value}
              onChange={() => props.onChange(option.value)}
            />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
