import { lazy, Suspense, useState } from 'react';
import { formatAddress } from '../../sdk/index.ts';
import type { LocalAccount } from '../../wallet/index.ts';
import { AddressFull } from '../entities/AddressView.tsx';
import { Seal } from '../entities/Seal.tsx';
import { amountText, describeAmountProblem, readAmount } from '../format/amount.ts';
import { paymentText, plainDecimal } from '../format/payment-text.ts';
import { useNative } from '../hooks/assets.ts';
import { useWalletState } from '../hooks/services.ts';
import { LinkButton } from '../parts/Button.tsx';
import { CopyButton } from '../parts/CopyButton.tsx';
import { TextField } from '../parts/Field.tsx';
import { Empty } from '../parts/Notice.tsx';
import { PageHead, Panel } from '../parts/Panel.tsx';
import styles from './ReceivePage.module.css';
import { TestCoins } from './Tasks.tsx';

/** What any account could hold at most. */
const AMOUNT_MAX = 0xffff_ffff_ffff_ffffn;

const QrCode = lazy(() => import('../parts/QrCode.tsx'));

/** The address in every form that somebody else can read. */
export default function ReceivePage() {
  const { activeAccount } = useWalletState();
  if (activeAccount === undefined) {
    return (
      <>
        <PageHead title="Receive" />
        <Empty
          action={
            <LinkButton href="/" look="primary">
              Create an account
            </LinkButton>
          }
        >
          An account has an address to show. You have none in this browser yet.
        </Empty>
      </>
    );
  }
  return (
    <>
      <PageHead
        title="Receive"
        lead="Show this code, or send your address. It works at once, even while you are offline."
      />
      <Card account={activeAccount} />
      <TestCoins key={formatAddress(activeAccount.address)} account={activeAccount} />
    </>
  );
}

/** The code of an account, of an amount too if one is asked for, and the same to be copied. */
function Card({ account }: { readonly account: LocalAccount }) {
  const [typed, setTyped] = useState('');
  const native = useNative();
  const amount =
    native === undefined || typed.trim() === '' ? undefined : readAmount(typed, native.decimals);
  const text = formatAddress(account.address);
  const label = `Code of the address of ${account.name}`;
  const isSound = amount?.ok === true && amount.value > 0n;
  const request =
    isSound && native !== undefined
      ? paymentText(text, plainDecimal(amount.value, native.decimals))
      : undefined;
  return (
    <Panel>
      <div className={styles.card}>
        <div className={styles.code}>
          <Suspense fallback={<div className={styles.blank} />}>
            <QrCode
              // Capitals make a smaller code, where nothing else is in it.
              text={request ?? text.toUpperCase()}
              label={request === undefined ? label : `${label}, with an amount`}
            />
          </Suspense>
        </div>
        <div className={styles.words}>
          <div className={styles.who}>
            <Seal bytes={account.address} size={64} />
            <h2>{account.name}</h2>
          </div>
          <p data-testid="address">
            <AddressFull address={account.address} isLarge />
          </p>
          <div className={styles.deeds}>
            <CopyButton text={text} label="Copy address" isNamed />
            {request === undefined ? null : (
              <CopyButton text={request} label="Copy request" isNamed />
            )}
            <LinkButton href="/" look="quiet">
              Done
            </LinkButton>
          </div>
          {native === undefined ? null : (
            <TextField
              label="Amount to ask for (optional)"
              inputMode="decimal"
              value={typed}
              placeholder={amountText(0n, native.decimals)}
              hint="It goes into the code, so that the other person only has to agree."
              error={describeAmountProblem(amount, { ...native, amount: AMOUNT_MAX })}
              suffix={<span>{native.symbol} </span>}
              onChange={(event) => setTyped(event.target.value)}
            />
          )}
          <p className={styles.hint}>
            Compare the first and last groups, and the seal, on both screens.
          </p>
        </div>
      </div>
    </Panel>
  );
}
