import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { equalBytes } from '../base/index.ts';
import type { LightEvidence } from '../light/index.ts';
import type { TabellionNode } from './index.ts';
import { divideSlowly } from './testing/liar.ts';
import { SettledVillage } from './testing/settled-village.ts';
import { heightOf, VALIDATORS } from './testing/village.ts';

const [FIRST] = VALIDATORS;

let village: SettledVillage;
beforeEach(async () => {
  village = await SettledVillage.found({ settlers: 1_500, blocks: 14 });
});
afterEach(() => village.end());

async function pay(count: number) {
  for (let value = 1; value <= count; value++) await village.decide(value);
}

const follows = (node: TabellionNode) => village.arrived(node, 200_000);
const tracesOf = (name: string, event: string) => village.factsOf(name, event);
const ownHeight = (node: TabellionNode) => node.parts.chain.head().header.height;

describe('a snapshot under way', () => {
  it('is not taken over beside conflicting certificates, however far it came', async () => {
    const goOn = divideSlowly(village, 'late');
    const { node } = await village.start('late');
    await village.clock.until('begun', () => node.status().snapshot?.chunksDone === 3);
    const { following } = node.parts;
    const { light } = following;
    const real = light.progress.bind(light);
    const { trusted } = await village.clock.run(light.prove(light.head().header.height));
    const block = village.node(FIRST).lightAnswer({ from: 0 as never, heights: [4 as never] });
    const [other] = (await block).blocks;
    if (other === undefined) throw new Error('a light block');
    const alarm: LightEvidence = { trusted, ours: undefined, other };
    light.progress = () => ({ ...real(), alarm });
    following.lightChanged();
    goOn();
    await village.clock.pass(120_000);
    expect(tracesOf('late', 'snapshot-adopted')).toEqual([]);
    expect(node.status().snapshot).toBeUndefined();
    light.progress = real;
  });

  it('is deleted when blocks were executed past it', async () => {
    divideSlowly(village, 'late');
    const { node } = await village.start('late');
    await village.clock.until('begun', () => node.status().snapshot?.chunksDone === 3);
    const survivor = village.kill('late', { unsyncedKept: 1_000_000 });
    village.hub.heal();
    const again = await village.start('late', { store: survivor, options: { mode: 'archive' } });
    expect(again.node.parts.store.snapshotBegun()?.chunksDone).toBe(3);
    await follows(again.node);
    await village.clock.settle();
    expect(again.node.parts.store.snapshotBegun()).toBeUndefined();
  });
});

describe('a node that took over a state', () => {
  it('is no archive without a reset', async () => {
    const { node } = await village.start('late');
    await follows(node);
    await expect(village.clock.run(node.setMode('archive'))).rejects.toMatchObject({
      code: 'mode-needs-reset',
      facts: { historyFrom: node.parts.store.historyCompleteFrom() },
    });
    expect(node.mode()).toBe('full');
    const store = await village.stop('late');
    expect(tracesOf('late', 'archive-incomplete')).toEqual([]);
    await village.start('late', { store, options: { mode: 'archive' } });
    expect(tracesOf('late', 'archive-incomplete')).toHaveLength(1);
  });

  it('becomes an archive where it has all blocks', async () => {
    village.hub.delivers = ({ kind }) => kind !== 'request-snapshots';
    const { node } = await village.start('late');
    await follows(node);
    await village.clock.run(node.setMode('archive'));
    expect(node.mode()).toBe('archive');
  });

  it('proves its block to others though it knew of it without its proof', async () => {
    while (heightOf(village.node(FIRST)) % 5 !== 0) await pay(1);
    const head = heightOf(village.node(FIRST));
    const light = await village.start('late', { options: { mode: 'light' } });
    await village.clock.until(
      'at the head',
      () => light.node.parts.following.light.head().header.height === head,
    );
    const store = await village.stop('late');
    const { node } = await village.start('late', { store, options: { mode: 'full' } });
    await follows(node);
    const anchor = node.parts.store.anchor();
    expect(anchor?.header.height).toBe(head);
    const real = await village.node(FIRST).parts.store.summary(head as never);
    expect(anchor?.parent?.height).toBe(head - 1);
    expect(anchor?.certificate?.height).toBe(head);
    expect(
      equalBytes(anchor?.certificate?.blockHash ?? new Uint8Array(), real?.hash as never),
    ).toBe(true);
  });
});

describe('where somebody has to pay', () => {
  it('a node that fell far behind asks before it goes on, and remembers a yes', async () => {
    const { node } = await village.start('phone');
    await follows(node);
    const store = await village.stop('phone');
    await pay(8);
    let asked = 0;
    const change = {
      mayPromote: async () => {
        asked += 1;
        return false;
      },
    };
    const back = await village.start('phone', { store, change });
    const before = ownHeight(back.node);
    await village.clock.pass(20_000);
    expect(back.node.status().promotion).toBe('waiting-consent');
    expect(ownHeight(back.node)).toBe(before);
    expect(asked).toBe(1);
    back.node.promote();
    await follows(back.node);
    await village.clock.settle();
    const kept = await village.stop('phone');
    await pay(8);
    const third = await village.start('phone', { store: kept, change });
    await follows(third.node);
    expect(asked).toBe(1);
  });

  it('a snapshot begins as soon as somebody agreed, however late', async () => {
    let agree: (may: boolean) => void = () => undefined;
    const change = { mayPromote: () => new Promise<boolean>((resolve) => (agree = resolve)) };
    const { node } = await village.start('phone', { change });
    await village.clock.pass(20_000);
    expect(ownHeight(node)).toBe(0);
    agree(true);
    await follows(node);
    expect(tracesOf('phone', 'snapshot-adopted')).toHaveLength(1);
  });
});
