import { RPC } from '@libp2p/gossipsub/message';
import type { Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, describe, expect, it } from 'vitest';
import { concatBytes } from '../base/index.ts';
import { createContentDigest } from './digest.ts';
import { encodeFrame } from './frames.ts';
import { startBareNode } from './harness/bare.ts';
import {
  addressOf,
  CHAIN,
  startNode,
  type TestNode,
  until,
  untilGossips,
} from './harness/nodes.ts';
import { DEFAULT_LIMITS, GOSSIP_NONCE_BYTES } from './limits.ts';
import { networkNames } from './names.ts';

const MESHSUB = '/meshsub/1.2.0';
const names = networkNames(CHAIN, 1);
const topic = names.topic('transactions');
/** Of gossipsub itself: ids asked for in one heartbeat, and answers to one peer for one message. */
const IDS_PER_HEARTBEAT = 5_000;
const RETRANSMISSIONS = 3;
const cleanups: (() => Promise<unknown>)[] = [];
const encoder = new TextEncoder();

/** What each node was ever asked to judge, as text. */
const judged = new WeakMap<TestNode, Set<string>>();

async function victim(options: Parameters<typeof startNode>[0] = {}): Promise<TestNode> {
  const node = await startNode(options);
  const texts = new Set<string>();
  judged.set(node, texts);
  node.judge = (_, message) => {
    texts.add(new TextDecoder().decode(message));
    return 'accept';
  };
  cleanups.push(() => node.network.stop());
  return node;
}

afterEach(async () => {
  await Promise.all(cleanups.splice(0).map((cleanup) => cleanup()));
});

type Control = Partial<RPC.ControlMessage>;
const NOTHING: RPC.ControlMessage = { ihave: [], iwant: [], graft: [], prune: [], idontwant: [] };
const rpcOf = (rpc: Partial<RPC>): Uint8Array =>
  RPC.encode({ subscriptions: [], messages: [], ...rpc });
const controlOf = (control: Control) => rpcOf({ control: { ...NOTHING, ...control } });
const subscription = rpcOf({ subscriptions: [{ subscribe: true, topic }] });

/** A frame of gossipsub: length as varint, then the bytes. */
function framed(bytes: Uint8Array, length = bytes.length): Uint8Array {
  const head: number[] = [];
  let rest = length;
  for (; rest > 127; rest = Math.floor(rest / 128)) head.push((rest % 128) | 128);
  return concatBytes(Uint8Array.from([...head, rest]), bytes);
}

/** A peer that writes frames of gossipsub itself, and keeps what it is told. */
async function attacker(of: TestNode) {
  const heard: RPC[] = [];
  let waiting = new Uint8Array(0);
  const receive = (bytes: Uint8Array): void => {
    waiting = concatBytes(waiting, bytes);
    for (;;) {
      let length = 0;
      let at = 0;
      let byte = 128;
      for (; byte >= 128 && at < waiting.length; at++) {
        byte = waiting[at] ?? 0;
        length += (byte & 127) * 128 ** at;
      }
      if (byte >= 128 || waiting.length < at + length) return;
      heard.push(RPC.decode(waiting.subarray(at, at + length)));
      waiting = waiting.slice(at + length);
    }
  };
  const node = await startBareNode();
  await node.handle(MESHSUB, (stream) => {
    stream.addEventListener('message', ({ data }) => receive(data.subarray()));
  });
  cleanups.push(async () => await node.stop());
  const address = multiaddr(addressOf(of));
  const stream = await node.dialProtocol(address, MESHSUB);
  const send = (rpc: Uint8Array): void => void stream.send(framed(rpc));
  send(subscription);
  await until('known as a peer', () =>
    of.network.peers().some(({ peerId }) => peerId === node.peerId.toString()),
  );
  return { node, address, stream, send, heard, peerId: node.peerId.toString() };
}

/** Payload with a nonce, as it stands in a message. */
function dataOf(text: string, nonce = 1): Uint8Array {
  return concatBytes(new Uint8Array(GOSSIP_NONCE_BYTES).fill(nonce), encoder.encode(text));
}

const heardText = (node: TestNode, text: string) => judged.get(node)?.has(text) === true;
const messageOf = (text: string, nonce = 1) =>
  rpcOf({ messages: [{ topic, data: dataOf(text, nonce) }] });
const randomIds = (count: number) =>
  Array.from({ length: count }, () => crypto.getRandomValues(new Uint8Array(40)));

describe('gossipsub bounds a peer that', () => {
  it('says IHAVE of what is nowhere: it is asked for a bounded number of messages', async () => {
    const node = await victim();
    const hostile = await attacker(node);
    const startedMs = performance.now();
    for (let at = 0; at < 50; at++) {
      hostile.send(controlOf({ ihave: [{ topicID: topic, messageIDs: randomIds(1_000) }] }));
    }
    // What follows on the same stream was read after all of it.
    hostile.send(messageOf('after'));
    await until('all is read', () => heardText(node, 'after'));
    const asked = () =>
      hostile.heard
        .flatMap(({ control }) => control?.iwant ?? [])
        .flatMap((each) => each.messageIDs);
    await until('something is asked for', () => asked().length > 0);
    const heartbeats = 1 + Math.ceil((performance.now() - startedMs) / 500);
    expect(asked().length).toBeLessThanOrEqual(heartbeats * IDS_PER_HEARTBEAT);
    expect(asked().length).toBeLessThan(50_000);
  });

  it('says IWANT again and again: it gets the message a few times, not each time', async () => {
    const node = await victim();
    const hostile = await attacker(node);
    const payload = encoder.encode('w'.repeat(10_000));
    const copies = () => hostile.heard.flatMap(({ messages }) => messages);
    await until('it hears the message', async () => {
      await node.network.publish('transactions', payload);
      return copies().length > 0;
    });
    const { data = new Uint8Array(0) } = copies()[0] ?? {};
    const digest = (await createContentDigest())(data.subarray(GOSSIP_NONCE_BYTES));
    const id = concatBytes(data.subarray(0, GOSSIP_NONCE_BYTES), digest);
    const isTheSame = (each: { data?: Uint8Array }) =>
      each.data !== undefined && Buffer.compare(each.data, data) === 0;
    for (let at = 0; at < 500; at++) hostile.send(controlOf({ iwant: [{ messageIDs: [id] }] }));
    hostile.send(messageOf('after'));
    await until('all is read', () => heardText(node, 'after'));
    await until('it was served', () => copies().filter(isTheSame).length > 1);
    expect(copies().filter(isTheSame).length).toBeLessThanOrEqual(1 + RETRANSMISSIONS);
  });

  it('grafts again and again: it is heard no more, and forgiven when it stops', async () => {
    // The hostile one answers no pings.
    const node = await victim({ limits: { pingIntervalMs: 60_000 } });
    const friend = await victim({ relays: [addressOf(node)] });
    const hostile = await attacker(node);
    let count = 0;
    /** Whether a fresh message of the hostile one is heard before one that a friend sends later. */
    const isHeard = async (): Promise<boolean> => {
      const text = `message ${count++}`;
      hostile.send(messageOf(text));
      await friend.network.publish('transactions', encoder.encode(`after ${text}`));
      await until('the friend is heard', () => heardText(node, `after ${text}`));
      return heardText(node, text);
    };
    await untilGossips(friend, node);
    await until('heard at first', isHeard);
    // A prune tells the victim to wait; each graft before that time is held against the peer. Of a
    // peer that did well the score is looked at once a second only.
    const prune = { topicID: topic, backoff: 60, peers: [] };
    for (let at = 0; at < 20; at++) {
      hostile.send(controlOf({ prune: [prune] }));
      hostile.send(controlOf({ graft: [{ topicID: topic }] }));
    }
    let ignored = 0;
    await until('ignored', async () => {
      ignored = (await isHeard()) ? 0 : ignored + 1;
      return ignored >= 5;
    });
    await until('forgiven', isHeard, 25_000);
  }, 60_000);

  it('claims a frame longer than any message: nothing more of its stream is read', async () => {
    const node = await victim();
    const hostile = await attacker(node);
    hostile.send(messageOf('before'));
    await until('heard before', () => heardText(node, 'before'));
    const longest = DEFAULT_LIMITS.topics.proposals.messageBytesMax + 128 * 1024;
    hostile.stream.send(framed(new Uint8Array(longest)));
    hostile.send(messageOf('after'));
    // And the node goes on with others.
    const friend = await victim({ relays: [addressOf(node)] });
    await untilGossips(friend, node);
    expect(heardText(node, 'after')).toBe(false);
  });

  const many = (count: number) => Array.from({ length: count }, (_, at) => at);
  const signed = {
    from: new Uint8Array(34),
    seqno: new Uint8Array(8),
    signature: new Uint8Array(64),
  };
  it.each([
    ['no RPC', () => crypto.getRandomValues(new Uint8Array(50_000))],
    ['nothing', () => new Uint8Array(0)],
    [
      'ten thousand subscriptions',
      () =>
        rpcOf({ subscriptions: many(10_000).map((at) => ({ subscribe: true, topic: `${at}` })) }),
    ],
    [
      'ten thousand messages',
      () => rpcOf({ messages: many(10_000).map(() => ({ topic, data: dataOf('harm') })) }),
    ],
    [
      'a message of an unknown topic',
      () => rpcOf({ messages: [{ topic: 'x', data: dataOf('harm') }] }),
    ],
    ['a message without a topic', () => rpcOf({ messages: [{ topic: '', data: dataOf('harm') }] })],
    ['a signed message', () => rpcOf({ messages: [{ topic, data: dataOf('harm'), ...signed }] })],
    ['a message without a nonce', () => rpcOf({ messages: [{ topic, data: new Uint8Array(3) }] })],
    [
      'grafts of a thousand topics',
      () => controlOf({ graft: many(1_000).map((at) => ({ topicID: `${at}` })) }),
    ],
    [
      'more IHAVE than any peer has',
      () => controlOf({ ihave: [{ topicID: topic, messageIDs: randomIds(20_000) }] }),
    ],
    [
      'more IDONTWANT than any peer needs',
      () => controlOf({ idontwant: [{ messageIDs: randomIds(20_000) }] }),
    ],
  ])('sends %s, again and again: nobody hears of it, and gossip goes on', async (_, attack) => {
    const node = await victim();
    const friend = await victim({ relays: [addressOf(node)] });
    const hostile = await attacker(node);
    const rpc = attack();
    for (let at = 0; at < 30; at++) hostile.send(rpc);
    await untilGossips(friend, node);
    await untilGossips(node, friend);
    expect(heardText(node, 'harm')).toBe(false);
    expect(heardText(friend, 'harm')).toBe(false);
  });
});

describe('streams of a peer that', () => {
  it('opens many and says nothing are refused beyond a few, and others are answered', async () => {
    const node = await victim();
    node.reply = () => new Uint8Array(1);
    const hostile = await attacker(node);
    const streams: Stream[] = [];
    for (let at = 0; at < 40; at++) {
      // Refused while its protocol is agreed on, or right after.
      const stream = await hostile.node
        .dialProtocol(hostile.address, names.requests, { maxOutboundStreams: 100 })
        .catch(() => undefined);
      if (stream !== undefined) streams.push(stream);
    }
    const open = () => streams.filter(({ status }) => status === 'open').length;
    await until('the rest was refused', () => open() <= 4);
    const friend = await victim({ relays: [addressOf(node)] });
    await until('friends', () => friend.network.peers().length > 0);
    const { peerId } = node.network;
    expect(await friend.network.request(peerId, 'blocks', new Uint8Array(1))).toHaveLength(1);
  });

  it('send a frame byte by byte hold no more than came, and others are answered', async () => {
    const node = await victim();
    node.reply = () => new Uint8Array(1);
    const hostile = await attacker(node);
    const stream = await hostile.node.dialProtocol(hostile.address, names.requests);
    const frame = encodeFrame({ type: 'request', id: 1, kind: 1, body: new Uint8Array(64) });
    const answers: number[] = [];
    stream.addEventListener('message', ({ data }) => answers.push(...data.subarray()));
    const friend = await victim({ relays: [addressOf(node)] });
    await until('friends', () => friend.network.peers().length > 0);
    for (const byte of frame) {
      stream.send(Uint8Array.of(byte));
      const { peerId } = node.network;
      expect(await friend.network.request(peerId, 'blocks', new Uint8Array(1))).toHaveLength(1);
    }
    // Slow is not hostile: the question is answered like any other.
    await until('an answer', () => answers.length > 0);
  });
});

describe('identities', () => {
  it('cost nothing, so those of one address share its few connections', async () => {
    const limits = { connectionsPerAddressMax: 4 };
    const node = await victim({ allowLoopback: false, limits });
    const address = multiaddr(addressOf(node));
    for (let at = 0; at < 10; at++) {
      const one = await startBareNode();
      cleanups.push(async () => await one.stop());
      const isIn = await one.dial(address).then(
        () => true,
        () => false,
      );
      expect(isIn).toBe(at < limits.connectionsPerAddressMax);
      const count = Math.min(at + 1, limits.connectionsPerAddressMax);
      await until('those that came are peers', () => node.network.peers().length === count);
    }
  });
});
