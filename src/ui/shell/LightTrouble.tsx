import { useState } from 'react';
import { Figure } from '../entities/TrustRegion.tsx';
import { formatHeight } from '../format/number.ts';
import { announce } from '../hooks/announce.ts';
import type { NodeStatus } from '../hooks/client.ts';
import { exportEvidence } from '../hooks/evidence.ts';
import { useLive } from '../hooks/live.ts';
import { useClient } from '../hooks/services.ts';
import { Button, LinkButton } from '../parts/Button.tsx';
import { Notice } from '../parts/Notice.tsx';

type Alarm = NonNullable<NonNullable<NodeStatus['light']>['alarm']>;

/** What everything shown is about, with how far that may be believed. */
export function HeadHeight({ status }: { readonly status: NodeStatus }) {
  return <Figure of={status.trust}>{formatHeight(status.head.height)}</Figure>;
}

/** The gravest of all: those who decide contradicted themselves, or were robbed of their keys. */
export function AlarmNotice({ alarm }: { readonly alarm: Alarm }) {
  const client = useClient();
  const chain = useLive((live) => live.chain);
  const [isBusy, setBusy] = useState(false);
  const save = async () => {
    if (client === undefined) return;
    setBusy(true);
    try {
      await exportEvidence(client, chain);
      announce('The evidence was saved.');
    } catch {
      announce('The node did not hand out the evidence. Try again.');
    } finally {
      setBusy(false);
    }
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
        <Button isBusy={isBusy} onClick={() => void save()}>
          Export the evidence
        </Button>
      }
    >
      More than a third of the validators signed both. Sending is paused, and nothing newer is
      trusted. Show the evidence to those who run this network.
    </Notice>
  );
}

/** What was trusted last is too old: its members may have left, and could lie for free. */
export function ExpiredNotice({ status }: { readonly status: NodeStatus }) {
  return (
    <Notice
      kind="warning"
      title="Trust has run out"
      action={<LinkButton href="/node">Node</LinkButton>}
    >
      This browser was away for longer than validators answer for their signatures. Newer blocks
      cannot be proven from block <HeadHeight status={status} />; figures stay as they were, and
      sending is paused. Compare with somebody whom you trust.
    </Notice>
  );
}

/** Peers talk of newer blocks, but none of them holds the signatures: perhaps all of them lie. */
export function UnprovenNotice({ status }: { readonly status: NodeStatus }) {
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
export function OneVoiceNotice() {
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
