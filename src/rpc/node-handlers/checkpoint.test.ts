import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../base/index.ts';
import { formatHex, isJsonObject } from '../../base/index.ts';
import { formatAddress } from '../../ledger/index.ts';
import { person } from '../../ledger/testing/world.ts';
import type { TabellionNode } from '../../node/index.ts';
import { heightOf, Village } from '../../node/testing/village.ts';
import { askerOf } from './questions.fixture.ts';

const ada = person('ada');

let village: Village;
let node: TabellionNode;
let asOperator: ReturnType<typeof askerOf>;
let asStranger: typeof asOperator;
beforeAll(async () => {
  village = await Village.running(4);
  // Hears of no block before it is asked for.
  village.hub.delivers = ({ to, kind }) => to === 'reader' || kind !== 'request-blocks';
  ({ node } = await village.start('reader', { options: { mode: 'archive' } }));
  await village.clock.until('proven', () => node.source().trust() === 'proven');
  [asOperator, asStranger] = [askerOf(village, node, 'operator'), askerOf(village, node, 'public')];
});
afterAll(() => village.stopAll());

function textOfHead(): string {
  const { height, hash } = village.newest();
  return `${height}:${formatHex(hash)}`;
}

describe('a node that runs beside its store', () => {
  let ask: typeof asOperator;
  let sheltered: TabellionNode;
  beforeAll(async () => {
    const settings = { change: { isShelter: true }, options: { mode: 'light' } } as const;
    ({ node: sheltered } = await village.start('sheltered', settings));
    ask = askerOf(village, sheltered, 'operator');
    const head = village.newest().height;
    await village.clock.until('proven', () => sheltered.source().head().header.height >= head);
    await village.clock.until('heard', () => sheltered.source().trust() !== 'cached');
    await village.clock.pass(10_000);
  });

  it('calls nothing more than reported: what it kept may speak against it', async () => {
    expect(sheltered.parts.following.light.isConfirmed()).toBe(true);
    expect(await ask('node.status')).toMatchObject({
      trust: 'reported',
      light: { trust: 'reported' },
    });
  });

  it('takes nothing that it would forget', async () => {
    const refused = { refused: 'store-held' };
    expect(await ask('node.trustCheckpoint', { text: textOfHead() })).toEqual(refused);
    expect(await ask('node.configure', { mode: 'archive' })).toEqual(refused);
    expect(await ask('node.reset')).toEqual(refused);
    expect(await ask('node.status')).toMatchObject({ mode: 'light' });
  });
});

describe('checkpoints over rpc', () => {
  it('are shown to everybody with their trust', async () => {
    for (const ask of [asOperator, asStranger]) {
      expect(await ask('node.checkpoint')).toMatchObject({
        newest: { text: textOfHead() },
        trust: 'proven',
        isReplayTrusting: false,
        hasFailed: false,
      });
    }
  });

  it('are given by operators alone, and refused by name', async () => {
    const [height, hash] = textOfHead().split(':');
    const give = (ask: typeof asOperator, text: string) => ask('node.trustCheckpoint', { text });
    expect(await give(asStranger, textOfHead())).toEqual({ refused: 'not-permitted' });
    for (const [text, refused] of [
      ['x', 'checkpoint-malformed'],
      [`99999999999999999999:${hash}`, 'checkpoint-malformed'],
      [`${height}:${hash} `.repeat(3), 'params-invalid'],
      [`1:${'00'.repeat(32)}`, 'checkpoint-conflicts'],
      [`0:${'00'.repeat(32)}`, 'checkpoint-wrong-network'],
      [`9007199254740991:${hash}`, 'checkpoint-unserved'],
    ] as const) {
      expect([text, await give(asOperator, text)]).toEqual([text, { refused }]);
    }
    expect(await asOperator('node.checkpoint')).toMatchObject({ given: null });
    expect(await give(asOperator, ` ${textOfHead().toUpperCase()}`)).toEqual({});
    expect(await asOperator('node.checkpoint')).toMatchObject({
      given: { text: textOfHead(), isLinked: false },
    });
  });

  it('stand for signatures when asked to: such blocks are Proven, the newest Validated', async () => {
    const text = textOfHead();
    const settings = { replayTrusting: true };
    expect(await asStranger('node.configure', settings)).toEqual({ refused: 'not-permitted' });
    expect(await asOperator('node.configure', settings)).toEqual({});
    village.hub.delivers = () => true;
    const [top = 0] = text.split(':').map(Number);
    await village.clock.until('replayed', () => heightOf(node) >= top, 60_000);
    await village.decide(5, ['reader']);
    await village.clock.until('beside others', () => node.source().trust() === 'validated', 30_000);
    expect(await asOperator('node.checkpoint')).toMatchObject({
      given: { text, isLinked: true },
      isReplayTrusting: true,
      unsigned: [{ from: 1, to: top }],
    });
    const trustOf = async (method: string, params: Json) => {
      const answer = await asOperator(method, params);
      return isJsonObject(answer) ? answer.trust : answer;
    };
    const address = formatAddress(ada.address);
    expect(await trustOf('account.get', { address })).toBe('validated');
    expect(await trustOf('block.get', { height: top + 1 })).toBe('validated');
    expect(await trustOf('block.get', { height: top })).toBe('proven');
    expect(await trustOf('block.list', { limit: 1 })).toBe('validated');
    expect(await trustOf('block.list', {})).toBe('proven');
    expect(await trustOf('account.history', { address, limit: 1 })).toBe('validated');
    expect(await trustOf('account.history', { address })).toBe('proven');
    expect(await asOperator('node.configure', { replayTrusting: false })).toEqual({});
    // What was not checked stays unchecked.
    expect(await trustOf('block.get', { height: top })).toBe('proven');
  });
});
