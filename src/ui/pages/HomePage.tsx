import { ArrowDownToLine, ArrowUpFromLine, ScanLine } from 'lucide-react';
import { Link } from 'wouter';
import { formatAddress } from '../../sdk/index.ts';
import type { LocalAccount } from '../../wallet/index.ts';
import { AmountView } from '../entities/AmountView.tsx';
import { HistoryView } from '../entities/HistoryView.tsx';
import { Seal } from '../entities/Seal.tsx';
import { TrustPanel, TrustRegion } from '../entities/TrustRegion.tsx';
import { TrustSign } from '../entities/TrustSign.tsx';
import { formatHeight } from '../format/number.ts';
import { within } from '../format/standing.ts';
import { shortAddress } from '../format/text.ts';
import { formatAge, formatClock } from '../format/time.ts';
import { unlisted } from '../format/unlisted.ts';
import { cachedBalance, useAccount } from '../hooks/account.ts';
import { useAsk } from '../hooks/ask.ts';
import { isNative, useNative } from '../hooks/assets.ts';
import type { AccountView } from '../hooks/client.ts';
import { useNow } from '../hooks/clock.ts';
import { chaptersOf } from '../hooks/history.ts';
import { nativeBalance } from '../hooks/last-known.ts';
import { useLive, useWalletReady } from '../hooks/live.ts';
import { useWalletState } from '../hooks/services.ts';
import { LinkButton } from '../parts/Button.tsx';
import { CopyButton } from '../parts/CopyButton.tsx';
import { ErrorNotice } from '../parts/ErrorNotice.tsx';
import { Empty, Waiting } from '../parts/Notice.tsx';
import { PageTitle, Panel } from '../parts/Panel.tsx';
import styles from './HomePage.module.css';
import { Tasks } from './Tasks.tsx';
import { Welcome } from './Welcome.tsx';

/** The account, its balance, what to do next, and what happened. */
export default function HomePage() {
  const isReady = useWalletReady();
  const { activeAccount } = useWalletState();
  if (activeAccount !== undefined) return <AccountHome account={activeAccount} />;
  return <Welcome isReady={isReady} />;
}

function AccountHome({ account }: { readonly account: LocalAccount }) {
  const view = useAccount(account.address);
  return (
    <>
      <Letterhead account={account} view={view} />
      <Tasks account={account} view={view} />
      {view === undefined ? null : <OtherAssets view={view} />}
      <Activities account={account} view={view} />
    </>
  );
}

function Letterhead({ account, view }: { account: LocalAccount; view: AccountView | undefined }) {
  const text = formatAddress(account.address);
  return (
    <section className={styles.letterhead} aria-label="Account">
      <Seal bytes={account.address} size={144} className={styles.watermark} />
      <div className={styles.holder}>
        <Seal bytes={account.address} size={40} />
        <div className={styles.names}>
          <PageTitle className={styles.name}>{account.name}</PageTitle>
          <p className={styles.address}>
            <Link href={`/account/${text}`}>{shortAddress(text)}</Link>
            <CopyButton text={text} label="Copy address" />
          </p>
        </div>
      </div>
      <Balance account={account} view={view} />
      <div className={styles.deeds}>
        <LinkButton href="/send" look="primary" icon={<ArrowUpFromLine size={18} aria-hidden />}>
          Send
        </LinkButton>
        <LinkButton href="/receive" icon={<ArrowDownToLine size={18} aria-hidden />}>
          Receive
        </LinkButton>
        <LinkButton href="/scan" icon={<ScanLine size={18} aria-hidden />}>
          Scan
        </LinkButton>
      </div>
    </section>
  );
}

function Balance({ account, view }: { account: LocalAccount; view: AccountView | undefined }) {
  const now = useNow();
  const native = useNative();
  const head = useLive((live) => live.status?.head);
  const cached = cachedBalance(account.address);
  if (native === undefined || (view === undefined && cached === undefined)) {
    return <Waiting>Reading your balance…</Waiting>;
  }
  if (view === undefined && cached !== undefined) {
    return (
      <TrustRegion of="cached">
        <div className={styles.balance}>
          <AmountView of={{ value: cached.amount, standing: 'cached' }} {...native} isLarge />
          <TrustSign trust="cached" note={`as of ${formatClock(cached.atMs, now)}`} />
        </div>
      </TrustRegion>
    );
  }
  if (view === undefined) return null;
  const age = head === undefined ? undefined : `${formatAge(now - head.timestampMs)} ago`;
  const note = age === 'now ago' ? 'just now' : age;
  const asOf =
    head === undefined
      ? `as of block ${formatHeight(view.height)}`
      : `as of block ${formatHeight(head.height)}, ${formatClock(head.timestampMs, now)}`;
  return (
    <TrustRegion of={view.trust}>
      <div className={styles.balance} data-testid="balance">
        <AmountView of={within(view, nativeBalance(view)?.amount ?? 0n)} {...native} isLarge />
        <TrustSign trust={view.trust} note={view.trust === 'cached' ? asOf : note} />
      </div>
    </TrustRegion>
  );
}

function OtherAssets({ view }: { readonly view: AccountView }) {
  const balances = view.balances.filter((each) => !isNative(each.asset));
  if (balances.length === 0) return null;
  return (
    <TrustPanel title="Other assets" of={view.trust} isFlush>
      <ul className={styles.assets}>
        {balances.map((balance) => (
          <li key={balance.asset.join()}>
            <span>{balance.name}</span>
            <AmountView of={within(view, balance.amount)} {...balance} />
          </li>
        ))}
      </ul>
    </TrustPanel>
  );
}

/**
 * What an empty history means: where the account holds something, something happened to it, which a
 * node may not know (of genesis, of blocks that it let go of) or not be told of yet.
 */
function nothingListed(view: AccountView | undefined): string {
  const hasMoved = view?.balances.some(({ amount }) => amount > 0n) === true;
  return hasMoved
    ? 'No transaction is listed yet. What you send and receive appears here.'
    : 'Nothing happened yet. What you send and receive appears here.';
}

function Activities({ account, view }: { account: LocalAccount; view: AccountView | undefined }) {
  const { transactions } = useWalletState();
  const history = useAsk(
    'account.history',
    { address: account.address, before: undefined, limit: 20 },
    { isLive: true },
  );
  const chapters = chaptersOf(history.value === undefined ? [] : [history.value]);
  const entries = history.value?.entries ?? [];
  const pending = unlisted(transactions, account.address, entries);
  const isReading = view === undefined || history.isAsking;
  const isLost = history.error !== undefined && history.value === undefined;
  return (
    <Panel
      title="Activity"
      isFlush
      aside={
        entries.length === 0 ? undefined : (
          <Link href={`/account/${formatAddress(account.address)}`}>All of it</Link>
        )
      }
    >
      {isReading && pending.length + entries.length === 0 && !isLost ? <Waiting /> : null}
      {isLost ? <ErrorNotice error={history.error} onRetry={history.askAgain} /> : null}
      <HistoryView
        viewer={account.address}
        chapters={isReading && entries.length === 0 ? [] : chapters}
        next={history.value?.next}
        pending={pending}
        empty={
          <Empty action={<LinkButton href="/receive">Show my address</LinkButton>}>
            {nothingListed(view)}
          </Empty>
        }
      />
    </Panel>
  );
}
