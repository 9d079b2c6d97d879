import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { TabellionError } from '../base/index.ts';
import { encode } from '../codec/index.ts';
import type { Hash } from '../crypto/index.ts';
import { manifestCodec } from '../state/index.ts';
import type { MemoryStore } from '../storage/index.ts';
import type { TabellionNode } from './index.ts';
import {
  chunksAnswerCodec,
  chunksRequestCodec,
  manifestAnswerCodec,
  manifestRequestCodec,
} from './snapshot-messages.ts';
import type { Answers } from './testing/liar.ts';
import { impostor, isolate, readHonest } from './testing/liar.ts';
import { SettledVillage } from './testing/settled-village.ts';
import type { StartOptions } from './testing/village.ts';
import { heightOf, VALIDATORS } from './testing/village.ts';

// A snapshot that fails when it is nearly there, or whose divider falls silent.

const [FIRST, SECOND] = VALIDATORS;

/** One network for all: newcomers change nothing in it. */
let village: SettledVillage;
beforeAll(async () => {
  village = await SettledVillage.found({ settlers: 1_500, blocks: 12 });
});
afterAll(() => village.end());

let count = 0;
let newcomer: string;
/** Chunks that the newcomer was given, by what each peer answered. */
let given: Map<string, number>;
beforeEach(() => {
  count += 1;
  newcomer = `newcomer ${count}`;
  given = new Map();
  village.hub.heal();
});

const silence = () => new Promise<Bytes>(() => undefined);
const blamed = () =>
  new Set(
    village.hub.penalties
      .filter(({ by }) => by === newcomer)
      .map(({ peerId, reason }) => `${peerId.split(' ')[0]}: ${reason}`),
  );

/** A peer of this test; the true peer behind it is another than the liars'. */
function peer(kind: 'liar' | 'honest', answers: Answers = {}): string {
  const name = `${kind} ${count}`;
  const counting = async (request: Bytes, honestly: () => Promise<Bytes>) => {
    const answer = (await answers.chunks?.(request, honestly)) ?? (await honestly());
    const { chunks } = readHonest(chunksAnswerCodec, answer);
    const found = chunks.filter((chunk) => chunk !== undefined).length;
    given.set(kind, (given.get(kind) ?? 0) + found);
    return answer;
  };
  const behind = kind === 'liar' ? FIRST : SECOND;
  impostor(village, { name, honest: behind, answers: { ...answers, chunks: counting } });
  return name;
}

async function start(options: StartOptions = {}) {
  return village.start(newcomer, options);
}

/** The newcomer has the true state now, by one snapshot. */
async function expectArrived(node: TabellionNode) {
  await village.arrived(node);
  await village.assertAdopted(newcomer);
  expect(node.parts.store.snapshotBegun()).toBeUndefined();
}

/** Nothing of a state that is not whole is in use. */
function expectUntouched(node: TabellionNode) {
  const { store } = node.parts;
  expect(store.head().header.height).toBe(0);
  expect(store.anchor()).toBeUndefined();
  expect(store.earliestHeight()).toBe(0);
  expect(village.factsOf(newcomer, 'snapshot-adopted')).toEqual([]);
  expect(node.status().error).toBeUndefined();
}

async function leave(...names: readonly string[]) {
  await village.stop(newcomer);
  await village.dismiss(...names);
  village.hub.delivers = () => true;
}

/** No block can be had one by one at first: a snapshot is the only way. */
function withoutBlocks() {
  village.hub.delivers = ({ from, kind }) =>
    from !== newcomer || kind !== 'request-blocks' || heightOf(village.node(newcomer)) > 0;
}

describe('a giver of a false manifest that falls silent', () => {
  type Manifest = { readonly nodes: readonly { readonly kind: string; readonly weight: number }[] };
  /** Takes the honest manifest of the state that is asked for, and gives what is made of it. */
  const dividing =
    (change: (manifest: Manifest, root: Hash) => unknown) =>
    async (request: Bytes, honestly: () => Promise<Bytes>) => {
      const { stateRoot } = readHonest(manifestRequestCodec, request);
      const { manifest = new Uint8Array(0) } = readHonest(manifestAnswerCodec, await honestly());
      const changed = change(readHonest(manifestCodec, manifest) as Manifest, stateRoot);
      return encode(manifestAnswerCodec, { manifest: encode(manifestCodec, changed as never) });
    };

  it.each([
    [
      'whose root is another',
      dividing(({ nodes }) => ({ nodes: nodes.slice(0, -1) })),
      'liar: false-manifest',
    ],
    [
      'whose sizes are others',
      dividing(({ nodes }) => ({
        nodes: nodes.map((node) =>
          node.kind === 'chunk' ? { ...node, weight: node.weight - 1 } : node,
        ),
      })),
      'liar: false-manifest',
    ],
    [
      // The root is right, and nobody honest has the state in one piece.
      'that divides the state as nobody does',
      dividing((_, hash) => ({ nodes: [{ kind: 'chunk', hash, weight: 60_000, count: 1_000 }] })),
      undefined,
    ],
  ] as const)('%s costs a newcomer a while, not its snapshot', async (_, manifest, blame) => {
    const liar = peer('liar', { manifest, chunks: silence });
    const honest = peer('honest');
    withoutBlocks();
    isolate(village, newcomer, [liar, honest]);
    const { node } = await start();
    const from = village.clock.now();
    await expectArrived(node);
    expect(village.clock.now() - from).toBeLessThan(60_000);
    const stalls = new Set(['liar: stall', 'liar: endless-stall']);
    expect([...blamed()].filter((each) => !stalls.has(each))).toEqual(
      blame === undefined ? [] : [blame],
    );
    expect(given.get('honest')).toBeGreaterThan(5);
    await leave(liar, honest);
  });
});

/** Serves each chunk as it is, but for the last one that is asked for: once, or for ever. */
function lastOf(total: number, last: (chunk: Bytes) => Bytes | undefined) {
  const served = new Set<string>();
  return async (request: Bytes, honestly: () => Promise<Bytes>) => {
    const { prefixes } = readHonest(chunksRequestCodec, request);
    const { chunks } = readHonest(chunksAnswerCodec, await honestly());
    const told = chunks.map((chunk, at) => {
      const prefix = prefixes[at]?.join() ?? '';
      if (chunk === undefined) return undefined;
      if (!served.has(prefix) && served.size === total - 1) return last(chunk);
      served.add(prefix);
      return chunk;
    });
    return encode(chunksAnswerCodec, { chunks: told });
  };
}

/** How many chunks the newest snapshot has. */
const chunkCount = () => village.node(FIRST).parts.store.snapshots()[0]?.chunkCount ?? 0;
const chunksDone = (node: TabellionNode) => node.parts.store.snapshotBegun()?.chunksDone ?? 0;

describe('a snapshot of which everything came but the last chunk', () => {
  const flip = (chunk: Bytes): Bytes =>
    new Uint8Array(chunk.map((byte, at) => (at === chunk.length - 2 ? byte ^ 1 : byte)));

  it.each([
    ['is false', flip, ['liar: bad-chunk']],
    // A peer that cannot give what it offered holds others up.
    ['is absent', () => undefined, ['liar: stall']],
  ] as const)('that %s is ended by another peer', async (_, last, blame) => {
    const total = chunkCount();
    expect(total).toBeGreaterThan(5);
    const liar = peer('liar', { chunks: lastOf(total, last) });
    withoutBlocks();
    isolate(village, newcomer, [liar]);
    const { node } = await start();
    await village.clock.until('nearly there', () => chunksDone(node) === total - 1);
    await village.clock.pass(30_000);
    expectUntouched(node);
    expect(chunksDone(node)).toBe(total - 1);
    const honest = peer('honest');
    for (const name of VALIDATORS) village.hub.cut(newcomer, name);
    await expectArrived(node);
    expect([...blamed()]).toEqual(blame);
    // What the liar gave that was true is kept.
    expect(given.get('honest')).toBe(1);
    await leave(liar, honest);
  });

  it('goes on where it was when all peers went and came again', async () => {
    const total = chunkCount();
    const honest = peer('honest', { chunks: lastOf(total, () => undefined) });
    withoutBlocks();
    isolate(village, newcomer, [honest]);
    const { node } = await start();
    await village.clock.until('nearly there', () => chunksDone(node) === total - 1);
    await village.dismiss(honest);
    await village.clock.pass(60_000);
    expectUntouched(node);
    expect(chunksDone(node)).toBe(total - 1);
    given.clear();
    const back = peer('honest');
    for (const name of VALIDATORS) village.hub.cut(newcomer, name);
    await expectArrived(node);
    expect(given.get('honest')).toBe(1);
    await leave(back);
  });
});

describe('taking over that fails at the very end', () => {
  it.each(['snapshot-finish-begun', 'snapshot-switch-begun', 'snapshot-switch-done'])(
    'at %s leaves one state or the other, and the next life needs no chunk again',
    async (point) => {
      const honest = peer('honest');
      withoutBlocks();
      isolate(village, newcomer, [honest]);
      const onCrashPoint = async (name: string) => {
        if (name === point) throw new TabellionError('store-full');
      };
      const { node, store } = await start({ change: { onCrashPoint } });
      await village.clock.until('failed', () => node.status().error !== undefined);
      expect(node.status().error?.code).toBe('store-full');
      // Readers are told of one whole state, whichever it is.
      expect(node.parts.store.head().header.height).toBe(0);
      expect(node.parts.store.snapshotBegun()?.chunksDone).toBe(chunkCount());
      given.clear();
      const survivor: MemoryStore = store.copy();
      await village.stop(newcomer);
      const { node: next } = await start({ store: survivor });
      await village.arrived(next);
      expect(next.status().error).toBeUndefined();
      const { header } = next.parts.store.head();
      expect(next.parts.store.stateRootAt(header.height)).toEqual(header.stateRoot);
      expect(given.get('honest') ?? 0).toBe(0);
      await leave(honest);
    },
  );
});
