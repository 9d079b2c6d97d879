import { Link, useParams } from 'wouter';
import type { Json } from '../../base/index.ts';
import { formatHex, isJsonObject, parseHex } from '../../base/index.ts';
import type { Hash } from '../../sdk/index.ts';
import { parseAddress } from '../../sdk/index.ts';
import { ActionView } from '../entities/ActionView.tsx';
import { AddressLink } from '../entities/AddressView.tsx';
import { AmountView, AssetAmount } from '../entities/AmountView.tsx';
import { AssetLink } from '../entities/AssetLink.tsx';
import { BlockLink, HashText } from '../entities/Links.tsx';
import { TransactionProofView } from '../entities/ProofView.tsx';
import { StageSign } from '../entities/StageSign.tsx';
import { TrustRegion } from '../entities/TrustRegion.tsx';
import { TrustSign } from '../entities/TrustSign.tsx';
import { titleOfKind } from '../format/activity.ts';
import { describeError } from '../format/errors.ts';
import { valueText } from '../format/json.ts';
import { formatBytes, formatCount, formatHeight } from '../format/number.ts';
import { stated, within } from '../format/standing.ts';
import { wordsOf } from '../format/text.ts';
import { formatDateTime } from '../format/time.ts';
import { useAsk, useTopic } from '../hooks/ask.ts';
import { useNative } from '../hooks/assets.ts';
import type { AssetId, TransactionView } from '../hooks/client.ts';
import { Answered } from '../parts/Answered.tsx';
import { LinkButton } from '../parts/Button.tsx';
import { CodeBlock, Facts } from '../parts/Facts.tsx';
import { Empty, Notice } from '../parts/Notice.tsx';
import { PageHead, Panel, Row, Stack } from '../parts/Panel.tsx';
import { Tabs } from '../parts/Tabs.tsx';

/** One transaction: what it does, where it is, and the proof. */
export default function TransactionPage() {
  const { id = '' } = useParams<{ id: string }>();
  const parsed = parseHex(id);
  if (!parsed.ok || parsed.value.length !== 32) {
    return (
      <>
        <PageHead title="Transaction" />
        <Empty action={<LinkButton href="/explorer">Explorer</LinkButton>}>
          “{id}” is not the id of a transaction.
        </Empty>
      </>
    );
  }
  return <Found id={parsed.value as Hash} />; // 32 bytes, checked above.
}

function Found({ id }: { readonly id: Hash }) {
  const told = useTopic('transaction', { id });
  const answer = useAsk('transaction.get', { id }, { isLive: told?.stage !== 'final' });
  return (
    <Answered
      answer={answer}
      waiting="Reading the transaction…"
      head={<PageHead title="Transaction" kicker={<Link href="/explorer">Explorer</Link>} />}
    >
      {(view) => <Transaction view={view} />}
    </Answered>
  );
}

function Transaction({ view }: { readonly view: TransactionView }) {
  const { actions } = view.transaction.body;
  const [first] = actions;
  return (
    <TrustRegion of={view.trust}>
      <PageHead
        title={first === undefined ? 'Transaction' : titleOfKind(first.kind)}
        kicker={
          <>
            <Link href="/explorer">Explorer</Link> · Transaction
          </>
        }
        aside={
          <Row>
            <StageSign stage={view.status.stage} />
            <TrustSign trust={view.trust} />
          </Row>
        }
      />
      <Tabs
        label="Views of this transaction"
        tabs={[
          { id: 'summary', label: 'Summary', render: () => <Summary view={view} /> },
          {
            id: 'raw',
            label: 'Raw',
            render: () => <CodeBlock label="Signed bytes" text={formatHex(view.bytes)} />,
          },
          {
            id: 'decoded',
            label: 'Decoded',
            render: () => <Decoded view={view} />,
          },
          {
            id: 'proof',
            label: 'Proof',
            render: () =>
              view.status.height === undefined ? (
                <Empty>There is a proof as soon as a block holds it.</Empty>
              ) : (
                <TransactionProofView id={view.id} />
              ),
          },
        ]}
      />
    </TrustRegion>
  );
}

function Summary({ view }: { readonly view: TransactionView }) {
  const native = useNative();
  const { body } = view.transaction;
  const { status, receipt } = view;
  return (
    <Stack gap={4}>
      {receipt?.outcome.kind === 'failed' ? (
        <Notice kind="danger" title={`Failed: ${describeError(receipt.outcome).title}`}>
          Nothing changed but the fee. Code: {receipt.outcome.code}.
        </Notice>
      ) : null}
      <Panel>
        {body.actions.map((action, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: an action is its place.
          <ActionView key={`${at}-${action.kind}`} action={action} />
        ))}
      </Panel>
      <Logs of={view} />
      <Panel title="Details">
        <Facts
          rows={[
            ['Id', <HashText key="id" bytes={view.id} copies="transaction id" />],
            ['Sender', <AddressLink key="sender" address={body.sender} />],
            body.memo === '' ? undefined : ['Public note', `“${body.memo}”`],
            [
              'Block',
              status.height === undefined ? (
                'None yet'
              ) : (
                <BlockLink key="b" height={status.height} />
              ),
            ],
            status.includedAtMs === undefined
              ? undefined
              : ['Included', formatDateTime(status.includedAtMs)],
            status.finalAtMs === undefined
              ? undefined
              : ['Final', formatDateTime(status.finalAtMs)],
            [
              'Fee',
              native === undefined ? (
                '…'
              ) : receipt === undefined ? (
                <span key="fee">
                  at most <AmountView of={stated(body.feeMax)} {...native} />
                </span>
              ) : (
                <AmountView key="fee" of={within(view, receipt.feeCharged)} {...native} />
              ),
            ],
            receipt === undefined
              ? undefined
              : ['Paid by', <AddressLink key="payer" address={receipt.payer} />],
            [
              'Gas',
              receipt === undefined
                ? `at most ${formatCount(body.gasLimit)}`
                : `${formatCount(receipt.gasUsed)} of ${formatCount(body.gasLimit)}`,
            ],
            ['Sequence', formatCount(body.sequence)],
            ['Valid', `${formatHeight(body.validFrom)} to ${formatHeight(body.validUntil)}`],
            ['Size', formatBytes(view.bytes.length)],
          ]}
        />
      </Panel>
    </Stack>
  );
}

function Logs({ of: view }: { readonly of: TransactionView }) {
  const { logs } = view;
  if (logs.length === 0) return null;
  return (
    <Panel title="What happened">
      <Stack>
        {logs.map((log, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a log is its place.
          <Stack key={`${at}-${log.kind}`} gap={2}>
            <strong>{wordsOf(log.kind)}</strong>
            <Facts
              rows={[
                [
                  'Accounts',
                  <Row key="accounts">
                    {log.accounts.map((account) => (
                      <AddressLink key={formatHex(account)} address={account} />
                    ))}
                  </Row>,
                ],
                ...(isJsonObject(log.fields) ? Object.entries(log.fields) : []).map(
                  ([name, value]) =>
                    [
                      wordsOf(name),
                      <Field key={name} {...{ name, value, trust: view.trust }} log={log} />,
                    ] as const,
                ),
              ]}
            />
          </Stack>
        ))}
      </Stack>
    </Panel>
  );
}

type FieldProps = {
  readonly name: string;
  readonly value: Json;
  readonly trust: TransactionView['trust'];
  readonly log: TransactionView['logs'][number];
};

/** A field of a log in its JSON form: addresses and assets become links, amounts get a unit. */
function Field({ name, value, trust, log }: FieldProps) {
  const parsed = typeof value === 'string' ? parseAddress(value) : undefined;
  if (parsed?.ok === true) return <AddressLink address={parsed.value} />;
  const asset = assetOf(log);
  if (asset !== undefined && name === 'asset') return <AssetLink asset={asset} />;
  const amount = typeof value === 'string' && AMOUNTS.has(name) ? amountOf(value) : undefined;
  if (asset !== undefined && amount !== undefined) {
    return <AssetAmount of={within({ trust }, amount)} asset={asset} />;
  }
  return <code>{typeof value === 'string' ? value : JSON.stringify(value)}</code>;
}

/** Fields of logs that count the asset which the log names, as decimal digits. */
const AMOUNTS = new Set(['amount', 'supply']);

function amountOf(digits: string): bigint | undefined {
  return /^\d{1,39}$/.test(digits) ? BigInt(digits) : undefined;
}

function assetOf({ fields }: TransactionView['logs'][number]): AssetId | undefined {
  if (!isJsonObject(fields) || typeof fields.asset !== 'string') return undefined;
  const parsed = parseHex(fields.asset);
  // An id by its length, and by the schema of the modules that log one.
  return parsed.ok && parsed.value.length === 32 ? (parsed.value as AssetId) : undefined;
}

function Decoded({ view }: { readonly view: TransactionView }) {
  return (
    <Stack gap={4}>
      <CodeBlock label="Body" text={valueText(view.transaction.body)} />
      <CodeBlock
        label="Signatures"
        text={valueText({ sender: view.transaction.sender, sponsor: view.transaction.sponsor })}
      />
      {view.receipt === undefined ? null : (
        <CodeBlock label="Receipt" text={valueText(view.receipt)} />
      )}
    </Stack>
  );
}
