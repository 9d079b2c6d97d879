import { useState } from 'react';
import { useLocation } from 'wouter';
import { unreachable } from '../../base/index.ts';
import { CheckpointForm } from '../entities/CheckpointForm.tsx';
import { Figure } from '../entities/TrustRegion.tsx';
import { formatHeight } from '../format/number.ts';
import { announce } from '../hooks/announce.ts';
import { saveBackup } from '../hooks/backup-file.ts';
import type { Client, NodeStatus } from '../hooks/client.ts';
import { exportEvidence } from '../hooks/evidence.ts';
import { useLive } from '../hooks/live.ts';
import { writeMode } from '../hooks/preferences.ts';
import { useClient, useWallet } from '../hooks/services.ts';
import { Button, LinkButton } from '../parts/Button.tsx';
import { Notice } from '../parts/Notice.tsx';
import { Stack } from '../parts/Panel.tsx';
import { HeadHeight } from './HeadHeight.tsx';
import { Promotion } from './Promotion.tsx';
import type { StorageEvent } from './storage-words.ts';
import { describeStorage } from './storage-words.ts';

type Alarm = NonNullable<NonNullable<NodeStatus['light']>['alarm']>;

/** What is rarely wrong; its words are loaded when it is. */
export type Rare =
  | { readonly kind: 'alarm'; readonly alarm: Alarm }
  | { readonly kind: 'stored'; readonly event: StorageEvent; readonly dismiss: () => void }
  | { readonly kind: 'expired' | 'unproven'; readonly status: NodeStatus }
  | { readonly kind: 'one-voice' | 'promotion' };

/** One rare trouble, in words. */
export default function RareTrouble(rare: Rare) {
  switch (rare.kind) {
    case 'alarm':
      return <AlarmNotice alarm={rare.alarm} />;
    case 'stored':
      return <StoredNotice event={rare.event} dismiss={rare.dismiss} />;
    case 'expired':
      return <ExpiredNotice status={rare.status} />;
    case 'unproven':
      return <UnprovenNotice status={rare.status} />;
    case 'one-voice':
      return <OneVoiceNotice />;
    case 'promotion':
      return <Promotion />;
    default:
      return unreachable(rare);
  }
}

type StoredProps = { readonly event: StorageEvent; readonly dismiss: () => void };

/** What became of stored data: what is lost, what is not, and what can be done. */
function StoredNotice({ event, dismiss }: StoredProps) {
  const wallet = useWallet();
  const client = useClient();
  const isExpired = useLive(({ status }) => status?.light?.isExpired === true);
  const words = describeStorage(event, isExpired);
  return (
    <Notice
      kind="warning"
      title={words.title}
      action={
        <>
          {words.isPersonal ? (
            <>
              <LinkButton href="/settings#data">Read a saved file</LinkButton>
              <Button
                disabled={wallet === undefined}
                onClick={() => wallet && void saveBackup(wallet, client)}
              >
                Save what is still here
              </Button>
            </>
          ) : null}
          <Button onClick={dismiss}>Understood</Button>
        </>
      }
    >
      {words.text}
    </Notice>
  );
}

/** The gravest of all: those who decide contradicted themselves, or were robbed of their keys. */
function AlarmNotice({ alarm }: { readonly alarm: Alarm }) {
  const client = useClient();
  const chain = useLive((live) => live.chain);
  const [isBusy, setBusy] = useState(false);
  const [isSaved, setSaved] = useState(false);
  const [isSure, setSure] = useState(false);
  const tell = async (deed: (client: Client) => Promise<unknown>, done: string) => {
    if (client === undefined) return;
    setBusy(true);
    try {
      await deed(client);
      announce(done);
    } catch {
      announce('The node did not answer. Try again.');
    } finally {
      setBusy(false);
    }
  };
  const save = () =>
    tell(async (from) => {
      await exportEvidence(from, chain);
      setSaved(true);
    }, 'The evidence was saved.');
  const goOn = () => {
    if (!isSure) return setSure(true);
    return tell((from) => from.call('node.clearAlarm', {}), 'Newer blocks are trusted again.');
  };
  return (
    <Notice
      kind="danger"
      isLive
      title={
        <>
          Two different blocks are certified at height{' '}
          <Figure of="proven">{formatHeight(alarm.height)}</Figure>
        </>
      }
      action={
        <>
          <Button isBusy={isBusy} onClick={() => void save()}>
            Export the evidence
          </Button>
          {isSaved ? (
            <Button
              look="danger"
              isBusy={isBusy}
              onBlur={() => setSure(false)}
              onClick={() => void goOn()}
            >
              {isSure ? 'Really trust them again' : 'Trust newer blocks again'}
            </Button>
          ) : null}
        </>
      }
    >
      More than a third of the validators signed both. Sending is paused, and nothing newer is
      trusted. Show the evidence to those who run this network.
    </Notice>
  );
}

/** What was trusted last is too old: its members may have left, and could lie for free. */
function ExpiredNotice({ status }: { readonly status: NodeStatus }) {
  const client = useClient();
  const [path] = useLocation();
  const [isBusy, setBusy] = useState(false);
  const balance = async () => {
    setBusy(true);
    try {
      await client?.call('node.configure', { mode: 'full' });
      writeMode('full');
    } catch {
      announce('The node did not answer. Try again.');
    } finally {
      setBusy(false);
    }
  };
  return (
    <Notice
      kind="warning"
      title="Trust has run out"
      action={
        status.mode === 'light' ? (
          <Button isBusy={isBusy} onClick={() => void balance()}>
            Switch to Balanced
          </Button>
        ) : (
          <LinkButton href="/node">Reset on the Node page</LinkButton>
        )
      }
    >
      <Stack gap={3}>
        <p>
          This browser was away for longer than validators answer for their signatures. Newer blocks
          cannot be proven from block <HeadHeight status={status} />; figures stay as they were, and
          sending is paused. A checkpoint renews it. Ask somebody you trust to read you the
          checkpoint on their Node page.
        </p>
        {path === '/node' ? (
          <p>
            Enter it <a href="#checkpoint">under Checkpoint</a> on this page.
          </p>
        ) : (
          <CheckpointForm />
        )}
        <p>
          {status.mode === 'light'
            ? 'Or without one: Balanced reads and checks all blocks that are missing here. '
            : 'Or without one: what was executed goes on by blocks; a reset begins at genesis. '}
          Compare the result with somebody whom you trust.
        </p>
      </Stack>
    </Notice>
  );
}

/** Peers talk of newer blocks, but none of them holds the signatures: perhaps all of them lie. */
function UnprovenNotice({ status }: { readonly status: NodeStatus }) {
  return (
    <Notice
      kind="warning"
      title="No peer proves what it says"
      action={<LinkButton href="/settings#relays">Add a relay</LinkButton>}
    >
      They talk of block <Figure of="reported">{formatHeight(status.targetHeight)}</Figure>, but
      none has the signatures of the validators for it. Figures stay as of block{' '}
      <HeadHeight status={status} />. Another relay may know better.
    </Notice>
  );
}

/** One voice can withhold what it likes: nothing of it is called more than Reported. */
function OneVoiceNotice() {
  return (
    <Notice
      kind="warning"
      title="Only one host answers"
      action={<LinkButton href="/settings#relays">Add a relay</LinkButton>}
    >
      What it withholds cannot be noticed, so figures stay Reported. A second one makes this view
      independent.
    </Notice>
  );
}
