import type { Codec, Infer } from '../codec/index.ts';
import { struct, u32 } from '../codec/index.ts';
import { hashCodec } from '../crypto/index.ts';
import { addressCodec } from '../ledger/index.ts';
import * as nodeViews from './node-views.ts';
import * as views from './views.ts';

/** One stream of events that a client may subscribe to. */
export type TopicSpec<Params, Event> = {
  readonly summary: string;
  readonly params: Codec<Params>;
  readonly event: Codec<Event>;
  readonly access: 'public' | 'operator';
  /** `latest`: a slow reader gets only the newest event; `every`: all of them, up to a bound. */
  readonly keep: 'latest' | 'every';
};

function topic<Params, Event>(
  summary: string,
  params: Codec<Params>,
  event: Codec<Event>,
  keep: 'latest' | 'every' = 'latest',
  access: 'public' | 'operator' = 'public',
): TopicSpec<Params, Event> {
  return { summary, params, event, keep, access };
}

const none = struct('None', {});

/** The one table of subscriptions. The first event follows at once, and says how things are. */
export const topics = {
  heads: topic('Each new head.', none, nodeViews.headViewCodec, 'every'),
  transaction: topic(
    'Each step of one transaction until its verdict.',
    struct('ById', { id: hashCodec }),
    views.transactionStatusCodec,
    'every',
  ),
  account: topic(
    'An account after each block that changed it.',
    struct('ByAddress', { address: addressCodec }),
    views.accountViewCodec,
  ),
  mempool: topic('The mempool when it changed.', none, views.mempoolStatusCodec),
  status: topic('The status of this node when it changed.', none, nodeViews.nodeStatusCodec),
  consensus: topic('Votes as they come.', none, nodeViews.consensusViewCodec),
  peers: topic('How many peers are connected.', none, struct('PeerCount', { peers: u32 })),
  events: topic('Diagnostics as they happen.', none, nodeViews.eventViewCodec, 'every', 'operator'),
} as const;

export type Topics = typeof topics;
export type TopicName = keyof Topics;
export type TopicParams<Name extends TopicName> = Infer<Topics[Name]['params']>;
export type TopicEvent<Name extends TopicName> = Infer<Topics[Name]['event']>;
