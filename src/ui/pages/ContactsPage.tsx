import { useState } from 'react';
import { Link, useSearch } from 'wouter';
import type { ErrorData } from '../../base/index.ts';
import { errorToData } from '../../base/index.ts';
import { formatAddress } from '../../sdk/index.ts';
import type { Contact } from '../../wallet/index.ts';
import { AddressFull } from '../entities/AddressView.tsx';
import { RecipientField, useRecipient } from '../entities/RecipientField.tsx';
import { Seal } from '../entities/Seal.tsx';
import { announce } from '../hooks/announce.ts';
import { useWallet, useWalletState } from '../hooks/services.ts';
import { Button, LinkButton } from '../parts/Button.tsx';
import { ErrorNotice } from '../parts/ErrorNotice.tsx';
import { TextField } from '../parts/Field.tsx';
import { Empty } from '../parts/Notice.tsx';
import { PageHead, Panel, Row, Stack } from '../parts/Panel.tsx';
import styles from './ContactsPage.module.css';

/** Names for addresses, kept in this browser alone. */
export default function ContactsPage() {
  const { contacts } = useWalletState();
  return (
    <>
      <PageHead title="Contacts" lead="Only this browser knows these names." />
      <Panel isFlush title="People">
        {contacts.length === 0 ? (
          <Empty>Nobody yet. Add the first one below.</Empty>
        ) : (
          <ul>
            {contacts.map((contact) => (
              <ContactRow key={formatAddress(contact.address)} contact={contact} />
            ))}
          </ul>
        )}
      </Panel>
      <AddContact />
    </>
  );
}

function ContactRow({ contact }: { readonly contact: Contact }) {
  const wallet = useWallet();
  const text = formatAddress(contact.address);
  const [isSure, setSure] = useState(false);
  return (
    <li className={styles.contact}>
      <Seal bytes={contact.address} size={40} />
      <div className={styles.words}>
        <Link href={`/account/${text}`} className={styles.name}>
          {contact.name}
        </Link>
        <AddressFull address={contact.address} />
      </div>
      <Row>
        <LinkButton href={`/send?to=${text}`}>Send</LinkButton>
        <Button
          look={isSure ? 'danger' : 'quiet'}
          onBlur={() => setSure(false)}
          onClick={() => {
            if (!isSure) {
              setSure(true);
              return;
            }
            wallet?.removeContact(contact.address);
            announce(`${contact.name} removed.`);
          }}
        >
          {isSure ? 'Really remove' : 'Remove'}
        </Button>
      </Row>
    </li>
  );
}

function AddContact() {
  const wallet = useWallet();
  const [name, setName] = useState('');
  const told = new URLSearchParams(useSearch()).get('address') ?? '';
  const [text, setText] = useState(told);
  const [error, setError] = useState<ErrorData>();
  const recipient = useRecipient(text);
  const add = () => {
    if (wallet === undefined || recipient.address === undefined || name.trim() === '') return;
    try {
      wallet.saveContact({ name: name.trim(), address: recipient.address });
      announce(`${name.trim()} added.`);
      setName('');
      setText('');
      setError(undefined);
    } catch (caught) {
      setError(errorToData(caught));
    }
  };
  return (
    <Panel title="Add a contact">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          add();
        }}
      >
        <Stack gap={4}>
          <TextField
            label="Name"
            value={name}
            maxLength={48}
            onChange={(event) => setName(event.target.value)}
          />
          <RecipientField
            label="Address"
            takesNames={false}
            text={text}
            onText={setText}
            recipient={recipient}
          />
          {error === undefined ? null : <ErrorNotice error={error} />}
          <div>
            <Button type="submit" disabled={recipient.address === undefined || name.trim() === ''}>
              Add
            </Button>
          </div>
        </Stack>
      </form>
    </Panel>
  );
}
