import { ChevronLeft, ChevronRight } from 'lucide-react';
import { Link, useParams } from 'wouter';
import { formatHex, parseHex } from '../../base/index.ts';
import type { Hash, Height } from '../../sdk/index.ts';
import { ActionTitle } from '../entities/ActionView.tsx';
import { ActivityAmount } from '../entities/ActivityList.tsx';
import { AddressLink } from '../entities/AddressView.tsx';
import { HashText, TransactionLink } from '../entities/Links.tsx';
import { FinalityProof } from '../entities/ProofView.tsx';
import { StageSign } from '../entities/StageSign.tsx';
import { TrustRegion } from '../entities/TrustRegion.tsx';
import { TrustSign } from '../entities/TrustSign.tsx';
import { ValidatorName } from '../entities/ValidatorName.tsx';
import { valueText } from '../format/json.ts';
import { formatBytes, formatCount, formatHeight, plural } from '../format/number.ts';
import { describePayees } from '../format/payees.ts';
import { formatDateTime } from '../format/time.ts';
import { useAsk } from '../hooks/ask.ts';
import type { BlockView } from '../hooks/client.ts';
import { useLive } from '../hooks/live.ts';
import { Answered } from '../parts/Answered.tsx';
import { LinkButton } from '../parts/Button.tsx';
import { CodeBlock, Facts } from '../parts/Facts.tsx';
import { Empty } from '../parts/Notice.tsx';
import { PageHead, Panel, Row, Stack } from '../parts/Panel.tsx';
import { Table } from '../parts/Table.tsx';
import { Tabs } from '../parts/Tabs.tsx';

/** One block: what it holds, why it is final. */
export default function BlockPage() {
  const { id = '' } = useParams<{ id: string }>();
  const isHeight = /^\d{1,15}$/.test(id);
  const parsed = parseHex(id);
  const isHash = parsed.ok && parsed.value.length === 32;
  if (!isHeight && !isHash) {
    return (
      <>
        <PageHead title="Block" />
        <Empty action={<LinkButton href="/explorer">Explorer</LinkButton>}>
          “{id}” is neither a height nor the hash of a block.
        </Empty>
      </>
    );
  }
  // Fifteen digits at most are below 2^53, the bound of a height.
  return (
    <Found question={isHeight ? { height: Number(id) as Height } : { hash: hashOf(parsed) }} />
  );
}

function hashOf(parsed: ReturnType<typeof parseHex>): Hash {
  return (parsed.ok ? parsed.value : new Uint8Array(32)) as Hash; // 32 bytes, checked above.
}

function Found({ question }: { question: { height: Height } | { hash: Hash } }) {
  const headHeight = useLive((live) => live.status?.head.height ?? 0);
  // One that is not decided yet appears by itself.
  const isAhead = 'height' in question && question.height > headHeight;
  const answer = useAsk('block.get', question, { isLive: isAhead });
  const title = 'height' in question ? `Block ${formatHeight(question.height)}` : 'Block';
  return (
    <Answered
      answer={answer}
      waiting={`Reading ${title.toLowerCase()}…`}
      head={<PageHead title={title} kicker={<Link href="/explorer">Explorer</Link>} />}
    >
      {(block) => <Block block={block} />}
    </Answered>
  );
}

function Block({ block }: { readonly block: BlockView }) {
  const { height } = block.header;
  const isNewest = useLive((live) => (live.status?.head.height ?? height) <= height);
  return (
    <TrustRegion of={block.trust}>
      <PageHead
        title={`Block ${formatHeight(height)}`}
        kicker={<Link href="/explorer">Explorer</Link>}
        aside={
          <Row>
            <StageSign stage="final" />
            <TrustSign trust={block.trust} />
            <Row>
              <LinkButton
                href={height === 0 ? undefined : `/block/${height - 1}`}
                icon={<ChevronLeft size={18} aria-hidden />}
              >
                Earlier
              </LinkButton>
              <LinkButton
                href={isNewest ? undefined : `/block/${height + 1}`}
                icon={<ChevronRight size={18} aria-hidden />}
              >
                Later
              </LinkButton>
            </Row>
          </Row>
        }
      />
      <Tabs
        label="Views of this block"
        tabs={[
          { id: 'summary', label: 'Summary', render: () => <Summary block={block} /> },
          {
            id: 'raw',
            label: 'Raw',
            render: () => <CodeBlock label="Hash" text={formatHex(block.hash)} />,
          },
          {
            id: 'decoded',
            label: 'Decoded',
            render: () => <CodeBlock label="Header" text={valueText(block.header)} />,
          },
          {
            id: 'proof',
            label: 'Proof',
            render: () => <FinalityProof block={block} />,
          },
        ]}
      />
    </TrustRegion>
  );
}

function Summary({ block }: { readonly block: BlockView }) {
  const { header } = block;
  return (
    <Stack gap={4}>
      <Panel>
        <Facts
          rows={[
            ['Hash', <HashText key="hash" bytes={block.hash} copies="block hash" />],
            ['Time', formatDateTime(header.timestampMs)],
            [
              'Parent',
              header.height === 0 ? (
                'None: this is where the network begins'
              ) : (
                <Link key="parent" href={`/block/${header.height - 1}`}>
                  <HashText bytes={header.parentHash} isShort />
                </Link>
              ),
            ],
            ['Proposer', <ValidatorName key="proposer" publicKey={header.proposer} />],
            ['Size', formatBytes(block.sizeBytes)],
            ['Gas', formatCount(header.gasUsed)],
            [
              'Votes',
              block.certificate === undefined
                ? 'None needed: the name of the network is its hash'
                : votesOf(block.certificate),
            ],
            ['State root', <HashText key="state" bytes={header.stateRoot} copies="state root" />],
          ]}
        />
      </Panel>
      <Transactions block={block} />
    </Stack>
  );
}

function votesOf({ signatures, round }: NonNullable<BlockView['certificate']>): string {
  return `${plural(signatures.length, 'signature')}, round ${round}`;
}

const HEAD = ['Id', 'What', 'From', 'To', 'Amount', 'State'];

function Transactions({ block }: { readonly block: BlockView }) {
  return (
    <Panel title={`Transactions (${formatCount(block.transactionCount)})`} isFlush>
      {block.transactions.length === 0 ? (
        <Empty>None. Blocks like this one say that the network is awake.</Empty>
      ) : (
        <Table caption="Transactions of this block" head={HEAD}>
          {block.transactions.map((each) => (
            <TransactionRow key={formatHex(each.id)} of={each} trust={block.trust} />
          ))}
        </Table>
      )}
    </Panel>
  );
}

type TransactionRowProps = {
  readonly of: BlockView['transactions'][number];
  readonly trust: BlockView['trust'];
};

/** From whom to whom, and how much: of all that it hands over, not of the first of it. */
function TransactionRow({ of: { id, transaction, receipt }, trust }: TransactionRowProps) {
  const faucetAmount = useLive((live) => live.chain?.faucet?.amount);
  const { sender, actions } = transaction.body;
  const { recipients, assetCount, amount, asset } = describePayees({ actions, faucetAmount });
  const [recipient] = recipients;
  const hasMoved = receipt.outcome.kind !== 'failed';
  const isUnmoved = !hasMoved && recipient !== undefined;
  return (
    <tr>
      <td>
        <TransactionLink id={id} />
      </td>
      <td>
        <ActionTitle actions={actions} />
      </td>
      <td>
        <AddressLink address={sender} />
      </td>
      <td>
        {recipient === undefined ? null : recipients.length > 1 ? (
          plural(recipients.length, 'payee')
        ) : (
          <AddressLink address={recipient} />
        )}
      </td>
      <td>
        {assetCount > 1 && hasMoved ? (
          plural(assetCount, 'asset')
        ) : (
          <ActivityAmount
            // What failed moved nothing of all that it was about.
            activity={{ amount: isUnmoved ? 0n : amount, asset, direction: undefined }}
            standing={trust}
            hasMoved={hasMoved}
          />
        )}
      </td>
      <td>
        <StageSign stage={hasMoved ? 'final' : 'failed'} />
      </td>
    </tr>
  );
}
