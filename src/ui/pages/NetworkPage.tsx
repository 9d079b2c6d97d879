import { Link } from 'wouter';
import type { Json } from '../../base/index.ts';
import { formatHex, isJsonObject } from '../../base/index.ts';
import { AmountView } from '../entities/AmountView.tsx';
import { BlockLink, HashText } from '../entities/Links.tsx';
import { Seal } from '../entities/Seal.tsx';
import { TrustPanel } from '../entities/TrustRegion.tsx';
import { formatHeight } from '../format/number.ts';
import { parameterText } from '../format/parameter.ts';
import { ofGenesis, within } from '../format/standing.ts';
import { wordsOf } from '../format/text.ts';
import { formatDateTime } from '../format/time.ts';
import { useAsk } from '../hooks/ask.ts';
import type { ChainInfo } from '../hooks/client.ts';
import { Answered } from '../parts/Answered.tsx';
import { Facts } from '../parts/Facts.tsx';
import { Empty } from '../parts/Notice.tsx';
import { PageHead } from '../parts/Panel.tsx';
import { Table } from '../parts/Table.tsx';
import { IssueAsset } from './IssueAsset.tsx';
import styles from './NetworkPage.module.css';

/** What this network is, who decides in it, and by which rules. */
export default function NetworkPage() {
  const chain = useAsk('chain.info', {});
  return (
    <Answered answer={chain} waiting="Reading the network…" head={<PageHead title="Network" />}>
      {(info) => (
        <>
          <PageHead
            title={info.name}
            lead={leadOf(info)}
            aside={<Seal bytes={info.chainId} size={64} />}
          />
          <Chain info={info} />
          <Validators />
          <Assets />
          <IssueAsset />
          <Parameters />
        </>
      )}
    </Answered>
  );
}

function leadOf({ consensus, genesisHash }: ChainInfo): string {
  const beginning = formatHex(genesisHash).slice(0, 8).toUpperCase();
  const { membership, agreement } = consensus;
  return `${wordsOf(membership)} membership, ${agreement} agreement. Genesis ${beginning}.`;
}

function Chain({ info }: { readonly info: ChainInfo }) {
  return (
    <TrustPanel title="What it was founded on" of="genesis">
      <Facts
        rows={[
          ['Network id', <HashText key="id" bytes={info.chainId} copies="network id" />],
          ['Genesis block', <BlockLink key="block" height={0} />],
          ['Began', formatDateTime(info.genesisTimestampMs)],
          ['Coin', `${info.native.name} (${info.native.symbol}), ${info.native.decimals} decimals`],
          [
            'Consensus',
            `${info.consensus.membership} × ${info.consensus.leader} × ${info.consensus.agreement}`,
          ],
          ['Hashes', info.hashSuite],
          ['Protocol', `version ${info.protocolVersion}`],
          info.faucet === undefined
            ? undefined
            : [
                'Faucet',
                <AmountView key="f" of={ofGenesis(info.faucet.amount)} {...info.native} />,
              ],
        ]}
      />
    </TrustPanel>
  );
}

function Validators() {
  const answer = useAsk('validators.get', {}, { isLive: true });
  return (
    <Answered answer={answer}>
      {({ validators, height, trust }) => {
        const all = validators.reduce((sum, each) => sum + each.power, 0n);
        return (
          <TrustPanel
            title={`Validators (${validators.length})`}
            isFlush
            of={trust}
            note={`for ${formatHeight(height)}`}
          >
            <Table caption="Validators" head={['Name', 'Power', 'Public key']}>
              {validators.map((validator) => (
                <tr key={formatHex(validator.publicKey)}>
                  <td>
                    <span className={styles.name}>
                      <Seal bytes={validator.publicKey} size={28} />
                      {validator.name}
                    </span>
                  </td>
                  <td>
                    {validator.power.toLocaleString()} (
                    {all === 0n ? 0 : Number((validator.power * 1000n) / all) / 10} %)
                  </td>
                  <td>
                    <HashText bytes={validator.publicKey} isShort />
                  </td>
                </tr>
              ))}
            </Table>
          </TrustPanel>
        );
      }}
    </Answered>
  );
}

function Assets() {
  const answer = useAsk('asset.list', { limit: 100 }, { isLive: true });
  return (
    <Answered answer={answer}>
      {({ assets, height, trust }) => (
        <TrustPanel title="Assets" isFlush of={trust} note={`at ${formatHeight(height)}`}>
          {assets.length === 0 ? (
            <Empty>Nobody has issued an asset beside the coin yet.</Empty>
          ) : (
            <Table caption="Assets" head={['Name', 'Symbol', 'Supply']}>
              {assets.map((asset) => (
                <tr key={formatHex(asset.asset)}>
                  <td>
                    <Link href={`/asset/${formatHex(asset.asset)}`}>{asset.name}</Link>
                  </td>
                  <td>{asset.symbol}</td>
                  <td>
                    <AmountView of={within({ trust }, asset.supply)} {...asset} />
                  </td>
                </tr>
              ))}
            </Table>
          )}
        </TrustPanel>
      )}
    </Answered>
  );
}

function Parameters() {
  const answer = useAsk('parameters.get', {}, { isLive: true });
  return (
    <Answered answer={answer}>
      {({ parameters, height, trust }) => (
        <TrustPanel title="Parameters" of={trust} note={`at ${formatHeight(height)}`}>
          <Facts
            rows={(isJsonObject(parameters) ? Object.entries(parameters) : []).map(
              ([name, value]) => [wordsOf(name), <ParameterValue key={name} value={value} />],
            )}
          />
        </TrustPanel>
      )}
    </Answered>
  );
}

/** A parameter in its JSON form, whatever module it belongs to. */
function ParameterValue({ value }: { readonly value: Json }) {
  const text = parameterText(value);
  return text === undefined ? <code>{JSON.stringify(value)}</code> : text;
}
