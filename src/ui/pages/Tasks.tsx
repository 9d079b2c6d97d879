import { useEffect, useState } from 'react';
import type { ErrorData } from '../../base/index.ts';
import { errorToData, TabellionError } from '../../base/index.ts';
import { formatAddress } from '../../sdk/index.ts';
import type { LocalAccount } from '../../wallet/index.ts';
import { AmountView } from '../entities/AmountView.tsx';
import { Figure } from '../entities/TrustRegion.tsx';
import { stated } from '../format/standing.ts';
import { announce } from '../hooks/announce.ts';
import type { AccountView } from '../hooks/client.ts';
import { useInstall } from '../hooks/install.ts';
import { nativeBalance } from '../hooks/last-known.ts';
import { useLive } from '../hooks/live.ts';
import { useClient } from '../hooks/services.ts';
import { Button, LinkButton } from '../parts/Button.tsx';
import { ErrorNotice } from '../parts/ErrorNotice.tsx';
import { Notice } from '../parts/Notice.tsx';

type TasksProps = { readonly account: LocalAccount; readonly view: AccountView | undefined };

/** What is left to do for this account; each card stays until it is done. */
export function Tasks({ account, view }: TasksProps) {
  const balance = view === undefined ? undefined : (nativeBalance(view)?.amount ?? 0n);
  const keyCount = Math.max(view?.keys.length ?? 0, view?.policy?.keys.length ?? 0, 1);
  return (
    <>
      {balance === 0n ? <TestCoins key={formatAddress(account.address)} account={account} /> : null}
      {balance !== undefined && balance > 0n && keyCount < 2 ? (
        <Notice
          kind="warning"
          title={
            <>
              Add a second key — <Figure of="counted">1 of 2 done</Figure>
            </>
          }
          action={<LinkButton href="/settings/keys">Add</LinkButton>}
        >
          With one key, losing it means losing the account. A second one takes a minute.
        </Notice>
      ) : null}
      {balance !== undefined && balance > 0n ? <Keep /> : null}
    </>
  );
}

const GRANTED = 'Test coins are on their way';
const ARRIVED = 'Test coins arrived';

/** Coins to try things out with, on networks whose genesis names a faucet. */
export function TestCoins({ account }: { readonly account: LocalAccount }) {
  const client = useClient();
  const chain = useLive((live) => live.chain);
  const [way, setWay] = useState<'asked' | 'granted' | 'arrived'>();
  const [error, setError] = useState<ErrorData>();
  if (chain?.faucet === undefined) return null;
  const refuse = (why: unknown) => {
    setWay(undefined);
    setError(errorToData(why));
  };
  const ask = async () => {
    if (client === undefined) return;
    setWay('asked');
    setError(undefined);
    try {
      const { id } = await client.call('faucet.request', { address: account.address });
      setWay('granted');
      announce(`${GRANTED}.`);
      // Said also where this card is gone by then.
      const end = client.subscribe(
        'transaction',
        { id },
        ({ stage }) => {
          const isLost = stage === 'failed' || stage === 'expired';
          if (!isLost && stage !== 'final') return;
          end();
          if (isLost) {
            refuse(new TabellionError('grant-failed'));
            return;
          }
          setWay('arrived');
          announce(`${ARRIVED}.`);
        },
        // Nothing more is heard of them; the balance tells by itself whether they came.
        refuse,
      );
    } catch (caught) {
      refuse(caught);
    }
  };
  if (error !== undefined) return <ErrorNotice error={error} onRetry={ask} />;
  return (
    <Notice
      kind="info"
      title={way === 'arrived' ? ARRIVED : way === 'granted' ? GRANTED : 'Get test coins'}
      action={
        way === 'arrived' ? undefined : (
          <Button look="primary" onClick={ask} isBusy={way !== undefined}>
            Get coins
          </Button>
        )
      }
    >
      {way === 'arrived' || way === 'granted' ? undefined : (
        <>
          This network gives <AmountView of={stated(chain.faucet.amount)} {...chain.native} /> to
          try things out. They are worth nothing elsewhere.
        </>
      )}
    </Notice>
  );
}

/** Offered after the first receipt, not before: a reason to keep the app is there by then. */
function Keep() {
  const install = useInstall();
  const [isPersisted, setPersisted] = useState<boolean>();
  const [isLater, setLater] = useState(() => readLater());
  useEffect(() => {
    void navigator.storage?.persisted?.().then(setPersisted, () => undefined);
  }, []);
  if (isLater || isPersisted !== false) return null;
  const keep = async () => {
    setPersisted(await navigator.storage.persist());
    if (install !== undefined) await install();
    writeLater();
    setLater(true);
  };
  return (
    <Notice
      kind="info"
      title="Keep this wallet close"
      action={
        <>
          <Button onClick={keep}>{install === undefined ? 'Keep data' : 'Install'}</Button>
          <Button
            look="quiet"
            onClick={() => {
              writeLater();
              setLater(true);
            }}
          >
            Not now
          </Button>
        </>
      }
    >
      It opens faster, works offline, and the browser keeps what it verified.
    </Notice>
  );
}

const LATER_KEY = 'tabellion.keep-later';

function readLater(): boolean {
  try {
    return localStorage.getItem(LATER_KEY) !== null;
  } catch {
    return false;
  }
}

function writeLater(): void {
  try {
    localStorage.setItem(LATER_KEY, '1');
  } catch {
    // Asked again on the next visit.
  }
}
