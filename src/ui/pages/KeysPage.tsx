import { useRef, useState } from 'react';
import { Link } from 'wouter';
import type { ErrorData } from '../../base/index.ts';
import { errorToData } from '../../base/index.ts';
import type { KeyKind, LocalAccount } from '../../wallet/index.ts';
import { KeyList } from '../entities/KeyList.tsx';
import { TrustPanel } from '../entities/TrustRegion.tsx';
import { useAccount, useMaySend } from '../hooks/account.ts';
import { announce } from '../hooks/announce.ts';
import type { AccountView } from '../hooks/client.ts';
import { nativeBalance } from '../hooks/last-known.ts';
import { useWallet, useWalletState } from '../hooks/services.ts';
import { requestSignature } from '../hooks/signing.ts';
import { Button, LinkButton } from '../parts/Button.tsx';
import { ErrorNotice } from '../parts/ErrorNotice.tsx';
import { Choice, TextField } from '../parts/Field.tsx';
import { Empty, Notice, Waiting } from '../parts/Notice.tsx';
import { PageHead, Panel, Row, Stack } from '../parts/Panel.tsx';
import { hasWebauthn, NoWebauthn } from './Welcome.tsx';

/** The keys of the active account: add, test, revoke. */
export default function KeysPage() {
  const { activeAccount } = useWalletState();
  return (
    <>
      <PageHead
        title="Keys"
        kicker={<Link href="/settings">Settings</Link>}
        lead="Every key is named, dated, tested, and can be revoked. Two are better than one."
      />
      {activeAccount === undefined ? (
        <Empty action={<LinkButton href="/">Create an account</LinkButton>}>
          There is no account in this browser yet.
        </Empty>
      ) : (
        <Keys account={activeAccount} />
      )}
    </>
  );
}

function Keys({ account }: { readonly account: LocalAccount }) {
  const view = useAccount(account.address);
  if (view === undefined) return <Waiting>Reading the keys from the ledger…</Waiting>;
  return (
    <>
      <Present account={account} view={view} />
      {hasWebauthn() ? <AddKey account={account} view={view} /> : <NoWebauthn />}
    </>
  );
}

function Present({ account, view }: { account: LocalAccount; view: AccountView }) {
  const wallet = useWallet();
  const [error, setError] = useState<ErrorData>();
  const revoke = async (key: AccountView['keys'][number]) => {
    if (wallet === undefined) return;
    setError(undefined);
    try {
      const { action, losses } = await wallet.revokeKey(account, key.keyId);
      const isAlone = losses.some((loss) => loss.lost.length > 0);
      requestSignature({
        account,
        actions: [action],
        warning: isAlone
          ? 'Afterwards, losing one of the remaining keys means losing the account.'
          : undefined,
        onFinal: () => void wallet.refreshAccount(account).catch(() => undefined),
      });
    } catch (caught) {
      setError(errorToData(caught));
    }
  };
  if (view.policy === undefined) {
    return (
      <Panel title="Your keys" isFlush>
        <ul>
          {account.keys.map((key) => (
            <LocalOnly key={key.keyId.join()} label={key.label} rpId={key.rpId} />
          ))}
        </ul>
      </Panel>
    );
  }
  return (
    <Stack gap={4}>
      <TrustPanel title="Your keys" of={view.trust} isFlush>
        <KeyList
          keys={view.keys}
          local={account.keys}
          actionOf={(key) =>
            view.keys.length < 2 ? null : (
              <Button look="danger" onClick={() => void revoke(key)}>
                Revoke
              </Button>
            )
          }
        />
      </TrustPanel>
      {error === undefined ? null : <ErrorNotice error={error} />}
    </Stack>
  );
}

function LocalOnly({ label, rpId }: { readonly label: string; readonly rpId: string }) {
  return (
    <li>
      <Notice kind="info" title={label}>
        Made for {rpId}. The ledger learns of it with the first transaction that you sign.
      </Notice>
    </li>
  );
}

function AddKey({ account, view }: { account: LocalAccount; view: AccountView }) {
  const wallet = useWallet();
  const maySend = useMaySend();
  const [kind, setKind] = useState<KeyKind>('security-key');
  const [label, setLabel] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ErrorData>();
  const stop = useRef<AbortController>(undefined);
  const cannotPay = (nativeBalance(view)?.amount ?? 0n) === 0n;

  const add = async () => {
    if (wallet === undefined) return;
    stop.current = new AbortController();
    setBusy(true);
    setError(undefined);
    try {
      const { signal } = stop.current;
      const name = label.trim() === '' ? `Key ${view.keys.length + 1}` : label.trim();
      const added = await wallet.addKey(account, { kind, label: name, signal });
      requestSignature({
        account,
        actions: [added.action],
        onFinal: () => {
          wallet.keepKey(account, added.key).then(
            () => announce('The new key is on the ledger and was tested.'),
            (caught: unknown) => setError(errorToData(caught)),
          );
        },
      });
      setLabel('');
    } catch (caught) {
      setError(errorToData(caught));
    } finally {
      setBusy(false);
    }
  };

  return (
    <Panel title="Add a key">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void add();
        }}
      >
        <Stack gap={4}>
          <Choice
            legend="Where it lives"
            value={kind}
            onChange={setKind}
            options={[
              { value: 'security-key', label: 'Security key' },
              { value: 'passkey', label: 'Passkey on a device' },
            ]}
          />
          <TextField
            label="Name"
            hint="Others can read it on the ledger."
            value={label}
            maxLength={32}
            placeholder={kind === 'passkey' ? 'My phone' : 'Blue stick'}
            onChange={(event) => setLabel(event.target.value)}
          />
          <p>
            Your device asks twice: once to make the key, once to test it. Then you sign the change
            with a key that you have already.
          </p>
          {cannotPay ? (
            <Notice kind="info">Adding a key costs a small fee: get some coins first.</Notice>
          ) : null}
          {maySend.may ? null : <Notice kind="warning">{maySend.why}</Notice>}
          <Row>
            <Button
              type="submit"
              look="primary"
              isBusy={isBusy}
              disabled={cannotPay || !maySend.may}
            >
              Add key
            </Button>
            {isBusy ? (
              <Button look="quiet" onClick={() => stop.current?.abort()}>
                Cancel
              </Button>
            ) : null}
          </Row>
          {error === undefined ? null : <ErrorNotice error={error} />}
        </Stack>
      </form>
    </Panel>
  );
}
