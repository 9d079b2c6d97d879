import { parseHex, systemClock, TabellionError } from '../../src/base/index.ts';
import { decode } from '../../src/codec/index.ts';
import { loadFastHashing } from '../../src/crypto/index.ts';
import type { Address } from '../../src/ledger/index.ts';
import { NATIVE_ASSET, protocol, readBalance } from '../../src/ledger/index.ts';
import { openFreshTab, traffic } from '../fresh-tab.ts';

// What a fresh tab's worker does; runs in Chromium by `openChromiumHome`.

/** A run that takes longer is stuck. */
const RUN_MS_MAX = 60_000;

export type LightRun = {
  /** From the first connected peer to the first proven balance. */
  readonly provenMs: number;
  /** Both ways, everything since the worker began. */
  readonly bytes: number;
  readonly height: number;
  readonly balance: string;
};

/** A light node with an empty store proves one balance. */
export async function prove(
  genesisFile: string,
  relays: readonly string[],
  addressHex: string,
): Promise<LightRun> {
  await loadFastHashing();
  const response = await fetch(`/files/${genesisFile}`);
  const genesis = decode(protocol.genesisCodec, new Uint8Array(await response.arrayBuffer()));
  const address = parseHex(addressHex);
  if (!genesis.ok || !address.ok) throw new TabellionError('genesis-invalid');
  const tab = await openFreshTab(genesis.value, relays, { mode: 'light' });
  const { node } = tab;
  const proven = Promise.withResolvers<void>();
  const look = () => {
    if (node.source().kind === 'light' && node.source().trust() === 'proven') proven.resolve();
  };
  node.events.on('light', look);
  node.events.on('status', look);
  const cancel = systemClock.after(RUN_MS_MAX, () => {
    proven.reject(new Error(`stuck: ${node.source().kind}, ${node.source().trust()}`));
  });
  await node.start();
  await proven.promise.finally(cancel);
  const source = node.source();
  const { value } = await source.read((view) => ({
    // 32 bytes, named by the bench.
    value: readBalance(view, address.value as Address, NATIVE_ASSET),
  }));
  const run = {
    provenMs: performance.now() - (tab.connectedMs() ?? 0),
    bytes: traffic.received + traffic.sent,
    height: source.head().header.height,
    balance: value.toString(),
  };
  await tab.close();
  return run;
}
