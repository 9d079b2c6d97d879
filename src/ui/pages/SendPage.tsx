import { useEffect, useRef, useState } from 'react';
import { useLocation, useSearch } from 'wouter';
import { formatHex } from '../../base/index.ts';
import { formatAddress } from '../../sdk/index.ts';
import type { LocalAccount } from '../../wallet/index.ts';
import { AmountView } from '../entities/AmountView.tsx';
import { RecipientField, useRecipient } from '../entities/RecipientField.tsx';
import { wordOfStanding } from '../entities/TrustSign.tsx';
import { amountText, describeAmountProblem, readAmount } from '../format/amount.ts';
import type { Standing } from '../format/standing.ts';
import { useAccount, useMaySend } from '../hooks/account.ts';
import { isNative, labelOf, useNative } from '../hooks/assets.ts';
import type { AssetBalance, AssetId } from '../hooks/client.ts';
import { allDrafts, keepDraft } from '../hooks/drafts.ts';
import { useMost } from '../hooks/most-to-send.ts';
import { useWallet, useWalletState } from '../hooks/services.ts';
import { requestSignature } from '../hooks/signing.ts';
import { Button, LinkButton } from '../parts/Button.tsx';
import { ErrorNotice } from '../parts/ErrorNotice.tsx';
import { SelectField, TextField } from '../parts/Field.tsx';
import { Empty, Notice, Waiting } from '../parts/Notice.tsx';
import { PageHead, Panel, Stack } from '../parts/Panel.tsx';

const MEMO_BYTES_MAX = 256;

/** Amount and recipient; everything else is shown on the sheet that follows. */
export default function SendPage() {
  const { activeAccount } = useWalletState();
  if (activeAccount === undefined) {
    return (
      <>
        <PageHead title="Send" />
        <Empty
          action={
            <LinkButton href="/" look="primary">
              Create an account
            </LinkButton>
          }
        >
          To send, you need an account with a key in your device.
        </Empty>
      </>
    );
  }
  return (
    <>
      <PageHead title="Send" />
      <SendForm key={formatAddress(activeAccount.address)} account={activeAccount} />
    </>
  );
}

type Holdings = { readonly balances: readonly AssetBalance[]; readonly trust: Standing };

function useHoldings(account: LocalAccount): Holdings | undefined {
  const view = useAccount(account.address);
  const native = useNative();
  if (view === undefined || native === undefined) return undefined;
  const { balances, trust } = view;
  if (balances.some((each) => isNative(each.asset))) return { balances, trust };
  // The native coin can always be named, also while there is none of it.
  const none = { asset: new Uint8Array(32), amount: 0n, ...native } as unknown as AssetBalance;
  return { balances: [none, ...balances], trust };
}

function SendForm({ account }: { readonly account: LocalAccount }) {
  const query = new URLSearchParams(useSearch());
  const holdings = useHoldings(account);
  if (holdings === undefined) return <Waiting>Reading your balance…</Waiting>;
  return (
    <Form
      account={account}
      holdings={holdings.balances}
      trust={holdings.trust}
      to={query.get('to') ?? ''}
      wantedAmount={query.get('amount') ?? undefined}
    />
  );
}

type FormProps = {
  readonly account: LocalAccount;
  readonly holdings: readonly AssetBalance[];
  readonly trust: Standing;
  readonly to: string;
  readonly wantedAmount: string | undefined;
};

const NATIVE = '0'.repeat(64);
const NO_DRAFT = { to: '', amount: '', memo: '', asset: undefined, isAll: false };

function Form({ account, holdings, trust, to, wantedAmount }: FormProps) {
  const [, navigate] = useLocation();
  const wallet = useWallet();
  const maySend = useMaySend();
  const owner = formatAddress(account.address);
  // A link that names a payment is newer than what was typed before.
  const [draft, setDraft] = useState(() =>
    to === '' && wantedAmount === undefined ? allDrafts()[owner] : undefined,
  );
  const [asset, setAsset] = useState(draft?.asset ?? NATIVE);
  const held = holdings.find((each) => formatHex(each.asset) === asset);
  const balance = held ?? holdings[0];
  const isHeld = held !== undefined;
  const [amountTyped, setAmountTyped] = useState(() =>
    wantedAmount === undefined || balance === undefined
      ? (draft?.amount ?? '')
      : localAmount(wantedAmount, balance.decimals),
  );
  // Said of what stands in the field, of this asset: whatever else comes to stand there is typed.
  const [isAll, setAll] = useState(draft?.isAll ?? false);
  const [recipientTyped, setRecipientTyped] = useState(draft?.to ?? to);
  const [memo, setMemo] = useState(draft?.memo ?? '');
  const most = useMost(account);
  const { drop } = most;
  useEffect(() => {
    // What was typed of one asset never becomes an amount of another.
    if (isHeld) return;
    drop();
    setAll(false);
    setAmountTyped('');
    setAsset(NATIVE);
  }, [isHeld, drop]);
  const isTyped = useRef(false);
  useEffect(() => {
    // What a link filled in is not a draft before somebody changes it.
    if (!isTyped.current) {
      isTyped.current = true;
      return;
    }
    keepDraft(owner, { to: recipientTyped, amount: amountTyped, memo, asset, isAll });
  }, [owner, recipientTyped, amountTyped, memo, asset, isAll]);
  // An answer about what stood in the form before is never put over what stands there now.
  const changeAmount = (text: string) => {
    drop();
    setAll(false);
    setAmountTyped(text);
  };
  const changeAsset = (id: string) => {
    drop();
    setAll(false);
    setAsset(id);
  };
  const changeRecipient = (text: string) => {
    drop('review');
    setRecipientTyped(text);
  };
  const changeMemo = (text: string) => {
    drop('review');
    setMemo(text);
  };
  const discard = () => {
    keepDraft(owner, NO_DRAFT);
    setDraft(undefined);
    changeAmount('');
    changeRecipient('');
    changeMemo('');
  };
  const [presses, setPresses] = useState(0);
  const isPressed = presses > 0;
  const form = useRef<HTMLFormElement>(null);
  // What was refused is shown where it can be mended.
  useEffect(() => {
    if (presses > 0) form.current?.querySelector<HTMLElement>('[aria-invalid]')?.focus();
  }, [presses]);
  const recipient = useRecipient(recipientTyped);
  if (balance === undefined) return null;

  const amount = amountTyped.trim() === '' ? undefined : readAmount(amountTyped, balance.decimals);
  const amountProblem = describeAmountProblem(amount, balance);
  const isMemoLong = new TextEncoder().encode(memo).length > MEMO_BYTES_MAX;
  const lookalike =
    recipient.address === undefined ? undefined : wallet?.resemblesKnown(recipient.address);

  const takeAll = async () => {
    const { address = account.address } = recipient;
    const whole = { balance, recipient: address, memo: isMemoLong ? '' : memo };
    const value = await most.ask('all', whole);
    if (value === undefined) return;
    setAmountTyped(amountText(value, balance.decimals));
    setAll(true);
  };
  const review = async () => {
    setPresses(presses + 1);
    drop();
    if (recipient.address === undefined || amount?.ok !== true || isMemoLong) return;
    if (amountProblem !== undefined || !maySend.may) return;
    let wanted: bigint = amount.value;
    if (isAll) {
      const whole = { balance, recipient: recipient.address, memo };
      const value = await most.ask('review', whole);
      if (value === undefined) return;
      // A note that was written since makes the fee higher, and all of it less. It is never more
      // than the field says, whatever came in meanwhile.
      if (value < wanted) {
        wanted = value;
        setAmountTyped(amountText(value, balance.decimals));
      }
    }
    requestSignature({
      account,
      actions: [
        {
          kind: 'asset.transfer',
          asset: balance.asset satisfies AssetId,
          recipient: recipient.address,
          amount: wanted,
        },
      ],
      memo,
      warning:
        lookalike === undefined
          ? undefined
          : `This address only resembles the one of ${lookalike.name}. It is a different account.`,
      onClose: (wasSubmitted) => {
        if (!wasSubmitted) return;
        keepDraft(owner, NO_DRAFT);
        navigate('/');
      },
    });
  };

  return (
    <Panel>
      <form
        ref={form}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void review();
        }}
      >
        <Stack>
          {draft === undefined ? null : (
            <Notice kind="info" action={<Button onClick={discard}>Empty the form</Button>}>
              What you typed last time is still here. Nothing of it was sent.
            </Notice>
          )}
          {holdings.length < 2 ? null : (
            <SelectField
              label="Asset"
              value={asset}
              onChange={(event) => changeAsset(event.target.value)}
            >
              {holdings.map((each) => (
                <option key={formatHex(each.asset)} value={formatHex(each.asset)}>
                  {labelOf(each)} — {amountText(each.amount, each.decimals)},{' '}
                  {wordOfStanding(trust)}
                </option>
              ))}
            </SelectField>
          )}
          <TextField
            label="Amount"
            isLarge
            inputMode="decimal"
            value={amountTyped}
            placeholder={amountText(0n, balance.decimals)}
            hint={
              <>
                You have <AmountView of={{ value: balance.amount, standing: trust }} {...balance} />
              </>
            }
            error={
              amountProblem ??
              (isPressed && amount === undefined ? 'How much do you want to send?' : undefined)
            }
            suffix={
              <>
                {balance.amount === 0n || !maySend.may ? null : (
                  <Button
                    look="quiet"
                    isBusy={most.purpose === 'all'}
                    onClick={() => void takeAll()}
                  >
                    All
                  </Button>
                )}
                <span>{balance.symbol} </span>
              </>
            }
            onChange={(event) => changeAmount(event.target.value)}
          />
          {most.error === undefined ? null : <ErrorNotice error={most.error} />}
          <RecipientField
            text={recipientTyped}
            onText={changeRecipient}
            onAmount={(asked) => changeAmount(localAmount(asked, balance.decimals))}
            isPressed={isPressed}
            recipient={
              isPressed && recipientTyped.trim() === ''
                ? { ...recipient, problem: 'Who should get it?' }
                : recipient
            }
          />
          <TextField
            label="Note (public)"
            value={memo}
            maxLength={MEMO_BYTES_MAX}
            hint="Everyone can read it for ever. Leave it empty if in doubt."
            error={isMemoLong ? 'This note is too long.' : undefined}
            onChange={(event) => changeMemo(event.target.value)}
          />
          {maySend.may ? null : <Notice kind="warning">{maySend.why}</Notice>}
          <div>
            <Button
              type="submit"
              look="primary"
              disabled={!maySend.may}
              isBusy={most.purpose === 'review'}
            >
              Review
            </Button>{' '}
            <Button
              look="quiet"
              onClick={() => {
                discard();
                navigate('/');
              }}
            >
              Cancel
            </Button>
          </div>
        </Stack>
      </form>
    </Panel>
  );
}

/** A decimal with a point, as in a payment link, in the reader's own notation. */
function localAmount(plain: string, decimals: number): string {
  const [whole = '0', fraction = ''] = plain.split('.');
  if (fraction.length > decimals) return '';
  return amountText(BigInt(whole + fraction.padEnd(decimals, '0')), decimals);
}
