import { expect, test } from 'vitest';
import { errorToData, formatHex } from '../../base/index.ts';
import type { Height } from '../../ledger/index.ts';
import { verifyProof } from '../../state/index.ts';
import { MemoryStore } from '../../storage/index.ts';
import { keysWritten, recordChain, stateAfter } from './chain.fixture.ts';
import type { LedgerCrashPoint } from './crash-points.ts';
import type { LedgerStore } from './ledger-store.ts';
import { openLedgerStore } from './ledger-store.ts';
import { SNAPSHOT_OPTIONS, takeOver } from './snapshots.fixture.ts';
import type { DamagedPage } from './types.ts';

const chain = recordChain(40);
const { ledger } = chain;
const allKeys = keysWritten(chain);
const states = Array.from({ length: 41 }, (_, height) => stateAfter(chain, height));

/** Somebody waits here until the gate is opened. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

test('what changed in a page may be let go of while the rest of it is read', async () => {
  const store = new MemoryStore();
  const asked: DamagedPage[] = [];
  const planned = gate();
  const switching = gate();
  let isHeld = false;
  const ledgerStore = await openLedgerStore({
    store,
    ledger,
    // All keys in one page, of which only what blocks change stays in memory.
    options: { cacheBytesMax: 0, snapshotsKept: 0 },
    mend: async (page) => {
      asked.push(page);
      return undefined;
    },
    onCrashPoint: async (name: LedgerCrashPoint) => {
      if (!isHeld || name !== 'checkpoint-switch-begun') return;
      planned.open();
      await switching.opened;
    },
  });
  for (const [at, request] of chain.blocks.slice(0, 18).entries()) {
    if (at === 16) for (let round = 0; round < 2; round++) await ledgerStore.checkpoint();
    await ledgerStore.commit(request);
  }
  isHeld = true;
  const checkpoint = ledgerStore.checkpoint();
  await planned.opened;
  // A reading asks for what lies on the disk; before it is there, the checkpoint is, and what it
  // wrote is let go of.
  const { getMany } = store;
  let readings = 0;
  store.getMany = async (space, keys) => {
    const values = await getMany.call(store, space, keys);
    if (space === 'pages' && readings === 0) {
      readings += 1;
      switching.open();
      await checkpoint;
    }
    return values;
  };
  const values = await ledgerStore.withState((view) => allKeys.map((key) => view.get(key)));
  const state = stateAfter(chain, 18);
  expect(values.map((value) => value && formatHex(value))).toEqual(
    allKeys.map((key) => state.get(key)).map((value) => value && formatHex(value)),
  );
  expect(readings).toBe(1);
  expect(asked).toEqual([]);
  await ledgerStore.close();
});

/** Whole numbers below a bound, the same for the same seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A store whose answers take their time, each another one. What they tell was so when asked. */
class SlowStore extends MemoryStore {
  readonly #random: (below: number) => number;

  constructor(random: (below: number) => number) {
    super();
    this.#random = random;
  }

  async #pause(): Promise<void> {
    const turns = this.#random(8) === 0 ? this.#random(2_000) : this.#random(20);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
  }

  override async getMany(...asked: Parameters<MemoryStore['getMany']>) {
    const found = await super.getMany(...asked);
    await this.#pause();
    return found;
  }

  override async write(...asked: Parameters<MemoryStore['write']>) {
    await super.write(...asked);
    await this.#pause();
  }
}

const ROUNDS = 3;
const KINDS = [
  { pageBytesMax: 65_536, cacheBytesMax: 0 },
  { pageBytesMax: 600, cacheBytesMax: 0, pageRecords: 'leaves' },
  { pageBytesMax: 600, cacheBytesMax: 20_000 },
] as const;

test.each(KINDS)(
  'whatever is read, committed and taken over at once: nothing seems damaged (%o)',
  async (kind) => {
    const options = { ...SNAPSHOT_OPTIONS, checkpointEveryBlocks: 3, ...kind };
    const from = await openLedgerStore({ store: new MemoryStore(), ledger, options });
    for (const request of chain.blocks.slice(0, 33)) await from.commit(request);
    await from.checkpoint();
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const random = numbers(seed);
      const store = new SlowStore(random);
      const asked: DamagedPage[] = [];
      const mend = async (page: DamagedPage) => {
        asked.push(page);
        return undefined;
      };
      const ledgerStore = await openLedgerStore({ store, ledger, options, mend });
      let isDone = false;
      const readers = Array.from({ length: 4 }, async () => {
        while (!isDone) await readSome(ledgerStore, random);
      });
      const adoptedAt = 4 + random(24);
      const follow = async () => {
        for (let height = 1; height <= chain.blocks.length; ) {
          if (height === adoptedAt) {
            await takeOver(chain, ledgerStore, from, 32);
            height = 33;
          }
          const request = chain.blocks[height - 1];
          if (request !== undefined) await ledgerStore.commit(request);
          if (random(4) === 0) await readSome(ledgerStore, random);
          height += 1;
        }
      };
      try {
        await follow();
      } finally {
        isDone = true;
        await Promise.all(readers);
      }
      expect(asked).toEqual([]);
      await ledgerStore.close();
    }
  },
);

/** As peers and people do: values of the head, proofs of some height, chunks of a snapshot. */
async function readSome(store: LedgerStore, random: (below: number) => number): Promise<void> {
  const keys = Array.from({ length: 1 + random(6) }, () => allKeys[random(allKeys.length)]);
  const wanted = [...new Set(keys)].flatMap((key) => key ?? []);
  const what = random(4);
  if (what === 0) {
    const height = Math.max(0, store.head().header.height - random(10)) as Height; // Or pruned.
    const root = store.stateRootAt(height);
    const proof = await store.prove(height, wanted).catch((error: unknown) => {
      if (errorToData(error).code === 'version-unavailable') return undefined;
      throw error;
    });
    if (root === undefined || proof === undefined) return;
    expect(verifyProof(ledger.suite, root, wanted, proof).ok).toBe(true);
  } else if (what === 1) {
    await store.expect(() => wanted);
  } else if (what === 2) {
    store.setCacheBytesMax([0, 20_000][random(2)] ?? 0);
  }
  const { height, values } = await store.withState((view) => ({
    height: store.head().header.height,
    values: wanted.map((key) => view.get(key)),
  }));
  const state = states[height];
  for (const [at, key] of wanted.entries()) {
    const [value, expected] = [values[at], state?.get(key)];
    expect(value && formatHex(value)).toBe(expected && formatHex(expected));
  }
}
