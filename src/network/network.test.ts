import { afterEach, describe, expect, it } from 'vitest';
import { systemClock, TabellionError } from '../base/index.ts';
import {
  addressOf,
  areConnected,
  startNode,
  type TestNode,
  until,
  untilGossips,
} from './harness/nodes.ts';
import { createPeerKey, DEFAULT_LIMITS, peerIdOfKey } from './index.ts';

const started: TestNode[] = [];

async function start(...options: Parameters<typeof startNode>): Promise<TestNode> {
  const node = await startNode(...options);
  started.push(node);
  return node;
}

async function pair(options: Parameters<typeof startNode>[0] = {}) {
  const left = await start(options);
  const right = await start({ ...options, relays: [addressOf(left)] });
  await until('both connected', () => areConnected(left, right));
  return { left, right };
}

/** A third one that knows the second alone, and hears what the first says. */
async function row() {
  const { left, right } = await pair();
  const relays = [addressOf(right)];
  const far = await start({ role: 'tab', relays, limits: { relaysTarget: 1 } });
  await untilGossips(left, far);
  return { left, right, far };
}

const texts = (node: TestNode) =>
  node.received.map(({ message }) => new TextDecoder().decode(message));
const bytes = (text: string) => new TextEncoder().encode(text);

afterEach(async () => {
  await Promise.all(started.splice(0).map((node) => node.network.stop()));
});

describe('network: gossip', () => {
  it('reaches peers that are not neighbours, and is told once to each', async () => {
    const { left, right, far } = await row();
    right.received.length = 0;
    await left.network.publish('transactions', bytes('hello'));
    await until('hello arrives', () => texts(far).includes('hello'));
    expect(texts(right)).toEqual(['hello']);
    expect(texts(far)).toEqual(['hello']);
    expect(areConnected(left, far)).toBe(false);
    expect(right.received[0]?.topic).toBe('transactions');
  });

  it('delivers to a peer that connects just after the message was published', async () => {
    const left = await start();
    await left.network.publish('votes', bytes('early'));
    const right = await start({ relays: [addressOf(left)] });
    await until('early arrives', () => texts(right).includes('early'));
  });

  it('is heard of the topics that a node follows alone, and published to all of them', async () => {
    const { left, right } = await pair();
    await untilGossips(left, right);
    right.network.follow?.(['blocks']);
    let tries = 0;
    await until('votes are heard no more', async () => {
      tries += 1;
      await left.network.publish('votes', bytes(`vote ${tries}`));
      await left.network.publish('blocks', bytes(`block ${tries}`));
      await until('the block', () => texts(right).includes(`block ${tries}`));
      return !texts(right).includes(`vote ${tries}`);
    });
    await right.network.publish('transactions', bytes('payment'));
    await until('the payment arrives', () => texts(left).includes('payment'));
    right.network.follow?.(['blocks', 'votes']);
    await until('votes are heard again', async () => {
      tries += 1;
      await left.network.publish('votes', bytes(`late vote ${tries}`));
      return texts(right).some((text) => text.startsWith('late vote'));
    });
  });

  it('forwards nothing before the verdict, and nothing that was not accepted', async () => {
    const { left, right, far } = await row();
    let decide: (verdict: 'accept') => void = () => undefined;
    right.judge = (_topic, message) => {
      const text = new TextDecoder().decode(message);
      if (text === 'bad') return 'reject';
      if (text === 'dull') return 'ignore';
      if (text === 'slow') return new Promise((resolve) => (decide = resolve));
      return 'accept';
    };
    for (const text of ['bad', 'dull', 'slow', 'good']) {
      await left.network.publish('transactions', bytes(text));
    }
    await until('good arrives', () => texts(far).includes('good'));
    expect(texts(far)).toEqual(['good']);
    decide('accept');
    await until('slow arrives', () => texts(far).includes('slow'));
    expect(texts(far).sort()).toEqual(['good', 'slow']);
    const blamed = right.network.peers().find((peer) => peer.peerId === left.network.peerId);
    expect(blamed?.score).toBeLessThan(1_000);
  });

  it('asks once per content, and again for what was ignored', async () => {
    const { left, right } = await pair();
    right.judge = (_topic, message) => (message[0] === 1 ? 'ignore' : 'accept');
    for (let time = 0; time < 3; time++) {
      await left.network.publish('votes', Uint8Array.of(1));
      await left.network.publish('votes', Uint8Array.of(2));
      const count = () => right.received.filter(({ message }) => message[0] === 1).length;
      await until('the ignored one comes again', () => count() > time);
    }
    expect(right.received.filter(({ message }) => message[0] === 2)).toHaveLength(1);
  });

  it('carries a proposal of 4 MB and refuses a longer message to its author', async () => {
    const { left, right } = await pair();
    const { messageBytesMax } = DEFAULT_LIMITS.topics.proposals;
    await untilGossips(left, right);
    await left.network.publish('proposals', new Uint8Array(messageBytesMax));
    await until('it arrives', () => right.received.length === 1);
    expect(right.received[0]?.message).toHaveLength(messageBytesMax);
    await expect(
      left.network.publish('proposals', new Uint8Array(messageBytesMax + 1)),
    ).rejects.toMatchObject({ code: 'message-too-large' });
  });

  it('bans a peer that sends longer messages than its neighbour takes', async () => {
    const { topics } = DEFAULT_LIMITS;
    const left = await start();
    const lax = { ...topics, votes: { ...topics.votes, messageBytesMax: 10_000 } };
    const right = await start({ relays: [addressOf(left)], limits: { topics: lax } });
    await until('both connected', () => areConnected(left, right));
    for (let count = 0; count < 5; count++) {
      await right.network.publish('votes', new Uint8Array(2_000).fill(count));
    }
    await until('banned', () => left.network.peers().length === 0);
    expect(left.received).toHaveLength(0);
  });

  it('bans a peer that floods a topic', async () => {
    const { topics } = DEFAULT_LIMITS;
    const tight = {
      ...topics,
      votes: { ...topics.votes, messagesPerSecond: 1, messagesBurst: 10 },
    };
    const left = await start({ limits: { topics: tight } });
    const right = await start({ relays: [addressOf(left)] });
    await untilGossips(right, left);
    for (let count = 0; count < 700; count++) {
      const message = new Uint8Array(4);
      new DataView(message.buffer).setUint32(0, count);
      await right.network.publish('votes', message);
    }
    await until('banned', () => left.network.peers().length === 0);
    expect(left.received.length).toBeLessThan(30);
  });
});

describe('network: requests', () => {
  it('answers many questions at once over one stream each way', async () => {
    const { left, right } = await pair();
    left.reply = async (_kind, request) => request.slice().reverse();
    const asked = Array.from({ length: 60 }, (_, at) => Uint8Array.of(at, 1, 2));
    const answers = await Promise.all(
      asked.map((request) => right.network.request(left.network.peerId, 'blocks', request)),
    );
    expect(answers).toEqual(asked.map((request) => request.slice().reverse()));
  });

  it('carries the largest question and the largest answer', async () => {
    const { left, right } = await pair();
    const { requestBytesMax, responseBytesMax } = DEFAULT_LIMITS;
    const sizes: number[] = [];
    left.reply = (_kind, request) => {
      sizes.push(request.length);
      return new Uint8Array(responseBytesMax).fill(7);
    };
    const request = new Uint8Array(requestBytesMax).fill(3);
    const answer = await right.network.request(left.network.peerId, 'state', request);
    expect(sizes).toEqual([requestBytesMax]);
    expect(answer).toHaveLength(responseBytesMax);
    expect(answer.every((byte) => byte === 7)).toBe(true);
  });

  it('names each reason for not answering', async () => {
    const { left, right } = await pair();
    const { peerId } = left.network;
    const ask = (options = {}) =>
      right.network.request(peerId, 'status', new Uint8Array(1), options);
    left.reply = () => new Promise(() => undefined);
    await expect(ask({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'request-timeout' });
    const controller = new AbortController();
    const aborted = ask({ signal: controller.signal });
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'aborted' });
    await expect(ask({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
    left.reply = () => {
      throw new Error('no');
    };
    await expect(ask()).rejects.toMatchObject({
      code: 'request-refused',
      facts: { reason: 'failed' },
    });
    left.reply = () => {
      throw new TabellionError('request-refused', { reason: 'busy' });
    };
    await expect(ask()).rejects.toMatchObject({
      code: 'request-refused',
      facts: { reason: 'busy' },
    });
    left.reply = () => new Uint8Array(DEFAULT_LIMITS.responseBytesMax + 1);
    await expect(ask()).rejects.toMatchObject({
      code: 'request-refused',
      facts: { reason: 'too-large' },
    });
    await expect(
      right.network.request(peerId, 'status', new Uint8Array(DEFAULT_LIMITS.requestBytesMax + 1)),
    ).rejects.toMatchObject({ code: 'request-refused' });
    const stranger = peerIdOfKey(await createPeerKey());
    await expect(
      right.network.request(stranger, 'status', new Uint8Array(0)),
    ).rejects.toMatchObject({ code: 'peer-gone' });
  });

  it('tells whoever makes an answer that nobody waits for it any more', async () => {
    const { left, right } = await pair();
    const { peerId } = left.network;
    const signals: (AbortSignal | undefined)[] = [];
    left.reply = (_kind, _request, _from, signal) => {
      signals.push(signal);
      return new Promise(() => undefined);
    };
    const controller = new AbortController();
    const { signal } = controller;
    const asked = [{ signal }, {}].map((options) =>
      right.network.request(peerId, 'status', new Uint8Array(1), options).catch(() => undefined),
    );
    await until('both are asked', () => signals.length === 2);
    controller.abort();
    await until('the first is given up', () => signals.some((each) => each?.aborted));
    expect(signals.filter((each) => each?.aborted)).toHaveLength(1);
    await right.network.stop();
    await until('so is the other', () => signals.every((each) => each?.aborted));
    await Promise.all(asked);
  });

  it('refuses an answer longer than this node takes, and goes on', async () => {
    const left = await start();
    const right = await start({ relays: [addressOf(left)], limits: { responseBytesMax: 100 } });
    await until('both connected', () => areConnected(left, right));
    left.reply = (_kind, request) => new Uint8Array(request.length);
    const ask = (length: number) =>
      right.network.request(left.network.peerId, 'blocks', new Uint8Array(length));
    await expect(ask(101)).rejects.toMatchObject({ code: 'response-too-large' });
    expect(await ask(100)).toHaveLength(100);
  });

  it('rejects open questions when the peer goes', async () => {
    const { left, right } = await pair();
    let wasAsked = false;
    left.reply = () => {
      wasAsked = true;
      return new Promise(() => undefined);
    };
    const asking = right.network.request(left.network.peerId, 'blocks', new Uint8Array(1));
    const refused = expect(asking).rejects.toMatchObject({ code: 'peer-gone' });
    await until('asked', () => wasAsked);
    await left.network.stop();
    await refused;
  });

  it('blames a peer that asks faster than allowed', async () => {
    const left = await start({ limits: { requestsPerSecond: 1, requestsBurst: 20 } });
    const right = await start({ relays: [addressOf(left)] });
    await until('both connected', () => areConnected(left, right));
    const asks = Array.from({ length: 60 }, () =>
      right.network.request(left.network.peerId, 'blocks', new Uint8Array(1)),
    );
    const outcomes = await Promise.allSettled(asks);
    expect(outcomes.some(({ status }) => status === 'rejected')).toBe(true);
    expect(left.network.peers()[0]?.score).toBeLessThan(1_000);
  });
});

describe('network: peers', () => {
  it('tells transport, direction, latency and agent', async () => {
    const { left, right } = await pair({ agent: 'tester/1' });
    await until('pinged', () => right.network.peers()[0]?.latencyMs !== undefined);
    expect(right.network.peers()[0]).toMatchObject({
      peerId: left.network.peerId,
      transport: 'websocket',
      direction: 'outbound',
      score: 1_000,
      agent: 'tester/1',
    });
    expect(left.network.peers()[0]?.direction).toBe('inbound');
    expect(right.events).toContainEqual({ kind: 'peer-connected', peerId: left.network.peerId });
  });

  it('keeps networks and versions apart', async () => {
    const left = await start();
    const foreign = await start({ chainId: 'ffff', relays: [addressOf(left)] });
    const older = await start({ protocolVersion: 2, relays: [addressOf(left)] });
    const friend = await start({ relays: [addressOf(left)] });
    await until('the friend is in', () => areConnected(left, friend));
    for (const node of [foreign, older]) {
      await expect(node.network.addRelay(addressOf(left))).resolves.toBeUndefined();
      await node.network.publish('votes', bytes('foreign'));
    }
    await friend.network.publish('votes', bytes('friendly'));
    await until('friendly arrives', () => texts(left).includes('friendly'));
    expect(texts(left)).toEqual(['friendly']);
    expect(left.network.peers()).toHaveLength(1);
    expect(foreign.network.peers()).toHaveLength(0);
  });

  it('bans at score 0, refuses the return, and forgives after the ban', async () => {
    const left = await start({ limits: { banDurationMs: 1_500 } });
    const right = await start({ relays: [addressOf(left)] });
    await until('both connected', () => areConnected(left, right));
    const bannedMs = systemClock.now();
    left.network.penalize(right.network.peerId, 400, 'test');
    expect(left.network.peers()[0]?.score).toBe(600);
    left.network.penalize(right.network.peerId, 600, 'test');
    await until('gone', () => !areConnected(left, right));
    await until('back', () => areConnected(left, right));
    expect(systemClock.now() - bannedMs).toBeGreaterThanOrEqual(1_490);
    expect(left.network.peers()[0]?.score).toBe(1_000);
  });

  it('rejects malformed relays by name', async () => {
    const node = await start();
    await expect(node.network.addRelay('nonsense')).rejects.toMatchObject({
      code: 'address-malformed',
    });
    await expect(node.network.addRelay('/ip4/127.0.0.1/tcp/1/ws')).rejects.toMatchObject({
      code: 'address-malformed',
    });
    const nobody = `/ip4/127.0.0.1/tcp/1/ws/p2p/${peerIdOfKey(await createPeerKey())}`;
    await expect(node.network.addRelay(nobody)).rejects.toMatchObject({ code: 'dial-failed' });
    // It may only be away: what its operator named is kept.
    expect(node.network.relays?.()).toContain(nobody);
    await expect(startNode({ relays: ['nonsense'] })).rejects.toMatchObject({
      code: 'address-malformed',
    });
  });

  it('stops twice, and refuses work afterwards', async () => {
    const { left } = await pair();
    await Promise.all([left.network.stop(), left.network.stop()]);
    await expect(left.network.publish('votes', bytes('x'))).rejects.toMatchObject({
      code: 'network-stopped',
    });
    expect(left.network.peers()).toEqual([]);
  });
});

describe('network: relays', () => {
  it('lets a tab that knows one relay learn and remember the others', async () => {
    const { left, right } = await pair();
    const tab = await start({ role: 'tab', relays: [addressOf(left)] });
    await until('both relays', () => areConnected(tab, left) && areConnected(tab, right));
    await until('two reservations', () => tab.network.addresses().length >= 2);
    expect(tab.relaysTold.at(-1)).toEqual([addressOf(left), addressOf(right)]);
  });

  it('gives a tab its reservation back when the relay returns', async () => {
    const key = await createPeerKey();
    const relay = await start({ privateKey: key });
    const other = await start();
    const relays = [addressOf(relay), addressOf(other)];
    const tab = await start({ role: 'tab', relays });
    const [listen = ''] = addressOf(relay).split('/p2p/');
    const isReserved = () => tab.network.addresses().some((one) => one.startsWith(listen));
    for (let time = 0; time < 2; time++) {
      const current = started.findLast((node) => node.network.peerId === relay.network.peerId);
      await until('reserved', isReserved);
      await current?.network.stop();
      await until('reservation lost', () => !isReserved());
      expect(tab.network.addresses().length).toBeGreaterThan(0);
      await start({ privateKey: key, listen: [listen] });
      await until('reserved again', isReserved);
    }
  });

  it('tells tabs apart from relays: a circuit address is no relay', async () => {
    const relay = await start();
    const tab = await start({ role: 'tab', relays: [addressOf(relay)] });
    await until('reserved', () => tab.network.addresses().length > 0);
    const [circuit = ''] = tab.network.addresses();
    expect(circuit).toContain('/p2p-circuit');
    await expect(relay.network.addRelay(circuit)).rejects.toMatchObject({
      code: 'address-malformed',
    });
  });
});
