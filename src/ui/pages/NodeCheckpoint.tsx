import { useEffect, useRef, useState } from 'react';
import { useLocation, useSearch } from 'wouter';
import type { ErrorData } from '../../base/index.ts';
import { errorToData } from '../../base/index.ts';
import { parseCheckpoint } from '../../sdk/index.ts';
import { CheckpointForm } from '../entities/CheckpointForm.tsx';
import { Figure, TrustPanel } from '../entities/TrustRegion.tsx';
import { describeError } from '../format/errors.ts';
import { isStoreHeld } from '../format/node-progress.ts';
import { formatHeight } from '../format/number.ts';
import { formatClock } from '../format/time.ts';
import { announce } from '../hooks/announce.ts';
import type { Answer } from '../hooks/ask.ts';
import type { CheckpointView } from '../hooks/client.ts';
import { useNow } from '../hooks/clock.ts';
import { useLive } from '../hooks/live.ts';
import { useClient } from '../hooks/services.ts';
import { Answered } from '../parts/Answered.tsx';
import { CopyButton } from '../parts/CopyButton.tsx';
import { ErrorNotice } from '../parts/ErrorNotice.tsx';
import { CodeBlock, Facts } from '../parts/Facts.tsx';
import { Notice } from '../parts/Notice.tsx';
import { Row, Stack } from '../parts/Panel.tsx';
import styles from './NodeMode.module.css';

type CheckpointProps = { readonly answer: Answer<CheckpointView> };

/** Blocks that people name to each other by hand: what to tell, and what one was told. */
export function Checkpoint({ answer }: CheckpointProps) {
  const trust = answer.value?.trust ?? 'cached';
  const given = useRef<HTMLDivElement>(null);
  const [path, navigate] = useLocation();
  const search = useSearch();
  const onGiven = () => {
    // What the link named was used, or is of no use any more.
    const rest = new URLSearchParams(search);
    rest.delete('checkpoint');
    navigate(rest.size === 0 ? path : `${path}?${rest}`, { replace: true });
    answer.askAgain();
    given.current?.focus();
  };
  return (
    <TrustPanel title="Checkpoint" of={trust}>
      <Answered answer={answer}>
        {(view) => (
          <Stack gap={4}>
            <Offered view={view} />
            <div id="checkpoint" ref={given} tabIndex={-1}>
              <Given view={view} />
            </div>
            <FromLink view={view} />
            <Entered view={view} onGiven={onGiven} />
          </Stack>
        )}
      </Answered>
    </TrustPanel>
  );
}

function Offered({ view }: { readonly view: CheckpointView }) {
  const { newest, trust } = view;
  const isGood = trust === 'proven' || trust === 'validated';
  const link = `${location.origin}/node?checkpoint=${newest.text}`;
  return (
    <Stack gap={3}>
      <CodeBlock label="The newest final block here" text={newest.text} />
      <p>
        {isGood
          ? 'Somebody who trusts you can go on from it when their own trust has run out.'
          : 'Nobody confirms it at the moment: better not tell it to others now.'}
      </p>
      <Row>
        <CopyButton isNamed label="Copy it as a link" text={link} />
      </Row>
    </Stack>
  );
}

function Given({ view }: { readonly view: CheckpointView }) {
  const now = useNow();
  const mode = useLive((live) => live.status?.mode);
  const { given, wanted, unsigned, hasFailed } = view;
  const isReadAgain = hasFailed && given?.isLinked !== true;
  return (
    <Stack gap={4}>
      {wanted?.refusal === undefined ? null : (
        <Notice kind="danger" title="The checkpoint of the settings was refused">
          <code>{wanted.text}</code> {describeError({ code: wanted.refusal }).title}.
        </Notice>
      )}
      {given === undefined ? null : (
        <Facts
          rows={[
            ['Given by hand', <code key="text">{given.text}</code>],
            [
              'When',
              <Figure key="at" of="counted">
                {formatClock(given.givenAtMs, now)}
              </Figure>,
            ],
            mode === 'light' && !given.isLinked
              ? undefined
              : ['Executed up to it', given.isLinked ? 'Yes' : 'Not yet'],
            unsigned.length === 0
              ? undefined
              : [
                  'Signatures left to it',
                  <Figure key="unsigned" of="counted">
                    {unsignedWords(unsigned)}
                  </Figure>,
                ],
          ]}
        />
      )}
      {isReadAgain ? (
        <Notice kind="danger" title="What peers showed did not lead to the checkpoint">
          What had not led to a checkpoint before was thrown away, and is read again with every
          signature checked.
        </Notice>
      ) : null}
    </Stack>
  );
}

/** Whether what is given now would be forgotten. */
function useIsStoreHeld(): boolean {
  return useLive(({ status }) => status !== undefined && isStoreHeld(status));
}

/** The ends of all ranges, for there may be many: between them blocks may have been checked. */
function unsignedWords(ranges: CheckpointView['unsigned']): string {
  const from = Math.min(...ranges.map((range) => range.from));
  const to = Math.max(...ranges.map((range) => range.to));
  return from === to
    ? `Those of ${formatHeight(from)}`
    : `At most those of ${formatHeight(from)} to ${formatHeight(to)}`;
}

/** What the address of this page names, unless it is what was given already. */
function useNamed({ given }: CheckpointView): string | undefined {
  const named = new URLSearchParams(useSearch()).get('checkpoint') ?? undefined;
  return named?.trim().toLowerCase() === given?.text ? undefined : named;
}

/** A link is easily sent by anybody: what it names is shown, and not used. */
function FromLink({ view }: { readonly view: CheckpointView }) {
  const named = useNamed(view);
  const isHeld = useIsStoreHeld();
  if (named === undefined) return null;
  return parseCheckpoint(named).ok ? (
    <Notice kind="warning" title="The link that you followed names a block to trust">
      {isHeld ? '' : 'It stands in the field below, and '}
      {isHeld ? 'Nothing' : 'nothing'} was done with it. Trust it only if you know who made the
      link, and ask them by another way.
    </Notice>
  ) : (
    <Notice kind="warning" title="The link that you followed names no block">
      What it says is no checkpoint. Nothing was done with it.
    </Notice>
  );
}

function Entered({ view, onGiven }: { view: CheckpointView; onGiven: () => void }) {
  const named = useNamed(view);
  const isPaused = useLive((live) => live.status?.stage === 'paused');
  const text = named !== undefined && parseCheckpoint(named).ok ? named : undefined;
  const rest = { onGiven, keptHeight: view.given?.height };
  if (useIsStoreHeld()) {
    return (
      <Notice kind="info">
        The stored data are not open yet: a checkpoint can be given here once they are.
      </Notice>
    );
  }
  return (
    <>
      {isPaused ? (
        <Notice kind="info">
          The node is paused: no peer can be asked for a block before it is resumed.
        </Notice>
      ) : null}
      {text === undefined ? (
        <CheckpointForm key="own" {...rest} />
      ) : (
        <CheckpointForm key={text} text={text} {...rest} />
      )}
    </>
  );
}

/** An advanced choice of those who replay: what a checkpoint may stand for. */
export function ReplayTrust({ answer }: CheckpointProps) {
  const client = useClient();
  const [chosen, setChosen] = useState<boolean>();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ErrorData>();
  const isHeld = useIsStoreHeld();
  const view = answer.value;
  const told = view?.isReplayTrusting;
  // What the node says counts from then on: another tab may have changed it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: forgotten at each change.
  useEffect(() => setChosen(undefined), [told]);
  if (view === undefined) return null;
  const { given, isReplayTrusting } = view;
  const isOn = chosen ?? isReplayTrusting;
  const choose = async (replayTrusting: boolean) => {
    setChosen(replayTrusting);
    setBusy(true);
    setError(undefined);
    try {
      await client?.call('node.configure', { replayTrusting });
      announce(replayTrusting ? 'Signatures are left to the checkpoint.' : 'All are checked.');
      answer.askAgain();
    } catch (caught) {
      setChosen(undefined);
      setError(errorToData(caught));
    } finally {
      setBusy(false);
    }
  };
  return (
    <details className={styles.advanced}>
      <summary>Advanced: reading old blocks faster</summary>
      <Stack gap={3}>
        <label className={styles.check}>
          <input
            type="checkbox"
            checked={isOn}
            disabled={isBusy || isHeld || (given === undefined && !isOn)}
            aria-describedby="replay-trust"
            onChange={(event) => void choose(event.target.checked)}
          />
          <span>Do not check signatures of transactions up to the checkpoint</span>
        </label>
        <p id="replay-trust" className={styles.fine}>
          {given === undefined ? 'Enter a checkpoint below first. ' : ''}
          {given?.isLinked === true
            ? 'All blocks up to the checkpoint are here: it has a use after a reset only. '
            : ''}
          Every block is still executed, and its results compared. But that each payment was signed
          by its sender rests on the validators and on who gave you the checkpoint: such blocks are
          never more than Proven, and nothing is shown of them before the chain has led to the
          checkpoint. If it does not, they are thrown away and read again.
        </p>
        {error === undefined ? null : <ErrorNotice error={error} />}
      </Stack>
    </details>
  );
}
