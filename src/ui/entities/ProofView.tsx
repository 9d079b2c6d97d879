import type { ReactNode } from 'react';
import { useEffect, useState } from 'react';
import type { ErrorData } from '../../base/index.ts';
import { errorToData, formatHex } from '../../base/index.ts';
import type { Hash } from '../../sdk/index.ts';
import { valueText } from '../format/json.ts';
import { formatHeight } from '../format/number.ts';
import { useAsk } from '../hooks/ask.ts';
import type { Address, BlockView } from '../hooks/client.ts';
import { useLive } from '../hooks/live.ts';
import type { Checked } from '../hooks/proof.ts';
import { checkAccount, checkFinality, checkTransaction } from '../hooks/proof.ts';
import { Answered } from '../parts/Answered.tsx';
import { CodeBlock, Facts } from '../parts/Facts.tsx';
import { Notice, Waiting } from '../parts/Notice.tsx';
import { Panel, Stack } from '../parts/Panel.tsx';
import { HashText } from './Links.tsx';
import { TrustRegion } from './TrustRegion.tsx';
import { TrustSign } from './TrustSign.tsx';

/** Why a block is final: its certificate, every signature of it checked here. */
export function FinalityProof({ block }: { readonly block: BlockView }) {
  const membership = useAsk('validators.get', { height: block.header.height });
  if (block.certificate === undefined) {
    return (
      <Notice kind="success" title="This is the genesis block">
        It needs no votes: the name of the network is its hash.
      </Notice>
    );
  }
  return (
    <Answered answer={membership}>
      {({ validators }) => (
        <Verdict
          key={formatHex(block.hash)}
          check={() => checkFinality({ ...block, membership: { validators } })}
          good="Final, checked in this tab"
          meaning={`Validators with more than two thirds of the power signed block ${formatHeight(
            block.header.height,
          )}.`}
        >
          <Certificate certificate={block.certificate} validatorCount={validators.length} />
        </Verdict>
      )}
    </Answered>
  );
}

function nameOf({ header }: { readonly header: { readonly height: number } }): string {
  return `block ${formatHeight(header.height)}`;
}

type CertificateProps = {
  readonly certificate: NonNullable<BlockView['certificate']> | undefined;
  readonly validatorCount: number;
};

function Certificate({ certificate, validatorCount }: CertificateProps) {
  if (certificate === undefined) return null;
  return (
    <Panel title="Certificate">
      <Stack gap={4}>
        <Facts
          rows={[
            ['Block', <HashText key="h" bytes={certificate.blockHash} />],
            ['Height', formatHeight(certificate.height)],
            ['Round', String(certificate.round)],
            ['Votes', `${certificate.signatures.length} of ${validatorCount}`],
          ]}
        />
        <CodeBlock label="Signatures" text={valueText(certificate.signatures)} />
      </Stack>
    </Panel>
  );
}

/** That a final block holds a transaction. */
export function TransactionProofView({ id }: { readonly id: Hash }) {
  const answer = useAsk('transaction.proof', { id });
  return (
    <Answered answer={answer}>
      {(proof) => (
        <Verdict
          key={formatHex(id)}
          check={() => checkTransaction(proof)}
          good="Included and final, checked in this tab"
          meaning={`Its leaf leads to the root of ${nameOf(proof)}, which is final.`}
        >
          <Panel title="Merkle path">
            <Stack gap={4}>
              <Facts
                rows={[
                  ['Place', `${proof.index + 1} of ${proof.count}`],
                  ['Root', <HashText key="h" bytes={proof.header.transactionsRoot} />],
                  ['Signed bytes', <HashText key="h" bytes={proof.signedHash} />],
                ]}
              />
              <CodeBlock
                label="Siblings"
                text={
                  proof.siblings.map((each) => formatHex(each)).join('\n') || 'None: the only one'
                }
              />
            </Stack>
          </Panel>
          <Certificate
            certificate={proof.certificate}
            validatorCount={proof.membership.validators.length}
          />
        </Verdict>
      )}
    </Answered>
  );
}

/** What the state holds of an account, under a final header. */
export function AccountProofView({ address }: { readonly address: Address }) {
  const answer = useAsk('account.proof', { address });
  return (
    <Answered answer={answer}>
      {(proof) => (
        <Verdict
          key={formatHex(proof.hash)}
          check={() => checkAccount(proof)}
          good="Proven, checked in this tab"
          meaning={`These entries are in the state of ${nameOf(proof)}, which is final.`}
        >
          <Panel title="State proof">
            <Stack gap={4}>
              <Facts
                rows={[
                  ['State root', <HashText key="h" bytes={proof.header.stateRoot} />],
                  ['Block', formatHeight(proof.header.height)],
                  ['Size', `${proof.proof.length.toLocaleString()} bytes`],
                ]}
              />
              <CodeBlock label="Proof" text={formatHex(proof.proof)} />
            </Stack>
          </Panel>
          <Certificate
            certificate={proof.certificate}
            validatorCount={proof.membership.validators.length}
          />
        </Verdict>
      )}
    </Answered>
  );
}

function refusalOf(code: string): string {
  return `The answer is not what the validators signed (${code}). Do not rely on it.`;
}

type VerdictProps = {
  readonly check: () => Promise<Checked>;
  readonly good: string;
  readonly meaning: string;
  readonly children: ReactNode;
};

function Verdict({ check, good, meaning, children }: VerdictProps) {
  const chainId = useLive((live) => live.chain?.chainId);
  const [checked, setChecked] = useState<Checked | { readonly failure: ErrorData }>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: keyed by what is proven.
  useEffect(() => {
    let isGone = false;
    check().then(
      (result) => {
        if (!isGone) setChecked(result);
      },
      (error: unknown) => {
        if (!isGone) setChecked({ failure: errorToData(error) });
      },
    );
    return () => {
      isGone = true;
    };
  }, [chainId]);
  // What was checked here is proven whoever sent it; what was not is only what they say.
  const isProven = checked !== undefined && 'isProven' in checked && checked.isProven;
  const standing = isProven ? 'proven' : 'reported';
  return (
    <TrustRegion of={standing}>
      <Stack gap={4}>
        {checked === undefined ? <Waiting>Checking every signature…</Waiting> : null}
        {checked !== undefined && 'failure' in checked ? (
          <Notice kind="warning" title="It could not be checked" isLive>
            {checked.failure.message} <TrustSign trust={standing} />
          </Notice>
        ) : null}
        {checked !== undefined && 'isProven' in checked ? (
          <Notice
            kind={checked.isProven ? 'success' : 'danger'}
            title={checked.isProven ? good : 'This proof does not hold'}
            isLive
          >
            {checked.isProven ? meaning : refusalOf(checked.code)} <TrustSign trust={standing} />
          </Notice>
        ) : null}
        {checked === undefined ? null : children}
      </Stack>
    </TrustRegion>
  );
}
