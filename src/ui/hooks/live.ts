import { useEffect } from 'react';
import { create } from 'zustand';
import type { ChainInfo, Client, NodeStatus } from './client.ts';
import { rememberChain, rememberStatus } from './last-known.ts';
import { createPace, DRAW_INTERVAL_MS } from './pace.ts';
import { useClient, useWallet } from './services.ts';

type Live = {
  /** What the node told last, as it told it. */
  readonly told: NodeStatus | undefined;
  /** Whether a node stands behind this page: without one nothing is more than *Cached*. */
  readonly isAttached: boolean;
  readonly status: NodeStatus | undefined;
  readonly chain: ChainInfo | undefined;
  /** Grows with each new head or level of trust: what follows the chain then asks again. */
  readonly headCount: number;
  readonly hadPeer: boolean;
};

/** What every screen shows: status of the node, name of the network. */
export const useLive = create<Live>(() => ({
  told: undefined,
  isAttached: true,
  status: undefined,
  chain: undefined,
  headCount: 0,
  hadPeer: false,
}));

/** A status is worth what the node told, while there is one. */
function standing(told: NodeStatus | undefined, isAttached: boolean): NodeStatus | undefined {
  if (told === undefined || isAttached) return told;
  const light = told.light === undefined ? undefined : { ...told.light, trust: 'cached' as const };
  return { ...told, trust: 'cached', light };
}

/** Tells whether a node stands behind this page, in this tab or in another. */
export function setAttached(isAttached: boolean): void {
  useLive.setState((live) => ({
    isAttached,
    status: standing(live.told, isAttached),
    headCount: live.headCount + (live.isAttached === isAttached ? 0 : 1),
  }));
}

/** Feeds {@link useLive}; drawn once, in the shell. */
export function useLiveFeed(): void {
  const client = useClient();
  useEffect(() => (client === undefined ? undefined : feed(client)), [client]);
}

/** Whether answers of before still stand: neither the head nor the trust in it has changed. */
function isSame(last: NodeStatus | undefined, next: NodeStatus): boolean {
  return last?.head.height === next.head.height && last.trust === next.trust;
}

function feed(client: Client): () => void {
  const stop = new AbortController();
  const askChain = async () => {
    try {
      const chain = await client.call('chain.info', {}, { signal: stop.signal });
      useLive.setState({ chain });
      rememberChain(chain);
    } catch {
      // The node is not ready or this tab is closing; the status says which.
    }
  };
  let told: NodeStatus | undefined;
  let hasNewHead = false;
  let isChainAsked = false;
  const draw = () => {
    const status = told;
    const isNewHead = hasNewHead;
    hasNewHead = false;
    useLive.setState((live) => ({
      told: status ?? live.told,
      status: standing(status ?? live.told, live.isAttached),
      hadPeer: live.hadPeer || (status?.peers ?? 0) > 0,
      headCount:
        isNewHead || (status !== undefined && !isSame(live.told, status))
          ? live.headCount + 1
          : live.headCount,
    }));
    if (status === undefined) return;
    rememberStatus(status);
    if (isChainAsked && useLive.getState().chain !== undefined) return;
    isChainAsked = true;
    void askChain();
  };
  const pace = createPace(draw, DRAW_INTERVAL_MS);
  const endStatus = client.subscribe('status', {}, (status) => {
    told = status;
    pace.ask();
  });
  const endHeads = client.subscribe('heads', {}, () => {
    hasNewHead = true;
    pace.ask();
  });
  return () => {
    stop.abort();
    pace.stop();
    endStatus();
    endHeads();
  };
}

/**
 * Whether the wallet can reach a node that answers: before, a prompt would be shown for nothing.
 */
export function useWalletReady(): boolean {
  const wallet = useWallet();
  const isAnswered = useLive((live) => live.chain !== undefined);
  return wallet !== undefined && isAnswered;
}
