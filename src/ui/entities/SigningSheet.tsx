import { useEffect, useRef, useState } from 'react';
import type { ErrorData } from '../../base/index.ts';
import { errorToData } from '../../base/index.ts';
import type { PreparedTransaction, TransactionProgress, Wallet } from '../../wallet/index.ts';
import { useMaySend } from '../hooks/account.ts';
import { announce } from '../hooks/announce.ts';
import { useWallet } from '../hooks/services.ts';
import type { SigningRequest } from '../hooks/signing.ts';
import { useSigning } from '../hooks/signing.ts';
import { Button } from '../parts/Button.tsx';
import { ErrorNotice } from '../parts/ErrorNotice.tsx';
import { Notice, Waiting } from '../parts/Notice.tsx';
import { Stack } from '../parts/Panel.tsx';
import { Sheet } from '../parts/Sheet.tsx';
import { ClearText } from './ClearText.tsx';
import styles from './SigningSheet.module.css';
import { wordOfStage } from './StageSign.tsx';
import { Timeline } from './Timeline.tsx';

type Phase =
  | { readonly kind: 'preparing' }
  | { readonly kind: 'unprepared'; readonly error: ErrorData }
  | { readonly kind: 'review'; readonly prepared: PreparedTransaction; readonly error?: ErrorData }
  | { readonly kind: 'prompting'; readonly prepared: PreparedTransaction }
  | { readonly kind: 'under-way'; readonly progress: TransactionProgress | undefined };

/**
 * The only place where a person sees what is signed: WebAuthn shows nothing of it. Drawn from the
 * bytes that will be signed, decoded again, with the outcome simulated on this tab's own state.
 */
export default function SigningSheet({ request }: { readonly request: SigningRequest }) {
  const wallet = useWallet();
  const maySend = useMaySend();
  const { phase, prepare, sign, cancelPrompt } = useSigningSteps(wallet, request);
  const isUnderWay = phase.kind === 'under-way';

  const close = () => {
    cancelPrompt();
    useSigning.setState({ request: undefined });
    request.onClose?.(isUnderWay);
  };

  return (
    <Sheet
      title={titleOf(phase)}
      onClose={close}
      isHeld={phase.kind === 'prompting'}
      footer={<Foot phase={phase} mayAct={maySend.may} sign={sign} close={close} />}
    >
      <Stack gap={4}>
        {phase.kind === 'preparing' ? <Waiting>Simulating on this tab’s state…</Waiting> : null}
        {phase.kind === 'unprepared' ? <ErrorNotice error={phase.error} onRetry={prepare} /> : null}
        {phase.kind === 'review' || phase.kind === 'prompting' ? (
          <>
            {request.warning === undefined ? null : (
              <Notice kind="danger" title="Look twice">
                {request.warning}
              </Notice>
            )}
            <ClearText prepared={phase.prepared} />
            {maySend.may ? null : <Notice kind="warning">{maySend.why}</Notice>}
          </>
        ) : null}
        {phase.kind === 'prompting' ? (
          <Notice
            kind="info"
            isLive
            title="Follow your device’s prompt"
            action={<Button onClick={cancelPrompt}>Stop</Button>}
          >
            It only asks for your key. What you sign is what stands above.
          </Notice>
        ) : null}
        {phase.kind === 'review' && phase.error !== undefined ? (
          <ErrorNotice error={phase.error} />
        ) : null}
        {phase.kind === 'under-way' ? (
          <Timeline
            progress={phase.progress}
            account={request.account.address}
            onLeave={() => useSigning.setState({ request: undefined })}
          />
        ) : null}
      </Stack>
    </Sheet>
  );
}

function titleOf(phase: Phase): string {
  if (phase.kind !== 'under-way') return 'Sign with your key';
  const stage = phase.progress?.stage ?? 'signed';
  return stage === 'final' || stage === 'failed' || stage === 'expired'
    ? wordOfStage(stage)
    : 'On its way';
}

type FootProps = {
  readonly phase: Phase;
  readonly mayAct: boolean;
  readonly sign: (prepared: PreparedTransaction) => void;
  readonly close: () => void;
};

function Foot({ phase, mayAct, sign, close }: FootProps) {
  const isShown = phase.kind === 'review' || phase.kind === 'prompting';
  return (
    <>
      {isShown ? <p className={styles.caution}>Your device will NOT show these details.</p> : null}
      {phase.kind === 'under-way' || phase.kind === 'prompting' ? null : (
        <Button onClick={close}>Cancel</Button>
      )}
      <Act {...{ phase, mayAct, sign, close }} />
    </>
  );
}

/** What acts, in every phase at one place: so focus stays on it from signing to the end. */
function Act({ phase, mayAct, sign, close }: FootProps) {
  if (phase.kind === 'under-way') {
    return (
      <Button look="primary" onClick={close}>
        Done
      </Button>
    );
  }
  if (phase.kind === 'prompting') {
    return (
      <Button look="primary" isBusy>
        Waiting for your key
      </Button>
    );
  }
  if (phase.kind !== 'review') return null;
  const wouldFail = phase.prepared.simulation.outcome.kind === 'failed';
  return (
    <Button look="primary" disabled={wouldFail || !mayAct} onClick={() => sign(phase.prepared)}>
      Sign with key
    </Button>
  );
}

function useSigningSteps(wallet: Wallet | undefined, request: SigningRequest) {
  const [phase, setPhase] = useState<Phase>({ kind: 'preparing' });
  const stop = useRef<AbortController>(undefined);
  const endTracking = useRef<() => void>(undefined);
  useEffect(
    () => () => {
      stop.current?.abort();
      endTracking.current?.();
    },
    [],
  );

  const prepare = async () => {
    if (wallet === undefined) return;
    setPhase({ kind: 'preparing' });
    stop.current = new AbortController();
    const { signal } = stop.current;
    try {
      const { account, actions, memo = '' } = request;
      const prepared = await wallet.prepare({ account, actions, memo, signal });
      if (!signal.aborted) setPhase({ kind: 'review', prepared });
    } catch (error) {
      if (!signal.aborted) setPhase({ kind: 'unprepared', error: errorToData(error) });
    }
  };

  const sign = async (prepared: PreparedTransaction) => {
    if (wallet === undefined) return;
    setPhase({ kind: 'prompting', prepared });
    stop.current = new AbortController();
    const { signal } = stop.current;
    try {
      const signed = await wallet.sign(prepared, { signal });
      setPhase({ kind: 'under-way', progress: undefined });
      await wallet.submit(signed);
      follow(wallet, signed.transactionId);
    } catch (error) {
      setPhase({ kind: 'review', prepared, error: errorToData(error) });
    }
  };

  const follow = (from: Wallet, id: TransactionProgress['transactionId']) => {
    endTracking.current = from.track(id, (progress) => {
      setPhase({ kind: 'under-way', progress });
      announce(`Transaction ${wordOfStage(progress.stage).toLowerCase()}.`);
      if (progress.stage === 'final') request.onFinal?.();
    });
  };

  // biome-ignore lint/correctness/useExhaustiveDependencies: one request is prepared once.
  useEffect(() => {
    void prepare();
  }, [wallet, request]);

  return {
    phase,
    prepare: () => void prepare(),
    sign: (prepared: PreparedTransaction) => void sign(prepared),
    cancelPrompt: () => stop.current?.abort(),
  };
}
