import type { KeyboardEvent } from 'react';
import { useId, useLayoutEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { formatAddress } from '../../sdk/index.ts';
import { formatHeight } from '../format/number.ts';
import { parseSearch, shortAddress, shortHash } from '../format/text.ts';
import { setTheme } from '../hooks/preferences.ts';
import { useWalletState } from '../hooks/services.ts';
import styles from './CommandPalette.module.css';

type Item = {
  readonly id: string;
  readonly label: string;
  readonly hint: string;
  readonly run: () => void;
};

/** Finds heights, hashes, addresses, contacts and commands from anywhere. */
export default function CommandPalette({ onClose }: { readonly onClose: () => void }) {
  const base = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const items = useItems(text);
  const chosen = items[Math.min(at, items.length - 1)];

  // Closed while it is still in the page: only then does focus return to where it came from.
  useLayoutEffect(() => {
    const element = dialog.current;
    if (element !== null && !element.open) element.showModal();
    return () => element?.close();
  }, []);

  const run = (item: Item | undefined) => {
    if (item === undefined) return;
    onClose();
    item.run();
  };
  const onKey = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0 && items.length > 0) {
      event.preventDefault();
      setAt((last) => (Math.min(last, items.length - 1) + step + items.length) % items.length);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      run(chosen);
    }
  };

  return (
    <dialog
      ref={dialog}
      className={styles.palette}
      aria-label="Search and commands"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose();
      }}
      onKeyDown={onKey}
    >
      <div className={styles.inner}>
        <input
          className={styles.input}
          type="text"
          role="combobox"
          aria-label="Height, hash, address, contact or command"
          aria-expanded="true"
          aria-controls={`${base}-list`}
          aria-activedescendant={chosen === undefined ? undefined : `${base}-${chosen.id}`}
          aria-autocomplete="list"
          autoComplete="off"
          spellCheck={false}
          placeholder="Height, hash, address, contact or command"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setAt(0);
          }}
        />
        <div id={`${base}-list`} role="listbox" aria-label="Results" className={styles.list}>
          {items.map((item) => (
            <div
              key={item.id}
              id={`${base}-${item.id}`}
              role="option"
              tabIndex={-1}
              aria-selected={item === chosen}
              className={styles.item}
              onClick={() => run(item)}
              onKeyDown={onKey}
            >
              <span>{item.label}</span>
              <span className={styles.hint}>{item.hint}</span>
            </div>
          ))}
        </div>
        {items.length === 0 ? (
          <p className={styles.none} role="status">
            Nothing by that name. Try a height, a hash or an address.
          </p>
        ) : null}
      </div>
    </dialog>
  );
}

const PAGES: readonly (readonly [label: string, href: string])[] = [
  ['Home', '/'],
  ['Send', '/send'],
  ['Receive', '/receive'],
  ['Scan a code', '/scan'],
  ['Contacts', '/contacts'],
  ['Explorer', '/explorer'],
  ['Network', '/network'],
  ['Node', '/node'],
  ['Settings', '/settings'],
  ['Keys', '/settings/keys'],
  ['Sign in', '/sign-in'],
];

function useItems(text: string): readonly Item[] {
  const [, navigate] = useLocation();
  const { accounts, contacts } = useWalletState();
  const target = parseSearch(text);
  const go = (href: string) => () => navigate(href);
  if (target.kind === 'height') {
    const label = `Block ${formatHeight(target.height)}`;
    return [{ id: 'height', label, hint: 'Height', run: go(`/block/${target.height}`) }];
  }
  if (target.kind === 'hash') {
    const run = go(`/search/${target.hex}`);
    return [{ id: 'hash', label: shortHash(target.hex), hint: 'Block or transaction', run }];
  }
  const people = [
    ...accounts.map((each) => ({ ...each, hint: 'Your account' })),
    ...contacts.map((each) => ({ ...each, hint: 'Contact' })),
  ].map(({ name, address, hint }) => {
    const full = formatAddress(address);
    return {
      id: full,
      label: name,
      hint: `${hint} · ${shortAddress(full)}`,
      run: go(`/account/${full}`),
    };
  });
  if (target.kind === 'address') {
    const known = people.filter((item) => item.id === target.text);
    if (known.length > 0) return known;
    const run = go(`/account/${target.text}`);
    return [{ id: 'address', label: shortAddress(target.text), hint: 'Account', run }];
  }
  const pages = PAGES.map(([label, href]) => ({ id: href, label, hint: 'Go to', run: go(href) }));
  const themes = (['dark', 'light', 'system'] as const).map((theme) => ({
    id: `theme-${theme}`,
    label: theme === 'system' ? 'Follow the system’s appearance' : `Use ${theme} appearance`,
    hint: 'Command',
    run: () => setTheme(theme),
  }));
  const wanted = target.text.toLowerCase();
  return [...people, ...pages, ...themes]
    .filter((item) => item.label.toLowerCase().includes(wanted))
    .slice(0, 12);
}
