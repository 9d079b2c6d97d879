import type { ReactNode } from 'react';
import { lazy, Suspense, useEffect, useState } from 'react';
import { Figure } from '../entities/TrustRegion.tsx';
import { describeError } from '../format/errors.ts';
import { formatBytes, formatHeight, plural } from '../format/number.ts';
import { formatClock, formatEta } from '../format/time.ts';
import type { Client, NodeStatus } from '../hooks/client.ts';
import { useNow, useOnline } from '../hooks/clock.ts';
import { lastKnown } from '../hooks/last-known.ts';
import { useLasting } from '../hooks/lasting.ts';
import { useLive } from '../hooks/live.ts';
import { useServices } from '../hooks/services.ts';
import { Button, LinkButton } from '../parts/Button.tsx';
import { Notice } from '../parts/Notice.tsx';
import { HeadHeight } from './HeadHeight.tsx';
import type { Rare } from './RareTrouble.tsx';
import type { StorageEvent } from './storage-words.ts';
import { useUpdate } from './update.ts';

const RareTrouble = lazy(() => import('./RareTrouble.tsx'));

const NO_PEERS_AFTER_MS = 10_000;
/** A node that is started again is without peers for a moment, which is no news. */
const PEERS_GONE_AFTER_MS = 3_000;
const BEHIND_BLOCKS = 5;
const CLOCK_SKEW_MS = 60_000;
const QUOTA_LOW = 0.9;
/** A second host is looked for meanwhile. */
const ALONE_AFTER_MS = 8_000;
const UNPROVEN_AFTER_MS = 10_000;
/** A store that was opened again, and lacks nothing, is soon no news. */
const REOPENED_SHOWN_MS = 30_000;

/** What a person must know now, the gravest only: one notice at a time, and the update. */
export function Trouble() {
  const trouble = useTrouble();
  const update = useUpdate();
  return (
    <>
      {trouble}
      {update.isWaiting && update.mayApply ? (
        <Notice
          kind="info"
          isLive
          title="A new version is ready"
          action={<Button onClick={update.apply}>Update now</Button>}
        >
          The page reloads once. Nothing that you signed is lost.
        </Notice>
      ) : null}
    </>
  );
}

function useTrouble(): ReactNode {
  const status = useLive((live) => live.status);
  const hadPeer = useLive((live) => live.hadPeer);
  const { client, startFailure } = useServices();
  const isOnline = useOnline();
  const now = useNow();
  const quota = useQuotaPressure();
  const stored = useStorageEvent(status?.storage);
  const isPeerless = useLasting(
    status?.peers === 0,
    hadPeer ? PEERS_GONE_AFTER_MS : NO_PEERS_AFTER_MS,
  );
  // Beside its store a node proves nothing for another reason, which is told already.
  const isHeld = status?.storage?.kind === 'held';
  const isAlone = useLasting(
    status?.trust === 'reported' && status.peers > 0 && !isHeld,
    ALONE_AFTER_MS,
  );
  const isUnproven = useLasting(
    hasUnprovenHead(status) && !isHeld,
    UNPROVEN_AFTER_MS,
    status?.light?.head.height,
  );

  if (startFailure !== undefined) {
    const words = describeError(startFailure);
    return (
      <Notice kind="danger" title={words.title} isLive action={<Reload />}>
        {words.advice}
      </Notice>
    );
  }
  const isFull = stored?.event.kind === 'quota' && status?.error?.code === 'store-full';
  // It goes on by itself: better words than those for a node that has stopped for good.
  if (stored !== undefined && isFull) return rare({ kind: 'stored', ...stored });
  if (status?.stage === 'failed') {
    const words = describeError(status.error ?? { code: 'internal-error' });
    return (
      <Notice kind="danger" title={`The node has stopped: ${words.title}`} action={<Reload />}>
        {words.advice}
      </Notice>
    );
  }
  if (!isOnline) return <Offline status={status} nowMs={now} />;
  if (status === undefined) return null;
  const alarm = status.light?.alarm;
  if (alarm !== undefined) return rare({ kind: 'alarm', alarm });
  const isReopened = stored?.event.kind === 'reopened';
  if (stored !== undefined && !isReopened) return rare({ kind: 'stored', ...stored });
  if (status.light?.isExpired === true && !isHeld) return rare({ kind: 'expired', status });
  if (status.stage === 'paused') {
    return (
      <Notice kind="info" title="The node is paused" action={<Resume client={client} />}>
        Figures stay as of block <HeadHeight status={status} />. Sending waits until it resumes.
      </Notice>
    );
  }
  if (isPeerless) {
    return <NoPeers status={status} hadPeer={hadPeer} />;
  }
  // First, for a node that proves nothing is behind as well, and would say so for ever.
  if (isUnproven) return rare({ kind: 'unproven', status });
  if (status.stage === 'syncing' && status.targetHeight - status.head.height > BEHIND_BLOCKS) {
    return <Behind status={status} />;
  }
  if (status.head.timestampMs - now > CLOCK_SKEW_MS) {
    const minutes = Math.round((status.head.timestampMs - now) / 60_000);
    return (
      <Notice kind="warning" title="This device’s clock seems wrong">
        The newest block is <Figure of="counted">{minutes} min</Figure> ahead of it. Times shown
        here may mislead; signatures and balances are not affected.
      </Notice>
    );
  }
  if (quota !== undefined) {
    return (
      <Notice kind="warning" title="Storage is nearly full" action={<NodeLink />}>
        <Figure of="counted">
          {formatBytes(quota.usage)} of {formatBytes(quota.quota)}
        </Figure>{' '}
        are used. The node stops writing before the browser runs out; your account is safe on the
        ledger.
      </Notice>
    );
  }
  if (isAlone) return rare({ kind: 'one-voice' });
  if (status.promotion === 'waiting-consent') return rare({ kind: 'promotion' });
  if (stored === undefined || now - stored.event.atMs > REOPENED_SHOWN_MS) return null;
  return rare({ kind: 'stored', ...stored });
}

function rare(trouble: Rare): ReactNode {
  return (
    <Suspense fallback={null}>
      <RareTrouble {...trouble} />
    </Suspense>
  );
}

/** Peers tell of blocks well above ours, and the way there is not getting shorter. */
function hasUnprovenHead(status: NodeStatus | undefined): boolean {
  const { light, peers = 0 } = status ?? {};
  if (light === undefined || peers === 0 || light.stage === 'following') return false;
  return light.targetHeight - light.head.height > BEHIND_BLOCKS;
}

function Offline({ status, nowMs }: { status: NodeStatus | undefined; nowMs: number }) {
  const known = lastKnown();
  const height = status?.head.height ?? known.height;
  const atMs = status?.head.timestampMs ?? known.atMs;
  return (
    <Notice kind="warning" title="Offline">
      {height === undefined || atMs === undefined ? (
        'Nothing was read on this device before. Everything appears once there is a connection.'
      ) : (
        <>
          Shown as of block{' '}
          <Figure of="cached">
            {formatHeight(height)}, {formatClock(atMs, nowMs)}
          </Figure>
          .
        </>
      )}{' '}
      You can receive; sending waits for a connection.
    </Notice>
  );
}

function NoPeers({ status, hadPeer }: { status: NodeStatus; hadPeer: boolean }) {
  const relays = useLive((live) => live.chain?.relays ?? []);
  const cause = status.error === undefined ? '' : `: ${lower(describeError(status.error).title)}`;
  const which = relays.length === 1 ? 'the one relay' : `${relays.length} relays`;
  const tried = `Tried ${which} of this network${cause}. Trying again by itself. `;
  return (
    <Notice
      kind="warning"
      title={hadPeer ? 'All peers are gone' : 'No peers yet'}
      action={<LinkButton href="/settings#relays">Add a relay</LinkButton>}
    >
      <Figure of="counted">{relays.length === 0 ? 'This network names no relay.' : tried}</Figure>
      Figures stay as of block <HeadHeight status={status} />.
    </Notice>
  );
}

function Behind({ status }: { status: NodeStatus }) {
  const left = status.targetHeight - status.head.height;
  return (
    <Notice kind="info" title="Catching up" action={<NodeLink />}>
      <Figure of="counted">
        {plural(left, 'block')} left
        {status.etaMs === undefined ? '' : `, ${formatEta(status.etaMs)}`}
      </Figure>
      . Sending is paused until then, so that you sign on the newest state.
    </Notice>
  );
}

function Resume({ client }: { client: Client | undefined }) {
  return (
    <Button onClick={() => void client?.call('node.resume', {}).catch(() => undefined)}>
      Resume
    </Button>
  );
}

function Reload() {
  return <Button onClick={() => location.reload()}>Reload</Button>;
}

function NodeLink() {
  return <LinkButton href="/node">Node</LinkButton>;
}

/** What became of stored data, until the person has read it. */
function useStorageEvent(
  event: StorageEvent | undefined,
): { readonly event: StorageEvent; readonly dismiss: () => void } | undefined {
  // By name: what a later event hid for a while may still be news.
  const [read, setRead] = useState<readonly string[]>([]);
  if (event === undefined) return undefined;
  const name = `${event.kind} ${event.atMs}`;
  if (read.includes(name)) return undefined;
  return { event, dismiss: () => setRead([...read, name]) };
}

function useQuotaPressure(): { readonly usage: number; readonly quota: number } | undefined {
  const [pressure, setPressure] = useState<{ usage: number; quota: number }>();
  useEffect(() => {
    let isGone = false;
    const look = async () => {
      const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.()) ?? {};
      if (!isGone && quota > 0 && usage / quota > QUOTA_LOW) setPressure({ usage, quota });
    };
    void look().catch(() => undefined);
    return () => {
      isGone = true;
    };
  }, []);
  return pressure;
}

function lower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
