import { formatHex } from '../../base/index.ts';
import { useAsk } from './ask.ts';
import type { AssetBalance, AssetId } from './client.ts';
import { lastKnown } from './last-known.ts';
import { useLive } from './live.ts';

/** What is needed to write an amount of an asset. */
export type AssetFacts = {
  readonly symbol: string;
  readonly name: string;
  readonly decimals: number;
};

/** Whether this is the network's own coin: its id is all zeros. */
export function isNative(asset: Uint8Array): boolean {
  return asset.every((byte) => byte === 0);
}

/** Symbol and decimals of the network's own coin, from the node or from last time. */
export function useNative(): AssetFacts | undefined {
  const native = useLive((live) => live.chain?.native);
  if (native !== undefined) return native;
  const { symbol, decimals } = lastKnown();
  if (symbol === undefined || decimals === undefined) return undefined;
  return { symbol, name: symbol, decimals };
}

/** Symbol and decimals of any asset. */
export function useAsset(asset: AssetId): AssetFacts | undefined {
  const native = useNative();
  const answer = useAsk('asset.get', { asset }, { isEnabled: !isNative(asset) });
  return isNative(asset) ? native : answer.value;
}

/** A label for an asset that tells equal symbols apart. */
export function labelOf(balance: AssetBalance): string {
  if (isNative(balance.asset)) return balance.symbol;
  return `${balance.symbol} (${formatHex(balance.asset).slice(0, 6)})`;
}
