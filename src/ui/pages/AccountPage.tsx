import { Link, useParams } from 'wouter';
import { formatHex } from '../../base/index.ts';
import { formatAddress, parseAddress } from '../../sdk/index.ts';
import { AddressFull } from '../entities/AddressView.tsx';
import { AmountView } from '../entities/AmountView.tsx';
import { AssetLink } from '../entities/AssetLink.tsx';
import { ExportButtons, ExportState } from '../entities/HistoryExport.tsx';
import { HistoryView } from '../entities/HistoryView.tsx';
import { KeyList } from '../entities/KeyList.tsx';
import { AccountProofView } from '../entities/ProofView.tsx';
import { Seal } from '../entities/Seal.tsx';
import { TrustPanel } from '../entities/TrustRegion.tsx';
import { describeAddressError } from '../format/errors.ts';
import { valueText } from '../format/json.ts';
import { formatHeight, plural } from '../format/number.ts';
import { within } from '../format/standing.ts';
import { useAsk } from '../hooks/ask.ts';
import type { AccountView, Address } from '../hooks/client.ts';
import { useHistory } from '../hooks/history.ts';
import { useHistoryExport } from '../hooks/history-export.ts';
import { nativeBalance } from '../hooks/last-known.ts';
import { useLive } from '../hooks/live.ts';
import { useNames } from '../hooks/names.ts';
import { Answered } from '../parts/Answered.tsx';
import { Button, LinkButton } from '../parts/Button.tsx';
import { CopyButton } from '../parts/CopyButton.tsx';
import { ErrorNotice } from '../parts/ErrorNotice.tsx';
import { CodeBlock, Facts } from '../parts/Facts.tsx';
import { Empty, Waiting } from '../parts/Notice.tsx';
import { PageHead, PageTitle, Panel, Row, Stack } from '../parts/Panel.tsx';
import { Tabs } from '../parts/Tabs.tsx';
import styles from './AccountPage.module.css';

/** One account, anybody's: what it holds, its keys, what happened to it. */
export default function AccountPage() {
  const { address: text = '' } = useParams<{ address: string }>();
  const parsed = parseAddress(text);
  if (!parsed.ok) {
    return (
      <>
        <PageHead title="Account" />
        <Empty action={<LinkButton href="/explorer">Explorer</LinkButton>}>
          {describeAddressError(parsed.error)}
        </Empty>
      </>
    );
  }
  return <Account key={text} address={parsed.value} />;
}

function Account({ address }: { readonly address: Address }) {
  const answer = useAsk('account.get', { address }, { isLive: true });
  const known = useNames()(address);
  const text = formatAddress(address);
  return (
    <>
      <header className={styles.head}>
        <Seal bytes={address} size={64} />
        <div className={styles.names}>
          <p className={styles.kicker}>
            <Link href="/explorer">Explorer</Link> · Account
          </p>
          <PageTitle>{known?.name ?? 'Account'}</PageTitle>
          <p>
            <AddressFull address={address} />
          </p>
        </div>
        <Row>
          <CopyButton text={text} label="Copy address" />
          <LinkButton href={`/send?to=${text}`}>Send</LinkButton>
          {known === undefined ? (
            <LinkButton href={`/contacts?address=${text}`}>Add to contacts</LinkButton>
          ) : null}
        </Row>
      </header>
      <Answered answer={answer} waiting="Reading the account…">
        {(view) => (
          <Tabs
            label="Views of this account"
            tabs={[
              { id: 'summary', label: 'Summary', render: () => <Summary view={view} /> },
              { id: 'keys', label: 'Keys', render: () => <Keys view={view} /> },
              {
                id: 'raw',
                label: 'Raw',
                render: () => <Raw view={view} />,
              },
              {
                id: 'decoded',
                label: 'Decoded',
                render: () => (
                  <CodeBlock label="Account" text={valueText({ ...view, address: text })} />
                ),
              },
              { id: 'proof', label: 'Proof', render: () => <AccountProofView address={address} /> },
            ]}
          />
        )}
      </Answered>
    </>
  );
}

function Summary({ view }: { readonly view: AccountView }) {
  const native = useLive((live) => live.chain?.native);
  const balance = nativeBalance(view);
  return (
    <Stack gap={4}>
      <TrustPanel title="Balances" of={view.trust} note={`at ${formatHeight(view.height)}`}>
        {native === undefined ? null : (
          <AmountView of={within(view, balance?.amount ?? 0n)} {...native} isLarge />
        )}
        <Facts
          rows={view.balances
            .filter((each) => each !== balance)
            .map((each) => [
              each.name,
              <span key={formatHex(each.asset)}>
                <AmountView of={within(view, each.amount)} {...each} /> ·{' '}
                <AssetLink asset={each.asset} />
              </span>,
            ])}
        />
        <p className={styles.quiet}>
          {view.sequence === 0
            ? 'It has not sent anything yet.'
            : `${plural(view.sequence, 'transaction')} executed.`}
        </p>
      </TrustPanel>
      <HistoryPanel address={view.address} />
    </Stack>
  );
}

function HistoryPanel({ address }: { readonly address: Address }) {
  const history = useHistory(address);
  const saving = useHistoryExport(address);
  return (
    <Panel title="Transactions" isFlush aside={<ExportButtons of={saving} look="quiet" />}>
      <div className={styles.saving}>
        <ExportState of={saving} />
      </div>
      {history.newest.isAsking ? <Waiting /> : null}
      {history.newest.error !== undefined && history.newest.value === undefined ? (
        <ErrorNotice error={history.newest.error} onRetry={history.newest.askAgain} />
      ) : null}
      <HistoryView viewer={address} chapters={history.chapters} next={history.next} />
      {history.error === undefined ? null : <ErrorNotice error={history.error} />}
      {history.next !== undefined ? (
        <div className={styles.older}>
          <Button onClick={() => void history.loadOlder()}>Older transactions</Button>
        </div>
      ) : null}
    </Panel>
  );
}

function Keys({ view }: { readonly view: AccountView }) {
  if (view.policy === undefined) {
    return (
      <Empty>
        The ledger holds no record of its keys yet. It is written with the first transaction that
        the account signs.
      </Empty>
    );
  }
  const { thresholds } = view.policy;
  return (
    <Stack gap={4}>
      <TrustPanel title="Keys" of={view.trust} isFlush>
        <KeyList keys={view.keys} />
      </TrustPanel>
      <TrustPanel title="Signing rules" of={view.trust}>
        <Facts
          rows={[
            ['Everyday', `weight ${thresholds.everyday}: payments`],
            ['Guarded', `weight ${thresholds.guarded}: minting, burning`],
            ['Vault', `weight ${thresholds.vault}: changes of keys and rules`],
          ]}
        />
      </TrustPanel>
    </Stack>
  );
}

function Raw({ view }: { readonly view: AccountView }) {
  return (
    <Stack gap={4}>
      <CodeBlock label="Address bytes" text={formatHex(view.address)} />
      {view.keys.map((key) => (
        <CodeBlock
          key={formatHex(key.keyId)}
          label={`Public key ${formatHex(key.keyId).slice(0, 8)}`}
          text={formatHex(key.record.key.publicKey)}
        />
      ))}
    </Stack>
  );
}
