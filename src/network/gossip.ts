import type { Message, TopicValidatorFn } from '@libp2p/gossipsub';
import { TopicValidatorResult } from '@libp2p/gossipsub';
import type { Bytes, Clock, Tracer } from '../base/index.ts';
import { concatBytes, formatHex } from '../base/index.ts';
import type { ContentDigest } from './digest.ts';
import { networkError, reasonOf } from './errors.ts';
import type { NetworkLimits } from './limits.ts';
import {
  GOSSIP_NONCE_BYTES,
  GOSSIP_REPEAT_MS,
  PENALTY_FLOOD,
  PENALTY_MALFORMED,
  PENALTY_OVERSIZE,
  PENALTY_REJECTED,
} from './limits.ts';
import { TokenBucket } from './rate.ts';
import { SeenMessages } from './seen.ts';
import type { GossipVerdict, Topic } from './types.ts';

type Dependencies = {
  readonly limits: NetworkLimits;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly digest: ContentDigest;
  /** Whether nothing of a peer counts any more, though bytes of it are still on their way. */
  readonly isRefused: (peerId: string) => boolean;
  readonly validate: (topic: Topic, message: Bytes, from: string) => Promise<GossipVerdict>;
  readonly blame: (peerId: string, points: number, reason: string) => void;
};

type Neighbour = {
  pending: number;
  readonly pendingBytes: Map<Topic, number>;
  readonly buckets: Map<Topic, { readonly messages: TokenBucket; readonly bytes: TokenBucket }>;
};

const RESULTS: { readonly [Verdict in GossipVerdict]: TopicValidatorResult } = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
};

/**
 * The door through which gossip comes in: size, rate, repetition, then the verdict of the node.
 *
 * A message on the wire is nonce (8 bytes) ‖ payload, unsigned: what it says is authentic by its
 * own signatures, and its author's address stays private. The nonce gives a message sent again a
 * new id, so that gossipsub carries it to peers that were absent the first time.
 */
export class GossipDoor {
  readonly #with: Dependencies;
  readonly #seen: SeenMessages;
  readonly #neighbours = new Map<string, Neighbour>();
  readonly #validating = new Set<string>();
  /** Digests made for message ids, kept for the validator that runs next on the same object. */
  readonly #digests = new WeakMap<Message, Bytes>();

  constructor(dependencies: Dependencies) {
    this.#with = dependencies;
    this.#seen = new SeenMessages(dependencies.limits.seenMax);
  }

  /** Bytes to publish. Rejects what every receiver would refuse. */
  wrap(topic: Topic, payload: Uint8Array): Bytes {
    const { messageBytesMax } = this.#with.limits.topics[topic];
    if (payload.length > messageBytesMax) {
      throw networkError('message-too-large', { topic, length: payload.length, messageBytesMax });
    }
    const nonce = crypto.getRandomValues(new Uint8Array(GOSSIP_NONCE_BYTES));
    const content = formatHex(this.#with.digest(payload));
    this.#seen.record(`${topic} ${content}`, 'accept', this.#with.clock.now());
    return concatBytes(nonce, payload);
  }

  /** Message id: nonce ‖ digest of the payload; whoever forges an id must forge the content. */
  messageId(message: Message): Bytes {
    const payload = message.data.subarray(GOSSIP_NONCE_BYTES);
    const digest = this.#with.digest(payload);
    this.#digests.set(message, digest);
    return concatBytes(message.data.subarray(0, GOSSIP_NONCE_BYTES), digest);
  }

  /** The validator of one topic, for gossipsub. Never rejects. */
  validator(topic: Topic): TopicValidatorFn {
    return async (peer, message) => {
      const from = peer.toString();
      try {
        return RESULTS[await this.#admit(topic, message, from)];
      } catch (error) {
        this.#with.tracer.trace('error', 'gossip-validator-failed', {
          topic,
          reason: reasonOf(error),
        });
        return TopicValidatorResult.Ignore;
      }
    };
  }

  forgetPeer(peerId: string): void {
    this.#neighbours.delete(peerId);
  }

  async #admit(topic: Topic, message: Message, from: string): Promise<GossipVerdict> {
    const { limits, clock, blame, isRefused } = this.#with;
    if (isRefused(from)) return 'ignore';
    const { data } = message;
    const limit = limits.topics[topic];
    if (data.length < GOSSIP_NONCE_BYTES) {
      blame(from, PENALTY_MALFORMED, `${topic}: no nonce`);
      return 'reject';
    }
    if (data.length - GOSSIP_NONCE_BYTES > limit.messageBytesMax) {
      blame(from, PENALTY_OVERSIZE, `${topic}: message too large`);
      return 'reject';
    }
    const nowMs = clock.now();
    const neighbour = this.#neighbourOf(from);
    if (!this.#withinRate(neighbour, topic, data.length, nowMs)) {
      blame(from, PENALTY_FLOOD, `${topic}: flood`);
      return 'ignore';
    }
    const payload = new Uint8Array(data.length - GOSSIP_NONCE_BYTES);
    payload.set(data.subarray(GOSSIP_NONCE_BYTES)); // A copy: `data` may be part of a buffer.
    const digest = this.#digests.get(message) ?? this.#with.digest(payload);
    const key = `${topic} ${formatHex(digest)}`;
    switch (this.#seen.lookup(key, nowMs, GOSSIP_REPEAT_MS)) {
      case 'repeat':
        if (!limit.isPerishable) return 'accept';
        return await this.#judge({ topic, payload, from, key, neighbour });
      case 'ignore':
        return 'ignore';
      case 'reject':
        blame(from, PENALTY_REJECTED, `${topic}: rejected before`);
        return 'reject';
      case 'unknown':
        return await this.#judge({ topic, payload, from, key, neighbour });
    }
  }

  async #judge(message: {
    readonly topic: Topic;
    readonly payload: Bytes;
    readonly from: string;
    readonly key: string;
    readonly neighbour: Neighbour;
  }): Promise<GossipVerdict> {
    const { topic, payload, from, key, neighbour } = message;
    const { limits, clock, blame, validate } = this.#with;
    const bytes = (neighbour.pendingBytes.get(topic) ?? 0) + payload.length;
    const isCrowded =
      neighbour.pending >= limits.validationsPerPeerMax ||
      bytes > limits.topics[topic].validatingBytesMax ||
      this.#validating.size >= limits.validationsMax;
    // One content is judged once at a time; the copy that came first will be forwarded.
    if (isCrowded || this.#validating.has(key)) return 'ignore';
    this.#validating.add(key);
    neighbour.pending += 1;
    neighbour.pendingBytes.set(topic, bytes);
    try {
      const verdict = await validate(topic, payload, from);
      if (verdict !== 'ignore') this.#seen.record(key, verdict, clock.now());
      if (verdict === 'reject') blame(from, PENALTY_REJECTED, `${topic}: rejected`);
      return verdict;
    } finally {
      this.#validating.delete(key);
      neighbour.pending -= 1;
      const before = neighbour.pendingBytes.get(topic) ?? 0;
      neighbour.pendingBytes.set(topic, before - payload.length);
    }
  }

  #neighbourOf(peerId: string): Neighbour {
    let neighbour = this.#neighbours.get(peerId);
    if (neighbour === undefined) {
      neighbour = { pending: 0, pendingBytes: new Map(), buckets: new Map() };
      this.#neighbours.set(peerId, neighbour);
    }
    return neighbour;
  }

  #withinRate(neighbour: Neighbour, topic: Topic, length: number, nowMs: number): boolean {
    let buckets = neighbour.buckets.get(topic);
    if (buckets === undefined) {
      const limit = this.#with.limits.topics[topic];
      const messages = { perSecond: limit.messagesPerSecond, burst: limit.messagesBurst };
      const bytes = { perSecond: limit.bytesPerSecond, burst: limit.bytesBurst };
      buckets = {
        messages: new TokenBucket(messages, nowMs),
        bytes: new TokenBucket(bytes, nowMs),
      };
      neighbour.buckets.set(topic, buckets);
    }
    return buckets.messages.take(1, nowMs) && buckets.bytes.take(length, nowMs);
  }
}
