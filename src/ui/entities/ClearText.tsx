import type { ReactNode } from 'react';
import { equalBytes } from '../../base/index.ts';
import type { PreparedTransaction, SummaryField, SummaryLine } from '../../wallet/index.ts';
import { describeError } from '../format/errors.ts';
import { formatHeight } from '../format/number.ts';
import { stated, within } from '../format/standing.ts';
import { wordsOf } from '../format/text.ts';
import { useNames } from '../hooks/names.ts';
import { cx } from '../parts/cx.ts';
import { Notice } from '../parts/Notice.tsx';
import { AddressFull } from './AddressView.tsx';
import { AmountView } from './AmountView.tsx';
import styles from './ClearText.module.css';
import { Seal } from './Seal.tsx';
import { TrustRegion } from './TrustRegion.tsx';
import { TrustSign } from './TrustSign.tsx';

/** Everything in the bytes to be signed, in words: nothing is folded away. */
export function ClearText({ prepared }: { readonly prepared: PreparedTransaction }) {
  const { body, network, simulation, summary } = prepared;
  const { native } = network;
  const [first, ...further] = summary;
  return (
    <TrustRegion of="stated">
      <div className={styles.text} data-testid="clear-text">
        {/* First: below, it would be out of sight, and the button dead for no reason. */}
        {simulation.outcome.kind === 'failed' ? (
          <Notice
            kind="danger"
            isLive
            title={`This would fail: ${describeError(simulation.outcome).title.toLowerCase()}`}
          >
            {describeError(simulation.outcome).advice}
          </Notice>
        ) : null}
        {first === undefined ? null : <Line line={first} isFirst />}
        <dl className={styles.rows}>
          <Fact label="Fee">
            <AmountView of={within(simulation, simulation.fee)} {...native} />, at most{' '}
            <AmountView of={stated(body.feeMax)} {...native} />;{' '}
            {body.sponsor === undefined ? 'you pay' : 'paid by the sponsor'}
          </Fact>
          {body.sponsor === undefined ? null : (
            <Fact label="Sponsor">
              <AddressFull address={body.sponsor} />
            </Fact>
          )}
          {body.memo === '' ? null : <Fact label="Public note">“{body.memo}”</Fact>}
          <Fact label="Network">
            {network.name}, until block {formatHeight(body.validUntil)}
          </Fact>
          <Outcome prepared={prepared} />
          <Fact label="Signing code">
            <strong className={styles.code}>{prepared.signingCode}</strong>
          </Fact>
        </dl>
        {further.map((line, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: an action is its place.
          <Line key={`${at}-${line.kind}`} line={line} isFirst={false} />
        ))}
      </div>
    </TrustRegion>
  );
}

const TITLES: { readonly [kind: string]: string } = {
  'asset.transfer': 'You send',
  'asset.issue': 'You issue an asset',
  'asset.mint': 'You mint',
  'asset.burn': 'You burn',
  'account.add-key': 'You add a key',
  'account.revoke-key': 'You revoke a key',
  'account.set-thresholds': 'You change the signing rules',
  'account.describe-key': 'A note of your key, so that another browser can find it',
  'parameters.set': 'You change parameters of the network',
};

function Line({ line, isFirst }: { readonly line: SummaryLine; readonly isFirst: boolean }) {
  const title = TITLES[line.kind] ?? `${line.title} (${line.kind})`;
  return (
    <section className={cx(styles.line, !isFirst && styles.further)}>
      <h3>
        {isFirst ? '' : 'Also: '}
        {isFirst ? title : title.charAt(0).toLowerCase() + title.slice(1)}
      </h3>
      <dl className={styles.rows}>
        {[...line.fields].sort(byWeight).map((field) => (
          <Fact key={field.name} label={labelOf(field)}>
            <FieldValue field={field} />
          </Fact>
        ))}
      </dl>
    </section>
  );
}

/** Amounts first, then accounts, then the rest in the order of the action. */
const WEIGHTS = { amount: 0, address: 1, text: 2 } as const;

function byWeight(left: SummaryField, right: SummaryField): number {
  return WEIGHTS[left.value.kind] - WEIGHTS[right.value.kind];
}

function labelOf(field: SummaryField): string {
  return field.name === 'recipient' ? 'To' : wordsOf(field.name);
}

/** Forty zeros and more stand for the coin of the network itself: said in words. */
function plainText(text: string): string {
  return text.replace(/\s*\(0{40,}\)/, ', the coin of this network');
}

function FieldValue({ field: { value } }: { readonly field: SummaryField }) {
  const nameOf = useNames();
  if (value.kind === 'text') return <span className={styles.plain}>{plainText(value.text)}</span>;
  if (value.kind === 'amount') {
    return (
      <span className={styles.amount}>
        <AmountView of={stated(value.amount)} symbol={value.symbol} decimals={value.decimals} />
      </span>
    );
  }
  const known = nameOf(value.address);
  return (
    <span className={styles.party}>
      <Seal bytes={value.address} size={40} />
      <span>
        {known === undefined ? null : <strong className={styles.name}>{known.name}</strong>}
        <AddressFull address={value.address} />
      </span>
    </span>
  );
}

/** What the outcome was worked out on, in the words of its trust. */
const STATES = {
  cached: 'what was known last',
  reported: 'reported state',
  proven: 'proven state',
  validated: 'validated state',
} as const;

function Outcome({ prepared }: { readonly prepared: PreparedTransaction }) {
  const { account, simulation } = prepared;
  const own = simulation.changes.filter((each) => equalBytes(each.address, account.address));
  const { trust, atHeight } = simulation;
  return (
    <Fact label="After">
      <TrustRegion of={trust}>
        {own.length === 0 ? 'Your balances stay as they are, ' : null}
        {own.map((change) => (
          <span key={change.asset.join()} className={styles.after}>
            <AmountView of={within(simulation, change.after)} {...change} />
          </span>
        ))}
        <span className={styles.quiet}>
          simulated on {STATES[trust]} at {formatHeight(atHeight)}
        </span>{' '}
        <TrustSign trust={trust} />
      </TrustRegion>
    </Fact>
  );
}

function Fact({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <div className={styles.row}>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
