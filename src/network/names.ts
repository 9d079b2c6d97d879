import { assert } from '../base/index.ts';
import type { RequestKind, Topic } from './types.ts';

export const TOPICS: readonly Topic[] = ['transactions', 'proposals', 'votes', 'blocks'];

/** Places in this list are numbers on the wire: it only grows at its end. */
export const REQUEST_KINDS: readonly RequestKind[] = [
  'status',
  'blocks',
  'consensus',
  'faucet',
  'state',
  'light',
  'snapshots',
  'manifest',
  'chunks',
  'receipts',
  'history',
  'locate',
  'page',
  'entries',
];

/** The names under which one network and version speaks. */
export type NetworkNames = {
  /** The stream protocol of requests; a peer without it belongs to another network. */
  readonly requests: string;
  topic(topic: Topic): string;
};

/** Names of protocols and topics; two networks or versions share none. */
export function networkNames(chainId: string, version: number): NetworkNames {
  assert(/^[0-9a-f]{2,128}$/.test(chainId), 'chain id is not lower-case hexadecimal');
  assert(Number.isInteger(version) && version >= 1 && version <= 65_535, 'not a version');
  const prefix = `/tabellion/${chainId}/${version}`;
  return {
    requests: `${prefix}/requests`,
    topic: (topic) => `${prefix}/${topic}`,
  };
}
