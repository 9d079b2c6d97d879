import { useState } from 'react';
import { useSearch } from 'wouter';
import type { ErrorData } from '../../base/index.ts';
import { errorToData } from '../../base/index.ts';
import { parseCheckpoint } from '../../sdk/index.ts';
import { CheckpointForm } from '../entities/CheckpointForm.tsx';
import { Figure, TrustPanel } from '../entities/TrustRegion.tsx';
import { formatHeight } from '../format/number.ts';
import { formatClock } from '../format/time.ts';
import { announce } from '../hooks/announce.ts';
import type { Answer } from '../hooks/ask.ts';
import type { CheckpointView } from '../hooks/client.ts';
import { useNow } from '../hooks/clock.ts';
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
  return (
    <TrustPanel title="Checkpoint" of={trust}>
      <Answered answer={answer}>
        {(view) => (
          <Stack gap={4}>
            <Offered view={view} />
            <Given view={view} />
            <FromLink />
            <Entered view={view} askAgain={answer.askAgain} />
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
  const { given, wanted, unsigned, hasFailed } = view;
  return (
    <>
      {wanted?.refusal === undefined ? null : (
        <Notice kind="danger" title="The checkpoint of the settings was refused">
          <code>{wanted.text}</code>
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
            ['Executed up to it', given.isLinked ? 'Yes' : 'Not yet'],
            unsigned === undefined
              ? undefined
              : [
                  'Signatures left to it',
                  <Figure key="unsigned" of="counted">
                    {`${formatHeight(unsigned.from)} to ${formatHeight(unsigned.to)}`}
                  </Figure>,
                ],
          ]}
        />
      )}
      {hasFailed ? (
        <Notice kind="danger" title="What peers showed did not lead to the checkpoint">
          All of it was thrown away, and is read again with every signature checked.
        </Notice>
      ) : null}
    </>
  );
}

/** What the address of this page names. */
function useNamed(): string | undefined {
  return new URLSearchParams(useSearch()).get('checkpoint') ?? undefined;
}

/** A link is easily sent by anybody: what it names is shown, and not used. */
function FromLink() {
  const named = useNamed();
  if (named === undefined) return null;
  return parseCheckpoint(named).ok ? (
    <Notice kind="warning" title="The link that you followed names a block to trust">
      It stands in the field below, and nothing was done with it. Trust it only if you know who made
      the link, and ask them by another way.
    </Notice>
  ) : (
    <Notice kind="warning" title="The link that you followed names no block">
      What it says is no checkpoint. Nothing was done with it.
    </Notice>
  );
}

function Entered({ view, askAgain }: { view: CheckpointView; askAgain: () => void }) {
  const named = useNamed();
  const text = named !== undefined && parseCheckpoint(named).ok ? named : undefined;
  const isUsed = text !== undefined && text.trim().toLowerCase() === view.given?.text;
  if (text === undefined || isUsed) return <CheckpointForm key="own" onGiven={askAgain} />;
  return <CheckpointForm key={text} text={text} onGiven={askAgain} />;
}

/** An advanced choice of those who replay: what a checkpoint may stand for. */
export function ReplayTrust({ answer }: CheckpointProps) {
  const client = useClient();
  const [chosen, setChosen] = useState<boolean>();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ErrorData>();
  const view = answer.value;
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
            disabled={isBusy || (given === undefined && !isOn)}
            aria-describedby="replay-trust"
            onChange={(event) => void choose(event.target.checked)}
          />
          <span>Do not check signatures of transactions up to the checkpoint</span>
        </label>
        <p id="replay-trust" className={styles.fine}>
          {given === undefined ? 'Enter a checkpoint below first. ' : ''}
          Every block is still executed, and its results compared. But that each payment was signed
          by its sender rests on the validators and on who gave you the checkpoint: such blocks are
          never more than Proven, and nothing is shown of them before the chain has led to the
          checkpoint. If it does not, all of it is thrown away and read again.
        </p>
        {error === undefined ? null : <ErrorNotice error={error} />}
      </Stack>
    </details>
  );
}
