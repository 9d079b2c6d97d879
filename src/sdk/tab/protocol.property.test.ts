import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openBroadcastChannel, parseChannelMessage } from './protocol.ts';

const client = fc.string();
const epoch = fc.maxSafeNat();
const message = fc.jsonValue();
const good = fc.oneof(
  fc.record({ kind: fc.constant('beat'), epoch, isReady: fc.boolean() }),
  fc.record({ kind: fc.constant('ask') }),
  fc.record({ kind: fc.constant('resigned'), epoch }),
  fc.record({ kind: fc.constantFrom('call', 'answer'), client, epoch, message }),
  fc.record({ kind: fc.constantFrom('alive', 'forgotten'), client, epoch }),
  fc.record({ kind: fc.constant('left'), client }),
);

describe('messages between tabs', () => {
  it('are taken as they are', () => {
    fc.assert(
      fc.property(good, (each) => {
        expect(parseChannelMessage(each)).toBe(each);
      }),
    );
  });

  it('of other shapes are no messages, whatever is wrong with them', () => {
    fc.assert(
      fc.property(good, fc.nat(), fc.anything(), (each, place, value) => {
        const names = Object.keys(each);
        const name = names[place % names.length] ?? 'kind';
        const { [name]: _, ...lacking } = each as { [name: string]: unknown };
        expect(parseChannelMessage(lacking)).toBeUndefined();
        const bent = { ...each, [name]: value };
        const parsed = parseChannelMessage(bent);
        if (parsed === undefined) return;
        expect(parsed).toBe(bent);
        if ('epoch' in parsed) expect(Number.isSafeInteger(parsed.epoch)).toBe(true);
        if ('client' in parsed) expect(typeof parsed.client).toBe('string');
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.anything(), (data) => {
        expect(parseChannelMessage(data)).toBeUndefined();
      }),
    );
    for (const wrong of [Number.NaN, -1, 0.5, 1e300, Infinity, '1', undefined, null]) {
      expect(parseChannelMessage({ kind: 'beat', epoch: wrong, isReady: true })).toBeUndefined();
    }
    expect(parseChannelMessage({ kind: 'toString' })).toBeUndefined();
  });

  it('come over the platform’s channel, the others do not', async () => {
    const name = `test ${Math.random()}`;
    const [mine, theirs] = [openBroadcastChannel(name), new BroadcastChannel(name)];
    const heard: unknown[] = [];
    const last = new Promise<void>((resolve) => {
      mine.listen((each) => {
        heard.push(each);
        if (each.kind === 'ask') resolve();
      });
    });
    for (const each of [{ kind: 'beat' }, 7, { kind: 'left', client: 'a' }, { kind: 'ask' }]) {
      theirs.postMessage(each);
    }
    await last;
    expect(heard).toEqual([{ kind: 'left', client: 'a' }, { kind: 'ask' }]);
    mine.close();
    theirs.close();
  });
});
