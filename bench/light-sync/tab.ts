import { parseHex, systemClock, TabellionError } from '../../src/base/index.ts';
import { decode } from '../../src/codec/index.ts';
import { loadFastHashing } from '../../src/crypto/index.ts';
import type { Address, GenesisDocument } from '../../src/ledger/index.ts';
import { NATIVE_ASSET, protocol, readBalance } from '../../src/ledger/index.ts';
import { openFreshTab, traffic } from '../fresh-tab.ts';
import { openLightParts } from './light-parts.ts';

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

type Asked = { readonly genesis: GenesisDocument; readonly address: Address };

async function readAsked(genesisFile: string, addressHex: string): Promise<Asked> {
  await loadFastHashing();
  const response = await fetch(`/files/${genesisFile}`);
  const genesis = decode(protocol.genesisCodec, new Uint8Array(await response.arrayBuffer()));
  const address = parseHex(addressHex);
  if (!genesis.ok || !address.ok) throw new TabellionError('genesis-invalid');
  return { genesis: genesis.value, address: address.value as Address }; // 32 bytes, by the bench.
}

function runOf(found: Pick<LightRun, 'height'> & { readonly balance: bigint }, connectedMs = 0) {
  return {
    provenMs: performance.now() - connectedMs,
    bytes: traffic.received + traffic.sent,
    height: found.height,
    balance: found.balance.toString(),
  };
}

/** A light node with an empty store proves one balance. */
export async function prove(
  genesisFile: string,
  relays: readonly string[],
  addressHex: string,
): Promise<LightRun> {
  const { genesis, address } = await readAsked(genesisFile, addressHex);
  const tab = await openFreshTab(genesis, relays, { mode: 'light' });
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
    value: readBalance(view, address, NATIVE_ASSET),
  }));
  const run = runOf({ height: source.head().header.height, balance: value }, tab.connectedMs());
  await tab.close();
  return run;
}

/** The same by the light parts of a node alone, on a network whose members change. */
export async function proveAcrossChanges(
  genesisFile: string,
  relays: readonly string[],
  addressHex: string,
): Promise<LightRun> {
  const { genesis, address } = await readAsked(genesisFile, addressHex);
  const stuck = Promise.withResolvers<never>();
  const cancel = systemClock.after(RUN_MS_MAX, () => stuck.reject(new Error('stuck')));
  const opening = openLightParts(genesis, relays);
  const parts = await Promise.race([opening, stuck.promise]).finally(cancel);
  const found = await parts.read((view) => readBalance(view, address, NATIVE_ASSET));
  const run = runOf({ height: found.height, balance: found.value }, parts.connectedMs());
  await parts.close();
  return run;
}
