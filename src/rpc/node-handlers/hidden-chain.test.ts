import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes } from '../../base/index.ts';
import { formatHex } from '../../base/index.ts';
import { encode } from '../../codec/index.ts';
import type { Height } from '../../ledger/index.ts';
import type { Checkpoint } from '../../light/index.ts';
import { lightRequestCodec } from '../../light/index.ts';
import type { TabellionNode } from '../../node/index.ts';
import { blocksRequestCodec } from '../../node/messages.ts';
import { locateRequestCodec } from '../../node/proof-messages.ts';
import { showLies, startLiars } from '../../node/testing/perjurers.ts';
import { heightOf, VALIDATORS, Village } from '../../node/testing/village.ts';
import { askerOf } from './questions.fixture.ts';

// A chain that was read without checking signatures, and has not led to its checkpoint: nobody may
// hear of it, by whatever question.

const [FIRST] = VALIDATORS;

let village: Village;
let told: Checkpoint;
beforeEach(async () => {
  village = await Village.running(6);
  told = village.newest();
});
afterEach(() => village.stopAll());

async function startReplay(): Promise<TabellionNode> {
  village.hub.delivers = ({ kind }) => kind !== 'request-blocks';
  const { node } = await village.start('archive', {
    options: { mode: 'archive', checkpoint: told, replayTrusting: true },
  });
  const given = () => node.parts.checkpoints.status().given !== undefined;
  await village.clock.until('given', given, 30_000);
  return node;
}

async function storedAt(node: TabellionNode, height: number) {
  const stored = await node.parts.store.block(height as Height);
  const prepared = stored && village.world.ledger.prepareBlock(stored.blockBytes);
  const [first] = prepared?.ok === true ? prepared.value.transactions : [];
  if (stored === undefined || first === undefined) throw new Error(`nothing at ${height}`);
  return { hash: stored.hash, id: first.id };
}

describe('a chain that has not led to its checkpoint', () => {
  it('is told of to nobody: not by rpc, not to peers', async () => {
    const liars = await startLiars(told.height - 2);
    showLies(village, liars, 'liar');
    village.hub.cut('archive', 'liar');
    const node = await startReplay();
    const { hash: lie, id: stolen } = await storedAt(liars.node(FIRST), 1);
    // Only the liar shows blocks to it; all others answer every other question.
    village.hub.delivers = ({ kind, from, to }) =>
      kind !== 'request-blocks' || from === 'liar' || to === 'liar';
    village.hub.heal();
    const misled = () => heightOf(node) >= told.height - 2;
    await village.clock.until('misled', misled, 120_000);
    expect(node.parts.checkpoints.isChainHidden()).toBe(true);
    for (const access of ['operator', 'public'] as const) {
      const ask = askerOf(village, node, access);
      const id = formatHex(stolen);
      expect(await ask('transaction.status', { id })).toMatchObject({ stage: 'unknown' });
      expect(await ask('transaction.get', { id })).toMatchObject({
        refused: 'not-found',
      });
      expect((await ask('block.get', { height: 1 })).hash).not.toBe(formatHex(lie));
      for (const [method, params] of [
        ['block.list', {}],
        ['light.blocks', { from: 0, heights: [1] }],
      ] as const) {
        expect(JSON.stringify(await ask(method, params))).not.toContain(formatHex(lie));
      }
    }
    const peer = village.stranger('peer');
    for (const [kind, body] of [
      ['blocks', encode(blocksRequestCodec, { from: 1 as Height, count: 5 })],
      ['light', encode(lightRequestCodec, { from: 0 as Height, heights: [1 as Height] })],
      ['locate', encode(locateRequestCodec, { hash: stolen, what: 'transaction' })],
    ] as const) {
      const asking = peer.request('archive', kind, body as Bytes).then(
        () => 'answered',
        () => 'refused',
      );
      expect([kind, await village.clock.run(asking)]).toEqual([kind, 'refused']);
    }
    await liars.stopAll();
  });

  it('is Proven at most once it led there, its transactions like its blocks', async () => {
    const node = await startReplay();
    village.hub.delivers = () => true;
    await village.clock.until('replayed', () => heightOf(node) >= told.height, 60_000);
    await village.clock.until('validated', () => node.source().trust() === 'validated', 30_000);
    const { id } = await storedAt(node, told.height);
    const ask = askerOf(village, node, 'operator');
    for (const method of ['transaction.status', 'transaction.get']) {
      expect(await ask(method, { id: formatHex(id) })).toMatchObject({ trust: 'proven' });
    }
  });
});
