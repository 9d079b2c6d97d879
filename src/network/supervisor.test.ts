import { describe, expect, it } from 'vitest';
import { type Clock, silentTracer, timestampMs } from '../base/index.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { Supervisor } from './supervisor.ts';

const SELF = '12D3KooWDJUQ8VGqT6R9aoUiher5tSD2uFVES1dXKGSiuRjF14TA';
const RELAYS = [
  '12D3KooWS8FsvjxbJq8ZFWpDa3ncFP7dYVtfQr6KxWdFZ4B9AaDT',
  '12D3KooWPcg7YUcf4Ah4PLYj6cXuuGFm986Rrqe7QAfzFwcmoahM',
  '12D3KooWRbLugYBwgLyPNNjvjqBihwzkJXxU6B6tFyXJRcnbTjTA',
];
const addressOf = (peerId: string | undefined) => `/ip4/1.2.3.4/tcp/1/ws/p2p/${peerId}`;

function world(role: 'relay' | 'tab' = 'tab') {
  let nowMs = 1_000_000;
  const clock: Clock = { now: () => timestampMs(nowMs), after: () => () => undefined };
  const dialled: string[] = [];
  const connected = new Set<string>();
  const told: (readonly string[])[] = [];
  let isUp = false;
  const supervisor = new Supervisor({
    role,
    selfId: SELF,
    limits: DEFAULT_LIMITS,
    clock,
    tracer: silentTracer,
    dial: (addresses) => {
      dialled.push(...addresses);
      return isUp ? Promise.resolve() : Promise.reject(new Error('down'));
    },
    isConnected: (peerId) => connected.has(peerId),
    connectedCount: (kind) => (kind === 'relay' ? connected.size : 0),
    isBanned: () => false,
    mayDial: (address) => !address.includes('/ip4/10.'),
    onRelaysChanged: (relays) => told.push(relays),
  });
  /** Lets time pass, ticks, and lets the dials of the tick settle. */
  const tickAfter = async (ms: number) => {
    nowMs += ms;
    supervisor.tick();
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    return dialled.splice(0);
  };
  return {
    supervisor,
    connected,
    told,
    tickAfter,
    setUp: (value: boolean) => {
      isUp = value;
    },
  };
}

describe('Supervisor', () => {
  it('redials a configured relay for ever, waiting twice as long each time', async () => {
    const { supervisor, tickAfter } = world();
    supervisor.addConfigured(addressOf(RELAYS[0]));
    expect(await tickAfter(0)).toHaveLength(1);
    expect(await tickAfter(499)).toHaveLength(0);
    expect(await tickAfter(200)).toHaveLength(1); // 500 to 625 ms after the first.
    expect(await tickAfter(999)).toHaveLength(0);
    expect(await tickAfter(300)).toHaveLength(1);
    for (let count = 0; count < 40; count++) {
      expect(await tickAfter(DEFAULT_LIMITS.redialMaxMs * 1.25)).toHaveLength(1);
    }
    expect(supervisor.relays()).toEqual([addressOf(RELAYS[0])]);
  });

  it('forgets a learnt relay that never answers, and tells', async () => {
    const { supervisor, tickAfter, told } = world();
    supervisor.learn([{ peerId: RELAYS[0] ?? '', addresses: [addressOf(RELAYS[0])] }]);
    expect(told.at(-1)).toEqual([addressOf(RELAYS[0])]);
    for (let count = 0; count < 10; count++) await tickAfter(DEFAULT_LIMITS.redialMaxMs * 1.25);
    expect(supervisor.relays()).toEqual([]);
    expect(told.at(-1)).toEqual([]);
  });

  it('redials a lost relay at once, and no more than it wants', async () => {
    const { supervisor, connected, tickAfter, setUp } = world();
    setUp(true);
    const many = [...RELAYS, ...RELAYS.map((peerId) => peerId.replace(/.$/, 'z'))];
    for (const peerId of many) supervisor.addConfigured(addressOf(peerId));
    expect(await tickAfter(0)).toHaveLength(DEFAULT_LIMITS.relaysTarget);
    for (const peerId of RELAYS) connected.add(peerId);
    expect(await tickAfter(60_000)).toHaveLength(0);
    connected.delete(RELAYS[0] ?? '');
    supervisor.onDisconnected(RELAYS[0] ?? '');
    expect(await tickAfter(250)).toHaveLength(1);
  });

  it('dials no private address that a stranger told, and no bare circuit', async () => {
    const { supervisor, tickAfter } = world();
    const peerId = RELAYS[0] ?? '';
    supervisor.learn([{ peerId, addresses: [`/ip4/10.0.0.1/tcp/1/ws/p2p/${peerId}`] }]);
    const circuit = `${addressOf(RELAYS[1])}/p2p-circuit/p2p/${peerId}`;
    supervisor.learn([{ peerId, addresses: [circuit] }]);
    supervisor.learn([{ peerId: SELF, addresses: [addressOf(SELF)] }]);
    expect(await tickAfter(10_000)).toEqual([]);
  });

  it('dials tabs by WebRTC from tabs only, the smaller id first', async () => {
    const larger = RELAYS[0] ?? '';
    const smaller = '12D3KooWAPVyCaHBV84SBJ6RzSAnqqbgR5Ga6pTNf6VB5sEAcyPS';
    expect(smaller < SELF && SELF < larger).toBe(true);
    const rtc = (peerId: string) => `${addressOf(RELAYS[1])}/p2p-circuit/webrtc/p2p/${peerId}`;
    const peers = [smaller, larger].map((peerId) => ({ peerId, addresses: [rtc(peerId)] }));
    const relay = world('relay');
    relay.supervisor.learn(peers);
    expect(await relay.tickAfter(10_000)).toEqual([]);
    const tab = world();
    tab.setUp(true);
    tab.supervisor.learn(peers);
    expect(await tab.tickAfter(0)).toEqual([rtc(larger)]);
    tab.connected.add(larger);
    expect(await tab.tickAfter(400)).toEqual([rtc(smaller)]);
  });

  it('keeps addresses that work when a stranger tells others', async () => {
    const { supervisor } = world();
    const peerId = RELAYS[0] ?? '';
    const lie = `/ip4/6.6.6.6/tcp/1/ws/p2p/${peerId}`;
    supervisor.addConfigured(addressOf(peerId));
    supervisor.learn([{ peerId, addresses: [lie] }]);
    expect(supervisor.relays()[0]).toBe(addressOf(peerId));
  });

  it('is bounded', () => {
    const { supervisor } = world();
    for (let count = 0; count < 100; count++) {
      const peerId = `${SELF.slice(0, -3)}${String(count).padStart(3, '1')}`;
      supervisor.learn([{ peerId, addresses: [addressOf(peerId)] }]);
    }
    expect(supervisor.relays().length).toBeLessThanOrEqual(DEFAULT_LIMITS.relaysKnownMax);
  });
});
