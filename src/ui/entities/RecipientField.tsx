import { ScanLine } from 'lucide-react';
import { lazy, Suspense, useId, useMemo, useState } from 'react';
import { equalBytes } from '../../base/index.ts';
import { formatAddress, parseAddress } from '../../sdk/index.ts';
import { locateTypo } from '../format/address-typo.ts';
import { describeAddressError } from '../format/errors.ts';
import { readPaymentText } from '../format/payment-text.ts';
import type { Address } from '../hooks/client.ts';
import { useWallet, useWalletState } from '../hooks/services.ts';
import { IconButton } from '../parts/Button.tsx';
import { TextField } from '../parts/Field.tsx';
import { Notice, Waiting } from '../parts/Notice.tsx';
import { Sheet } from '../parts/Sheet.tsx';
import { AddressFull } from './AddressView.tsx';
import styles from './RecipientField.module.css';
import { Seal } from './Seal.tsx';

const QrScanner = lazy(() => import('../parts/QrScanner.tsx'));

/** What was typed, and the address it names, if it does. */
export type Recipient = {
  readonly address: Address | undefined;
  readonly problem: string | undefined;
  /** Place of the wrong character in the text without spaces. */
  readonly badAt: number | undefined;
};

/** Reads what was typed: an address, or the name of a contact. */
export function useRecipient(text: string): Recipient {
  const { contacts, accounts } = useWalletState();
  return useMemo(() => {
    const wanted = text.trim().toLowerCase();
    if (wanted === '') return { address: undefined, problem: undefined, badAt: undefined };
    const named = [...contacts, ...accounts].filter((each) => each.name.toLowerCase() === wanted);
    const [person] = named;
    if (person !== undefined && named.length === 1) {
      return { address: person.address, problem: undefined, badAt: undefined };
    }
    const parsed = parseAddress(text);
    if (parsed.ok) return { address: parsed.value, problem: undefined, badAt: undefined };
    const { error } = parsed;
    if (error.code === 'address-character-invalid') {
      return { address: undefined, problem: describeAddressError(error), badAt: error.position };
    }
    if (error.code === 'address-checksum-wrong') {
      const badAt = locateTypo(wanted.replaceAll(/\s/g, ''), (each) => parseAddress(each).ok);
      const problem =
        badAt === undefined
          ? describeAddressError(error)
          : `Look at character ${badAt + 1}: with it, the checksum does not fit.`;
      return { address: undefined, problem, badAt };
    }
    return { address: undefined, problem: describeAddressError(error), badAt: undefined };
  }, [text, contacts, accounts]);
}

type RecipientFieldProps = {
  readonly text: string;
  readonly onText: (text: string) => void;
  /** Told the amount that a scanned or pasted text asks for, as a plain decimal. */
  readonly onAmount?: (amount: string) => void;
  readonly recipient: Recipient;
  /** The form was sent off: what is wrong is said even where nothing was typed. */
  readonly isPressed?: boolean;
  readonly label?: string;
  /** False where a name would lead nowhere: the address of somebody new is asked for. */
  readonly takesNames?: boolean;
};

/** Who gets it: typed, pasted, scanned or chosen, shown back in groups with its seal. */
export function RecipientField(props: RecipientFieldProps) {
  const { text, onText, recipient, isPressed = false, label = 'To', takesNames = true } = props;
  const list = useId();
  const { contacts, activeAccount } = useWalletState();
  const wallet = useWallet();
  const [isScanning, setScanning] = useState(false);
  const [isLeft, setLeft] = useState(false);
  const { address, problem, badAt } = recipient;
  const lookalike = address === undefined ? undefined : wallet?.resemblesKnown(address);
  const take = (given: string) => {
    const asked = readPaymentText(given);
    onText(asked.address);
    if (asked.amount !== undefined) props.onAmount?.(asked.amount);
  };
  // Half of a link is none: what is typed stays as it is until it names an address.
  const isPayment = (given: string) =>
    given.includes(':') && parseAddress(readPaymentText(given).address).ok;
  const isOwn =
    address !== undefined &&
    activeAccount !== undefined &&
    equalBytes(address, activeAccount.address);
  return (
    <div className={styles.recipient}>
      <TextField
        label={label}
        isMono
        value={text}
        list={takesNames ? list : undefined}
        spellCheck={false}
        autoCapitalize="none"
        placeholder={takesNames ? 'tab1 … or a name' : 'tab1 …'}
        error={isPressed || isLeft || text.length >= 62 ? problem : undefined}
        onBlur={() => setLeft(true)}
        onChange={({ target: { value } }) => (isPayment(value) ? take(value) : onText(value))}
        suffix={
          <IconButton label="Scan a code" onClick={() => setScanning(true)}>
            <ScanLine size={20} strokeWidth={1.6} aria-hidden />
          </IconButton>
        }
      />
      <datalist id={list}>
        {contacts.map((contact) => (
          <option key={formatAddress(contact.address)} value={contact.name} />
        ))}
      </datalist>
      {badAt === undefined ? null : <MarkedAddress text={text} badAt={badAt} />}
      {address === undefined ? null : (
        <div className={styles.echo}>
          <Seal bytes={address} size={40} />
          <AddressFull address={address} />
        </div>
      )}
      {isOwn ? <Notice kind="info">This is your own account.</Notice> : null}
      {lookalike === undefined ? null : (
        <Notice kind="danger" isLive title={`This is not ${lookalike.name}`}>
          It begins and ends like the address of {lookalike.name}, but differs in between. Someone
          may have made it on purpose. {lookalike.name} is{' '}
          <AddressFull address={lookalike.address} />
        </Notice>
      )}
      {isScanning ? (
        <Sheet title="Scan a code" onClose={() => setScanning(false)}>
          <Suspense fallback={<Waiting>Opening the camera…</Waiting>}>
            <QrScanner
              onText={(scanned) => {
                take(scanned);
                setScanning(false);
              }}
            />
          </Suspense>
        </Sheet>
      ) : null}
    </div>
  );
}

function MarkedAddress({ text, badAt }: { readonly text: string; readonly badAt: number }) {
  const compact = text.replaceAll(/\s/g, '');
  const spaced = (part: string) => part.replaceAll(/(.{4})/g, '$1 ');
  // Groups of four as everywhere, cut once more where the wrong character stands.
  const start = badAt - (badAt % 4);
  return (
    <p className={styles.marked} aria-hidden="true">
      {spaced(compact.slice(0, start))}
      {compact.slice(start, badAt)}
      <mark>{compact.charAt(badAt)}</mark>
      {compact.slice(badAt + 1, start + 4)} {spaced(compact.slice(start + 4))}
    </p>
  );
}
