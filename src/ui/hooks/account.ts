import { useEffect } from 'react';
import { formatAddress, NEAR_BLOCKS } from '../../sdk/index.ts';
import { useAsk, useTopic } from './ask.ts';
import type { AccountView, Address, NodeStatus } from './client.ts';
import { lastKnown, rememberBalance } from './last-known.ts';
import { useLive } from './live.ts';

/** An account, kept up to date while drawn, and remembered for the next visit. */
export function useAccount(address: Address | undefined): AccountView | undefined {
  const anyAddress = address ?? (NOBODY as Address); // Never asked: both are disabled without one.
  const isEnabled = address !== undefined;
  const asked = useAsk('account.get', { address: anyAddress }, { isEnabled, isLive: true });
  const told = useTopic('account', { address: anyAddress }, isEnabled);
  const newer =
    told !== undefined && (asked.value === undefined || told.height >= asked.value.height)
      ? told
      : asked.value;
  useEffect(() => {
    if (newer !== undefined) rememberBalance(formatAddress(newer.address), newer);
  }, [newer]);
  return newer;
}

const NOBODY = new Uint8Array(32);

/** What the last visit knew of a native balance. */
export function cachedBalance(
  address: Address,
): { readonly amount: bigint; readonly atMs: number } | undefined {
  const entry = lastKnown().balances[formatAddress(address)];
  if (entry === undefined || !/^\d{1,20}$/.test(entry.amount)) return undefined;
  return { amount: BigInt(entry.amount), atMs: entry.atMs };
}

/** Whether a person may send now, or why not. */
export function useMaySend():
  | { readonly may: true }
  | { readonly may: false; readonly why: string } {
  const status = useLive((live) => live.status);
  if (status === undefined) return { may: false, why: 'The node is starting.' };
  if (status.stage === 'paused') return { may: false, why: 'The node is paused.' };
  if (status.stage === 'failed') return { may: false, why: 'The node has stopped.' };
  if (status.light?.alarm !== undefined) {
    return { may: false, why: 'Two different blocks are certified. Sending is paused.' };
  }
  if (status.light?.isExpired === true && status.head.height > status.chainHeight) {
    return { may: false, why: 'Trust has run out. Sending is paused until it is renewed.' };
  }
  if (status.peers === 0) return { may: false, why: 'There are no peers to send to yet.' };
  if (!isNear(status)) {
    return { may: false, why: 'The node is catching up. Sending is paused until then.' };
  }
  return { may: true };
}

/** Whether this tab knows the newest state: only then is an absence an absence. */
export function useIsFollowing(): boolean {
  return useLive(({ status }) => status?.stage === 'following' || isProvenHead(status));
}

/** Whether the proven head is the newest that several hosts know of: not even one block is missing. */
function isProvenHead(status: NodeStatus | undefined): boolean {
  const { light } = status ?? {};
  if (status === undefined || light === undefined || light.trust !== 'proven') return false;
  return light.stage === 'following' && status.head.height >= status.targetHeight;
}

/** Whether what answers are about is as good as the newest that is known of. */
function isNear(status: NodeStatus): boolean {
  return status.targetHeight - status.head.height <= NEAR_BLOCKS;
}
