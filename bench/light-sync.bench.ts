import { openChromiumHome } from '../deploy/chromium-home.ts';
import { assert, formatHex } from '../src/base/index.ts';
import { encode } from '../src/codec/index.ts';
import { loadFastHashing } from '../src/crypto/index.ts';
import { protocol } from '../src/ledger/index.ts';
import type { StateTree } from '../src/state/index.ts';
import type { Bench, Figure } from './bench.ts';
import { comparedWith, summarize } from './bench.ts';
import { GeneratedChain } from './chain/generated-chain.ts';
import { startServingPeer } from './chain/serving-peer.ts';
import { ACCOUNTS, addressOf, balanceOf, createState } from './light-sync/accounts.ts';
import type { LightRun } from './light-sync/tab.ts';

const RUNS = 7;
const PEERS = 2;
const MEMBERS = 21;
const LENGTHS = [1_000, 100_000, 1_000_000] as const;
/** How often the membership changes in the longest chain, few times and many. */
const CHANGES = [3, 100] as const;
/** Times of headers lie this much before now: nothing is from the future, nothing is slow. */
const HEAD_AGE_MS = 5_000;

/** Heights at which one member is replaced, spread over the chain. */
function changesOf(blocks: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => Math.floor(((at + 1) * blocks) / (count + 1)));
}

type Plan = { readonly name: string; readonly blocks: number; readonly changes: number };

const PLANS: readonly Plan[] = [
  ...LENGTHS.map((blocks) => ({ name: `${blocks}-blocks`, blocks, changes: 0 })),
  ...CHANGES.map((changes) => {
    return { name: `1000000-blocks-${changes}-changes`, blocks: 1_000_000, changes };
  }),
];

/** Fresh tabs, one after the other, each with a store, a worker and connections of its own. */
async function measure(plan: Plan, tree: StateTree): Promise<readonly LightRun[]> {
  const stateRoot = tree.root();
  const headMs = Date.now() - HEAD_AGE_MS;
  const chain = new GeneratedChain({
    blocks: plan.blocks,
    members: MEMBERS,
    changes: changesOf(plan.blocks, plan.changes),
    headMs,
    stateRoot,
  });
  const peers = await Promise.all(
    Array.from({ length: PEERS }, () => startServingPeer(chain, tree)),
  );
  const home = await openChromiumHome({
    entry: new URL('./light-sync/tab.ts', import.meta.url),
    files: new Map([['genesis', encode(protocol.genesisCodec, chain.genesis)]]),
  });
  try {
    const relays = peers.flatMap((peer) => peer.addresses()[0] ?? []);
    const runs: LightRun[] = [];
    // The first lets the browser and the peers warm up; no tab is older than its run.
    for (let at = 0; at <= RUNS; at++) {
      const number = (at * 7919) % ACCOUNTS;
      const run = await home.call<LightRun>(
        plan.changes === 0 ? 'prove' : 'proveAcrossChanges',
        'genesis',
        relays,
        formatHex(addressOf(number)),
      );
      assert(run.height === chain.height, 'the newest block');
      assert(run.balance === balanceOf(number).toString(), 'the balance that is there');
      if (at > 0) runs.push(run);
      await home.page.reload();
      await home.page.waitForFunction(() => 'callHome' in globalThis);
    }
    return runs;
  } finally {
    await home.close();
    await Promise.all(peers.map((peer) => peer.stop()));
  }
}

/**
 * A tab that was never here before proves a balance at the head of a long chain: headers by skip
 * verification from genesis, compared with a second peer, then a Merkle proof.
 */
const bench: Bench = async (name) => {
  await loadFastHashing();
  const tree = createState();
  const home = 'tab';
  const figures: Figure[] = [];
  let first: { readonly ms: number; readonly bytes: number } | undefined;
  for (const plan of PLANS) {
    const runs = await measure(plan, tree);
    const ms = summarize(runs.map(({ provenMs }) => provenMs));
    const bytes = summarize(runs.map((run) => run.bytes));
    first ??= { ms: ms.median, bytes: bytes.median };
    const reference = { name: `${LENGTHS[0]} blocks`, median: first.ms };
    figures.push(
      comparedWith(
        { bench: name, home, metric: `time-to-proven-${plan.name}`, unit: 'ms', ...ms },
        reference,
      ),
      comparedWith(
        { bench: name, home, metric: `bytes-to-proven-${plan.name}`, unit: 'bytes', ...bytes },
        { ...reference, median: first.bytes },
      ),
    );
  }
  return figures;
};

export default bench;
