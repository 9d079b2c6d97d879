import { useState } from 'react';
import { useParams } from 'wouter';
import { equalBytes, parseHex } from '../../base/index.ts';
import { AddressLink } from '../entities/AddressView.tsx';
import { AmountView } from '../entities/AmountView.tsx';
import { HashText } from '../entities/Links.tsx';
import { TrustPanel } from '../entities/TrustRegion.tsx';
import { amountText, describeAmountProblem, readAmount } from '../format/amount.ts';
import { formatHeight } from '../format/number.ts';
import { within } from '../format/standing.ts';
import { useAccount } from '../hooks/account.ts';
import { useAsk } from '../hooks/ask.ts';
import type { AssetId, AssetView } from '../hooks/client.ts';
import { useWalletState } from '../hooks/services.ts';
import { requestSignature } from '../hooks/signing.ts';
import { Answered } from '../parts/Answered.tsx';
import { Button, LinkButton } from '../parts/Button.tsx';
import { Facts } from '../parts/Facts.tsx';
import { TextField } from '../parts/Field.tsx';
import { Empty } from '../parts/Notice.tsx';
import { PageHead, Panel, Row, Stack } from '../parts/Panel.tsx';

/** One asset: who issued it, how much there is, and what its holders may do. */
export default function AssetPage() {
  const { id = '' } = useParams<{ id: string }>();
  const parsed = parseHex(id);
  if (!parsed.ok || parsed.value.length !== 32) {
    return (
      <>
        <PageHead title="Asset" />
        <Empty action={<LinkButton href="/network">Network</LinkButton>}>
          “{id}” is not the id of an asset.
        </Empty>
      </>
    );
  }
  return <Found asset={parsed.value as AssetId} />; // 32 bytes, checked above.
}

function Found({ asset }: { readonly asset: AssetId }) {
  const answer = useAsk('asset.get', { asset }, { isLive: true });
  return (
    <Answered answer={answer} waiting="Reading the asset…" head={<PageHead title="Asset" />}>
      {(view) => (
        <>
          <PageHead title={view.name} kicker={`Asset · ${view.symbol}`} />
          <TrustPanel title="Supply" of={view.trust} note={`at ${formatHeight(view.height)}`}>
            <Facts
              rows={[
                ['Id', <HashText key="id" bytes={view.asset} copies="asset id" />],
                ['Supply', <AmountView key="supply" of={within(view, view.supply)} {...view} />],
                ['Decimals', String(view.decimals)],
                [
                  'Issuer',
                  view.issuer === undefined ? (
                    'The network itself'
                  ) : (
                    <AddressLink key="issuer" address={view.issuer} />
                  ),
                ],
              ]}
            />
          </TrustPanel>
          <Rights view={view} />
        </>
      )}
    </Answered>
  );
}

function Rights({ view }: { readonly view: AssetView }) {
  const { activeAccount } = useWalletState();
  const account = useAccount(activeAccount?.address);
  const [typed, setTyped] = useState('');
  if (activeAccount === undefined || account === undefined) return null;
  const isIssuer = view.issuer !== undefined && equalBytes(view.issuer, activeAccount.address);
  const held = account.balances.find((each) => equalBytes(each.asset, view.asset));
  if (!isIssuer && held === undefined) return null;
  const amount = typed.trim() === '' ? undefined : readAmount(typed, view.decimals);
  const sound = amount?.ok === true && amount.value > 0n ? amount.value : undefined;
  const cap = { ...view, amount: 0xffff_ffff_ffff_ffffn };
  const ask = (action: 'mint' | 'burn') => {
    if (sound === undefined) return;
    const fields = { asset: view.asset, amount: sound };
    requestSignature({
      account: activeAccount,
      actions: [
        action === 'mint'
          ? { kind: 'asset.mint', ...fields, recipient: activeAccount.address }
          : { kind: 'asset.burn', ...fields },
      ],
    });
  };
  return (
    <Panel title="Your rights">
      <Stack gap={4}>
        <TextField
          label="Amount"
          inputMode="decimal"
          value={typed}
          placeholder={amountText(0n, view.decimals)}
          hint={
            held === undefined ? (
              'You hold none of it.'
            ) : (
              <>
                You hold <AmountView of={within(account, held.amount)} {...held} />
              </>
            )
          }
          error={describeAmountProblem(amount, cap)}
          suffix={<span>{view.symbol} </span>}
          onChange={(event) => setTyped(event.target.value)}
        />
        <Row>
          {isIssuer ? (
            <Button disabled={sound === undefined} onClick={() => ask('mint')}>
              Mint
            </Button>
          ) : null}
          {held === undefined ? null : (
            <Button
              look="danger"
              disabled={sound === undefined || sound > held.amount}
              onClick={() => ask('burn')}
            >
              Burn
            </Button>
          )}
        </Row>
      </Stack>
    </Panel>
  );
}
