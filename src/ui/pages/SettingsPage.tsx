import { useEffect, useRef, useState } from 'react';
import { Link } from 'wouter';
import type { ErrorData } from '../../base/index.ts';
import { equalBytes, errorToData } from '../../base/index.ts';
import { formatAddress } from '../../sdk/index.ts';
import { ExportButtons, ExportState } from '../entities/HistoryExport.tsx';
import { Seal } from '../entities/Seal.tsx';
import { formatMemory } from '../format/number.ts';
import { shortAddress } from '../format/text.ts';
import { announce } from '../hooks/announce.ts';
import { useAsk } from '../hooks/ask.ts';
import { readBackup, saveBackup } from '../hooks/backup-file.ts';
import { useHistoryExport } from '../hooks/history-export.ts';
import { setTheme, usePreferences, writeCacheBytes } from '../hooks/preferences.ts';
import { useClient, useWallet, useWalletState } from '../hooks/services.ts';
import { Button, LinkButton } from '../parts/Button.tsx';
import { ErrorNotice } from '../parts/ErrorNotice.tsx';
import { Choice, SelectField, TextField } from '../parts/Field.tsx';
import { Notice } from '../parts/Notice.tsx';
import { PageHead, Panel, Row, Stack } from '../parts/Panel.tsx';
import styles from './SettingsPage.module.css';

/** Everything that can be arranged. */
export default function SettingsPage() {
  useEffect(() => {
    // The frame scrolls to the top when a page opens; a part that was named comes after it.
    const frame = requestAnimationFrame(() =>
      document.getElementById(location.hash.slice(1))?.scrollIntoView(),
    );
    return () => cancelAnimationFrame(frame);
  }, []);
  return (
    <>
      <PageHead title="Settings" />
      <Accounts />
      <Appearance />
      <Data />
      <Relays />
      <Advanced />
    </>
  );
}

function Accounts() {
  const wallet = useWallet();
  const { accounts, activeAccount } = useWalletState();
  return (
    <Panel title="Accounts and keys">
      <Stack gap={4}>
        {accounts.length === 0 ? <p>There is no account in this browser yet.</p> : null}
        <ul className={styles.accounts}>
          {accounts.map((account) => {
            const text = formatAddress(account.address);
            const isActive =
              activeAccount !== undefined && equalBytes(activeAccount.address, account.address);
            return (
              <li key={text} className={styles.account}>
                <Seal bytes={account.address} size={28} />
                <Link href={`/account/${text}`} className={styles.name}>
                  {account.name} <span className={styles.quiet}>{shortAddress(text)}</span>
                </Link>
                {isActive ? (
                  <span className={styles.quiet}>In use</span>
                ) : (
                  <Button onClick={() => wallet?.setActiveAccount(account.address)}>Use</Button>
                )}
              </li>
            );
          })}
        </ul>
        {activeAccount === undefined ? null : (
          <Rename
            key={formatAddress(activeAccount.address)}
            name={activeAccount.name}
            onRename={(name) => wallet?.renameAccount(activeAccount.address, name)}
          />
        )}
        <Row>
          <LinkButton href="/settings/keys">Keys</LinkButton>
          <LinkButton href="/contacts">Contacts</LinkButton>
          <LinkButton href="/welcome">Another account</LinkButton>
          <LinkButton href="/sign-in">Sign in</LinkButton>
        </Row>
      </Stack>
    </Panel>
  );
}

function Rename({ name, onRename }: { name: string; onRename: (name: string) => void }) {
  const [text, setText] = useState(name);
  return (
    <form
      className={styles.line}
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() === '') return;
        onRename(text.trim());
        announce('Renamed.');
      }}
    >
      <TextField
        label="Name of the account in use"
        value={text}
        maxLength={32}
        onChange={(event) => setText(event.target.value)}
      />
      <Button type="submit" disabled={text.trim() === '' || text.trim() === name}>
        Rename
      </Button>
    </form>
  );
}

function Appearance() {
  const theme = usePreferences((preferences) => preferences.theme);
  return (
    <Panel title="Appearance">
      <Choice
        legend="Colours"
        value={theme}
        onChange={setTheme}
        options={[
          { value: 'system', label: 'Like the system' },
          { value: 'light', label: 'Light' },
          { value: 'dark', label: 'Dark' },
        ]}
      />
    </Panel>
  );
}

function Data() {
  const wallet = useWallet();
  const client = useClient();
  const { activeAccount } = useWalletState();
  const saving = useHistoryExport(activeAccount?.address);
  const [error, setError] = useState<ErrorData>();
  const [strangers, setStrangers] = useState<readonly string[]>([]);
  const file = useRef<HTMLInputElement>(null);
  const attempt = async (deed: () => Promise<string> | string) => {
    setError(undefined);
    try {
      announce(await deed());
    } catch (caught) {
      setError(errorToData(caught));
    }
  };
  return (
    <Panel title={<span id="data">Your data</span>}>
      <Stack gap={4}>
        <p>
          Names, contacts, drafts, settings and relays that you added live in this browser only:
          save them now and then. Nothing in the file can sign for you, and reading it again removes
          nothing.
        </p>
        <Row>
          <Button
            disabled={wallet === undefined}
            onClick={() =>
              void attempt(async () => {
                if (wallet === undefined) return '';
                await saveBackup(wallet, client);
                return 'Saved.';
              })
            }
          >
            Save what only this browser has
          </Button>
          <Button onClick={() => file.current?.click()}>Read a saved file</Button>
          <input
            ref={file}
            type="file"
            accept="application/json,.json"
            className="visually-hidden"
            tabIndex={-1}
            aria-label="Saved file"
            onChange={(event) => {
              const [chosen] = event.target.files ?? [];
              event.target.value = '';
              if (chosen === undefined) return;
              void attempt(async () => {
                if (wallet === undefined) return '';
                setStrangers(await readBackup(wallet, client, chosen));
                return 'The file was read.';
              });
            }}
          />
        </Row>
        {strangers.length === 0 ? null : (
          <StrangeRelays relays={strangers} onDone={() => setStrangers([])} />
        )}
        {activeAccount === undefined ? null : (
          <>
            <ExportButtons of={saving} what="All transactions, " />
            <ExportState of={saving} />
          </>
        )}
        {error === undefined ? null : <ErrorNotice error={error} />}
      </Stack>
    </Panel>
  );
}

type StrangeRelaysProps = { readonly relays: readonly string[]; readonly onDone: () => void };

/** A file may name anybody: nobody is dialled before the person has seen who it is. */
function StrangeRelays({ relays, onDone }: StrangeRelaysProps) {
  const client = useClient();
  const add = () => {
    for (const multiaddr of relays) {
      // One that is away is kept all the same: the node dials again in its own time.
      void client?.call('node.addRelay', { multiaddr }).catch(() => undefined);
    }
    announce('The relays were added.');
    onDone();
  };
  return (
    <Notice
      kind="info"
      title="The file names relays that are not known here"
      action={
        <>
          <Button onClick={add}>Connect to them</Button>
          <Button onClick={onDone}>Leave them out</Button>
        </>
      }
    >
      Whoever runs them will see the address of this device.
      <ul className={styles.relays}>
        {relays.map((relay) => (
          <li key={relay}>
            <code>{relay}</code>
          </li>
        ))}
      </ul>
    </Notice>
  );
}

function Relays() {
  const client = useClient();
  const chain = useAsk('chain.info', {}, { isLive: true });
  const relays = chain.value?.knownRelays;
  const [text, setText] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ErrorData>();
  const add = async () => {
    if (client === undefined) return;
    setBusy(true);
    setError(undefined);
    try {
      await client.call('node.addRelay', { multiaddr: text.trim() });
      announce('Connected to the relay.');
      setText('');
    } catch (caught) {
      setError(errorToData(caught));
    } finally {
      chain.askAgain();
      setBusy(false);
    }
  };
  return (
    <Panel title={<span id="relays">Relays</span>}>
      <Stack gap={4}>
        <p className={styles.quiet}>
          Relays introduce tabs to each other. They carry data; they are never trusted with it.
        </p>
        <ul className={styles.relays}>
          {(relays ?? []).map((relay) => (
            <li key={relay}>
              <code>{relay}</code>
            </li>
          ))}
        </ul>
        <form
          className={styles.line}
          onSubmit={(event) => {
            event.preventDefault();
            void add();
          }}
        >
          <TextField
            label="Add a relay"
            isMono
            spellCheck={false}
            placeholder="/dns4/…/tcp/443/tls/ws/p2p/…"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <Button type="submit" isBusy={isBusy} disabled={text.trim() === ''}>
            Connect
          </Button>
        </form>
        {error === undefined ? null : <ErrorNotice error={error} />}
      </Stack>
    </Panel>
  );
}

const MEBIBYTE = 1024 * 1024;
const CACHE_CHOICES_MIB = [16, 32, 64, 128, 256, 512];

function Advanced() {
  const client = useClient();
  const storage = useAsk('node.storage', {});
  const [error, setError] = useState<ErrorData>();
  const current = storage.value?.cacheBytesMax;
  if (current === undefined) return null;
  const sizes = new Set([...CACHE_CHOICES_MIB.map((each) => each * MEBIBYTE), current]);
  const choose = async (cacheBytesMax: number) => {
    setError(undefined);
    try {
      await client?.call('node.configure', { cacheBytesMax });
      writeCacheBytes(cacheBytesMax);
      storage.askAgain();
      announce('Changed.');
    } catch (caught) {
      setError(errorToData(caught));
    }
  };
  return (
    <Panel title="Advanced">
      <Stack gap={4}>
        <SelectField
          label="Memory for state"
          hint="More makes validation faster; less is kinder to a phone."
          value={current}
          onChange={(event) => void choose(Number(event.target.value))}
        >
          {[...sizes]
            .sort((a, b) => a - b)
            .map((size) => (
              <option key={size} value={size}>
                {formatMemory(size)}
              </option>
            ))}
        </SelectField>
        {error === undefined ? null : <ErrorNotice error={error} />}
      </Stack>
    </Panel>
  );
}
