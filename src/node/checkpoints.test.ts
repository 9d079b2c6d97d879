import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorToData, timestampMs } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Header, Height } from '../ledger/index.ts';
import type { Checkpoint, LightBlock } from '../light/index.ts';
import { lightAnswerCodec } from '../light/index.ts';
import { MemoryStore } from '../storage/index.ts';
import type { TabellionNode } from './index.ts';
import { altering, impostor, isolate } from './testing/liar.ts';
import type { StartOptions } from './testing/village.ts';
import { heightOf, VALIDATORS, Village } from './testing/village.ts';

const [FIRST] = VALIDATORS;
const PERIOD_MS = 60_000;

let village: Village;
beforeEach(async () => {
  village = await Village.running(6);
});
afterEach(() => village.end());

async function checkpointAt(height: number): Promise<Checkpoint> {
  const header = await village.node(FIRST).parts.store.header(height as Height);
  if (header === undefined) throw new Error(`no block ${height}`);
  return { height: header.height, hash: village.world.ledger.blockHash(header) };
}

const other = (mark: number) => new Uint8Array(32).fill(mark) as Hash;
const give = (node: TabellionNode, checkpoint: Checkpoint) =>
  village.clock.run(node.parts.checkpoints.give(checkpoint));
const codeOf = (giving: Promise<unknown>) =>
  giving.then(
    () => 'taken',
    (error: unknown) => errorToData(error).code,
  );
const progressOf = (node: TabellionNode) => node.parts.following.light.progress();
const isProven = (node: TabellionNode) => node.source().trust() === 'proven';

const light = (more: StartOptions['options'] = {}): StartOptions => ({
  options: { mode: 'light', trustingPeriodMs: PERIOD_MS, ...more },
});

/** A light node that was away for longer than it may be, beside peers that went on. */
async function startExpired(store = new MemoryStore(), more: StartOptions['options'] = {}) {
  await village.clock.pass(2 * PERIOD_MS);
  await village.decide(7);
  const { node } = await village.start('lamp', { ...light(more), store });
  await village.clock.pass(5_000);
  return node;
}

describe('a node whose trust ran out', () => {
  it('proves nothing, and goes on from a checkpoint, also after a restart', async () => {
    const store = new MemoryStore();
    const node = await startExpired(store);
    expect(progressOf(node)).toMatchObject({ expired: true, stage: 'waiting' });
    const told = village.newest();
    await give(node, told);
    await village.clock.until('proven', () => isProven(node), 20_000);
    expect(node.source().head().header.height).toBeGreaterThanOrEqual(told.height);
    expect(node.parts.checkpoints.status()).toMatchObject({ given: told, wanted: undefined });
    await village.stop('lamp');
    // What was proven on top of it is lost; the checkpoint is not.
    for (const key of ['light-head', 'light-head-block']) {
      const place = { space: 'meta', key: new TextEncoder().encode(key) } as const;
      await store.write([{ kind: 'delete', ...place }], 'strict');
    }
    const { node: again } = await village.start('lamp', { ...light(), store });
    expect(again.parts.checkpoints.status().given).toMatchObject(told);
    await village.clock.until('proven again', () => isProven(again), 20_000);
  });

  it('finds by itself what its settings name, and keeps it', async () => {
    await village.clock.pass(2 * PERIOD_MS);
    await village.decide(7);
    const checkpoint = village.newest();
    const { node } = await village.start('lamp', light({ checkpoint }));
    expect(node.parts.checkpoints.status().wanted).toMatchObject(checkpoint);
    await village.clock.until('proven', () => isProven(node), 20_000);
    expect(node.parts.checkpoints.status()).toMatchObject({
      given: checkpoint,
      wanted: undefined,
    });
  });

  it('refuses a block that is too old itself', async () => {
    const old = village.newest();
    const node = await startExpired();
    expect(await codeOf(give(node, old))).toBe('checkpoint-expired');
    expect(node.parts.checkpoints.status().given).toBeUndefined();
    expect(progressOf(node)).toMatchObject({ expired: true });
  });

  it('refuses what no peer shows, and says whether they show another block', async () => {
    const node = await startExpired();
    const { height, hash } = village.newest();
    const facts = async (checkpoint: Checkpoint) =>
      give(node, checkpoint).catch((error: unknown) => errorToData(error));
    expect(await facts({ height, hash: other(1) })).toMatchObject({
      code: 'checkpoint-unserved',
      facts: { reason: 'another-block' },
    });
    for (const far of [height + 50, Number.MAX_SAFE_INTEGER]) {
      expect(await facts({ height: far as Height, hash })).toMatchObject({
        code: 'checkpoint-unserved',
        facts: { reason: 'nobody' },
      });
    }
    expect(village.hub.penalties).toEqual([]);
    await give(node, village.newest());
    await village.clock.until('proven', () => isProven(node), 20_000);
  });

  /** The only peer that is left shows light blocks as a test changes them. */
  async function besideLiar(node: TabellionNode, change: (block: LightBlock) => LightBlock) {
    impostor(village, {
      name: 'liar',
      honest: FIRST,
      answers: {
        light: altering(lightAnswerCodec, ({ blocks }) => ({ blocks: blocks.map(change) })),
      },
    });
    isolate(village, 'lamp', ['liar']);
    await village.clock.until('it told', () => node.parts.following.questions.hasPeers(), 30_000);
  }

  it('refuses a block of another network, and one that breaks a rule', async () => {
    const node = await startExpired();
    const { header } = village.node(FIRST).source().head();
    const { height } = header;
    let change: Partial<Header> = {};
    await besideLiar(node, (block) => {
      const isIt = block.header.height === height;
      return isIt ? { ...block, header: { ...block.header, ...change } } : block;
    });
    for (const [what, code] of [
      [{ chainId: other(9) }, 'checkpoint-wrong-network'],
      [{ nextMembershipHash: other(9) }, 'checkpoint-invalid'],
      [{ version: 9 }, 'checkpoint-invalid'],
      [{ timestampMs: timestampMs(village.clock.now() + 600_000) }, 'checkpoint-invalid'],
    ] as const) {
      change = what;
      const hash = village.world.ledger.blockHash({ ...header, ...what });
      expect([what, await codeOf(give(node, { height, hash }))]).toEqual([what, code]);
    }
    expect(progressOf(node)).toMatchObject({ expired: true });
    // Who shows it is not who made it.
    expect(village.hub.penalties).toEqual([]);
  });

  it('is not kept from a good one by a peer that shows it with a false parent', async () => {
    const node = await startExpired();
    await besideLiar(node, (block) => ({ ...block, parent: { ...block.parent, version: 9 } }));
    const told = village.newest();
    expect(await codeOf(give(node, told))).toBe('checkpoint-unserved');
    expect(village.hub.penalties).toMatchObject([{ peerId: 'liar', reason: 'bad-block' }]);
    village.hub.heal();
    await village.clock.until('others', () => node.peers().length > 1, 60_000);
    await village.clock.pass(15_000);
    await give(node, told);
    await village.clock.until('proven', () => isProven(node), 20_000);
  });
});

describe('a node that proves or executes by itself', () => {
  it('takes a checkpoint that agrees with it, below and above its head', async () => {
    const { node } = await village.start('lamp', { options: { mode: 'light' } });
    await village.clock.until('proven', () => isProven(node));
    const below = await checkpointAt(3);
    await give(node, below);
    expect(node.parts.checkpoints.status().given).toMatchObject(below);
    // The higher one stays.
    await give(node, village.newest());
    await give(node, await checkpointAt(2));
    expect(node.parts.checkpoints.status().given).toMatchObject(village.newest());
    const { node: full } = await village.start('full', {});
    await village.clock.until('executed', () => heightOf(full) >= village.newest().height);
    await give(full, await checkpointAt(4));
    expect(full.parts.checkpoints.status()).toMatchObject({ isLinked: true });
  });

  it('refuses one that conflicts with what it proved or executed; nothing is lost', async () => {
    const { node: lamp } = await village.start('lamp', { options: { mode: 'light' } });
    const { node: full } = await village.start('full', {});
    await village.clock.until('proven', () => isProven(lamp));
    await village.clock.until('executed', () => heightOf(full) >= village.newest().height);
    for (const node of [lamp, full]) {
      const before = village.newest(node);
      for (const height of [1, 3, before.height] as Height[]) {
        const code = await codeOf(give(node, { height, hash: other(3) }));
        expect(code).toBe('checkpoint-conflicts');
      }
      const genesis = { height: 0 as Height, hash: other(3) };
      expect(await codeOf(give(node, genesis))).toBe('checkpoint-wrong-network');
      const far = { height: (before.height + 40) as Height, hash: other(3) };
      expect(await codeOf(give(node, far))).toBe('checkpoint-unserved');
      expect(node.parts.checkpoints.status()).toMatchObject({ given: undefined });
      expect(village.newest(node)).toEqual(before);
      expect(node.status().error).toBeUndefined();
    }
  });

  it('does not start beside settings that name another block than it executed', async () => {
    const { node, store } = await village.start('full', {});
    await village.clock.until('executed', () => heightOf(node) >= 5);
    await village.stop('full');
    for (const [height, code] of [
      [3, 'checkpoint-conflicts'],
      [0, 'checkpoint-wrong-network'],
    ] as const) {
      const checkpoint = { height: height as Height, hash: other(3) };
      const { node: again } = village.create('full', { store, options: { checkpoint } });
      expect(await codeOf(village.clock.run(again.start()))).toBe(code);
      await village.stop('full');
    }
    const { node: honest } = await village.start('full', {
      store,
      options: { checkpoint: await checkpointAt(3) },
    });
    expect(honest.status().stage).not.toBe('failed');
    expect(honest.parts.checkpoints.status().wanted).toBeUndefined();
  });

  it('tells why what its settings name will never be found', async () => {
    const checkpoint = { height: 3 as Height, hash: other(3) };
    const { node } = await village.start('lamp', { options: { mode: 'light', checkpoint } });
    const wanted = () => node.parts.checkpoints.status().wanted;
    await village.clock.until('refused', () => wanted()?.refusal !== undefined, 20_000);
    expect(wanted()).toEqual({ ...checkpoint, refusal: 'checkpoint-conflicts' });
    await village.clock.until('proven', () => isProven(node));
  });
});
