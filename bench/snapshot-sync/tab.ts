import { systemClock, TabellionError } from '../../src/base/index.ts';
import { decode } from '../../src/codec/index.ts';
import { loadFastHashing } from '../../src/crypto/index.ts';
import { protocol } from '../../src/ledger/index.ts';
import { openFreshTab, traffic } from '../fresh-tab.ts';
import { GENESIS_FILE } from './plan.ts';

// What a fresh tab's worker does; runs in Chromium by `openChromiumHome`.

/** A run that takes longer is stuck. */
const RUN_MS_MAX = 300_000;
const SAID_MAX = 24;

export type SnapshotRun = {
  /** From the first connected peer until the state is this node's own. */
  readonly adoptedMs: number;
  /** Received, everything since the worker began. */
  readonly bytes: number;
  readonly height: number;
};

/** A full node with an empty store takes over the state of a height. */
export async function takeOver(relays: readonly string[], height: number): Promise<SnapshotRun> {
  await loadFastHashing();
  const response = await fetch(`/files/${GENESIS_FILE}`);
  const genesis = decode(protocol.genesisCodec, new Uint8Array(await response.arrayBuffer()));
  if (!genesis.ok) throw new TabellionError('genesis-invalid');
  const tab = await openFreshTab(genesis.value, relays, { mode: 'full' });
  const { node } = tab;
  const adopted = Promise.withResolvers<void>();
  const look = () => {
    if (node.parts.chain.head().header.height >= height) adopted.resolve();
  };
  node.events.on('status', look);
  node.events.on('light', look);
  /** What the node said last, to tell if it gets stuck. */
  const said: string[] = [];
  node.events.on('trace', ({ event, facts }) => {
    said.push(`${event} ${JSON.stringify(facts)}`);
    if (said.length > SAID_MAX) said.shift();
    const isBad = ['node-failed', 'snapshot-failed', 'snapshot-stalled'].includes(event);
    if (isBad) adopted.reject(new Error(`${event} ${JSON.stringify(facts)}`));
    if (event === 'snapshot-ended') look();
  });
  const cancel = systemClock.after(RUN_MS_MAX, () => {
    adopted.reject(new Error(`stuck: ${node.status().stage}; ${said.join('; ')}`));
  });
  await node.start();
  await adopted.promise.finally(cancel);
  const run = {
    adoptedMs: performance.now() - (tab.connectedMs() ?? 0),
    bytes: traffic.received,
    height: node.parts.chain.head().header.height,
  };
  await tab.close();
  return run;
}
