import type { ReactNode } from 'react';
import { equalBytes, formatHex } from '../../base/index.ts';
import type { LocalKey } from '../../wallet/index.ts';
import { formatHeight } from '../format/number.ts';
import { wordsOf } from '../format/text.ts';
import { formatAge } from '../format/time.ts';
import type { AccountView } from '../hooks/client.ts';
import { useNow } from '../hooks/clock.ts';
import styles from './KeyList.module.css';
import { Seal } from './Seal.tsx';

type KeyOnLedger = AccountView['keys'][number];

type KeyListProps = {
  readonly keys: readonly KeyOnLedger[];
  /** What this browser remembers of them. */
  readonly local?: readonly LocalKey[];
  readonly actionOf?: (key: KeyOnLedger) => ReactNode;
};

const SCHEMES = {
  'webauthn-p256': 'Passkey or security key (P-256)',
  p256: 'P-256 key',
  ed25519: 'Ed25519 key',
} as const;

/** The keys of an account as the ledger holds them, with what this browser knows besides. */
export function KeyList({ keys, local = [], actionOf }: KeyListProps) {
  const now = useNow();
  return (
    <ul>
      {keys.map((key) => {
        const known = local.find((each) => equalBytes(each.keyId, key.keyId));
        const { record, hint } = key;
        const domains =
          record.key.kind === 'webauthn-p256' ? record.key.origins.map(domainOf).join(', ') : '';
        return (
          <li key={formatHex(key.keyId)} className={styles.key}>
            <Seal bytes={key.keyId} size={40} />
            <div className={styles.words}>
              <strong>
                {known?.label ?? (hint?.label === '' ? undefined : hint?.label) ?? 'Key'}
              </strong>
              <span>
                {SCHEMES[record.key.kind]}
                {domains === '' ? '' : ` · ${domains}`}
              </span>
              <span>
                {wordsOf(record.role)}, weight {record.weight}
                {record.expiresAt === undefined ? '' : ` · until ${formatHeight(record.expiresAt)}`}
                {known === undefined
                  ? ''
                  : ` · added ${new Date(known.createdAt).toLocaleDateString()}`}
                {known === undefined
                  ? ''
                  : known.lastUsedAt === undefined
                    ? ' · not tested here yet'
                    : ` · used ${formatAge(now - known.lastUsedAt)} ago`}
              </span>
              <span>{backupWords(hint)}</span>
            </div>
            {actionOf?.(key)}
          </li>
        );
      })}
    </ul>
  );
}

function domainOf(origin: string): string {
  return origin.replace(/^https?:\/\//, '');
}

function backupWords(hint: KeyOnLedger['hint']): string {
  if (hint?.isBackedUp === true) return 'Synchronised to more than one device';
  if (hint?.isBackupEligible === true) return 'Can be synchronised, is not yet';
  if (hint?.isBackupEligible === false) return 'Lives on one device only';
  return '';
}
