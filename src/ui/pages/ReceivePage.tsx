import { lazy, Suspense } from 'react';
import { formatAddress } from '../../sdk/index.ts';
import { AddressFull } from '../entities/AddressView.tsx';
import { Seal } from '../entities/Seal.tsx';
import { useWalletState } from '../hooks/services.ts';
import { LinkButton } from '../parts/Button.tsx';
import { CopyButton } from '../parts/CopyButton.tsx';
import { Empty } from '../parts/Notice.tsx';
import { PageHead, Panel } from '../parts/Panel.tsx';
import styles from './ReceivePage.module.css';
import { TestCoins } from './Tasks.tsx';

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
  const text = formatAddress(activeAccount.address);
  return (
    <>
      <PageHead
        title="Receive"
        lead="Show this code, or send your address. It works at once, even while you are offline."
      />
      <Panel>
        <div className={styles.card}>
          <div className={styles.code}>
            <Suspense fallback={<div className={styles.blank} />}>
              <QrCode
                text={text.toUpperCase()}
                label={`Code of the address of ${activeAccount.name}`}
              />
            </Suspense>
          </div>
          <div className={styles.words}>
            <div className={styles.who}>
              <Seal bytes={activeAccount.address} size={64} />
              <h2>{activeAccount.name}</h2>
            </div>
            <p data-testid="address">
              <AddressFull address={activeAccount.address} isLarge />
            </p>
            <div className={styles.deeds}>
              <CopyButton text={text} label="Copy address" isNamed />
              <LinkButton href="/" look="quiet">
                Done
              </LinkButton>
            </div>
            <p className={styles.hint}>
              Compare the first and last groups, and the seal, on both screens.
            </p>
          </div>
        </div>
      </Panel>
      <TestCoins account={activeAccount} />
    </>
  );
}
