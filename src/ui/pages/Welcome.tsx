import { Fingerprint, KeyRound } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import type { ErrorData } from '../../base/index.ts';
import { errorToData } from '../../base/index.ts';
import type { KeyKind } from '../../wallet/index.ts';
import { Seal } from '../entities/Seal.tsx';
import { announce } from '../hooks/announce.ts';
import { useWallet } from '../hooks/services.ts';
import { Button, LinkButton } from '../parts/Button.tsx';
import { ErrorNotice } from '../parts/ErrorNotice.tsx';
import { TextField } from '../parts/Field.tsx';
import { Notice } from '../parts/Notice.tsx';
import { PageTitle } from '../parts/Panel.tsx';
import styles from './Welcome.module.css';

/** Whether this browser can make and use keys at all. */
export function hasWebauthn(): boolean {
  return typeof PublicKeyCredential !== 'undefined' && isSecureContext && !isBareAddress();
}

/** Keys belong to names: WebAuthn refuses pages that were opened by an IP address. */
function isBareAddress(): boolean {
  return /^[\d.]+$|^\[/.test(location.hostname);
}

const FIGURE = Uint8Array.from([3, 2, 90, 11, 3, 1, 40, 0, 1, 2, 1, 2]);

/** First screen: one sentence, one prompt of the device, done. */
export function Welcome({ isReady }: { readonly isReady: boolean }) {
  return (
    <div className={styles.welcome}>
      <div className={styles.words}>
        <PageTitle>Your wallet is the ledger’s own witness.</PageTitle>
        <p className={styles.lead}>
          This page is a node: it checks what it shows itself and trusts no server. Your key stays
          in your device.
        </p>
        {hasWebauthn() ? <CreateAccount isReady={isReady} /> : <NoWebauthn />}
        <p className={styles.guest}>
          <Link href="/sign-in">I have an account</Link>
          <Link href="/explorer">Look around first</Link>
        </p>
      </div>
      <Seal bytes={FIGURE} size={144} className={styles.figure} />
    </div>
  );
}

function CreateAccount({ isReady }: { readonly isReady: boolean }) {
  const wallet = useWallet();
  const [, navigate] = useLocation();
  const [label, setLabel] = useState('');
  const [busy, setBusy] = useState<KeyKind>();
  const [error, setError] = useState<ErrorData>();
  const stop = useRef<AbortController>(undefined);
  useEffect(() => () => stop.current?.abort(), []);

  const create = async (kind: KeyKind) => {
    if (wallet === undefined || !isReady || busy !== undefined) return;
    stop.current = new AbortController();
    setBusy(kind);
    setError(undefined);
    try {
      const { signal } = stop.current;
      await wallet.createAccount({ kind, label: label.trim() || 'My account', signal });
      announce('Your account is ready.');
      navigate('/receive');
    } catch (caught) {
      setError(errorToData(caught));
      setBusy(undefined);
    }
  };

  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        void create('passkey');
      }}
    >
      <TextField
        label="Name for this account"
        hint="It names your first key too, and others can read that once you pay."
        value={label}
        maxLength={32}
        placeholder="My account"
        autoComplete="off"
        onChange={(event) => setLabel(event.target.value)}
      />
      <div className={styles.ways}>
        <Button
          type="submit"
          look="primary"
          icon={<Fingerprint size={20} strokeWidth={1.6} aria-hidden />}
          isBusy={busy === 'passkey' || !isReady}
        >
          Create account
        </Button>
        <Button
          icon={<KeyRound size={20} strokeWidth={1.6} aria-hidden />}
          isBusy={busy === 'security-key'}
          disabled={!isReady}
          onClick={() => void create('security-key')}
        >
          Use a security key
        </Button>
      </div>
      {busy === undefined ? null : (
        <p role="status" className={styles.prompt}>
          Follow your device’s prompt.{' '}
          <Button look="quiet" onClick={() => stop.current?.abort()}>
            Cancel
          </Button>
        </p>
      )}
      {error === undefined ? null : <ErrorNotice error={error} />}
    </form>
  );
}

/** No keys here: everything can be read, and a phone can take over. */
export function NoWebauthn() {
  if (isBareAddress()) {
    const name = `localhost:${location.port}`;
    return (
      <Notice kind="warning" title="Keys need a name, not a number">
        Open this page as <a href={`${location.protocol}//${name}/`}>{name}</a> on this machine, or
        by its domain name.
      </Notice>
    );
  }
  return (
    <Notice
      kind="warning"
      title="This browser cannot hold keys here"
      action={<LinkButton href="/explorer">Look around</LinkButton>}
    >
      You can read and verify everything. To make an account, open {location.host} on a phone or in
      a browser with passkeys, over a secure connection.
    </Notice>
  );
}
