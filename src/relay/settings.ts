import type { Json, Result } from '../base/index.ts';
import type { DecodeError, Infer } from '../codec/index.ts';
import {
  bool,
  enumeration,
  option,
  parseJson,
  struct,
  text,
  toJson,
  u16,
  u32,
  vector,
} from '../codec/index.ts';
import { NODE_MODES } from '../node/index.ts';
import { isLoopback } from './http-guard.ts';

/** What `node.json` in a node's data folder says; the command line overrides it. */
const settingsCodec = struct('NodeSettings', {
  /** HTTP and WebSocket for RPC, metrics and, with `--app`, the wallet page. */
  rpcHost: text({ max: 64 }),
  rpcPort: u16,
  /** Multiaddrs to listen on for peers, such as `/ip4/127.0.0.1/tcp/4710/ws`. */
  listen: vector(text({ max: 256 }), { max: 8 }),
  /** Multiaddrs to announce instead, when behind a proxy. */
  announce: vector(text({ max: 256 }), { max: 8 }),
  /** Multiaddrs of relays to join by. */
  relays: vector(text({ max: 256 }), { max: 32 }),
  /** Origins of pages that may call this node's RPC besides its own. */
  origins: vector(text({ max: 272 }), { max: 32 }),
  /** Host names under which this node may be asked, besides loopback. */
  hosts: vector(text({ max: 272 }), { max: 32 }),
  /** Addresses of reverse proxies whose `X-Forwarded-For` is believed. */
  proxies: vector(text({ max: 64 }), { max: 16 }),
  /**
   * Whether commands of this machine may steer the node. When absent: where only this machine can
   * ask, that is with a loopback `rpcHost` and no `hosts`. A proxy that names nobody in front of
   * it would make every stranger local.
   */
  isLoopbackOperator: option(bool),
  /** Memory for pages of state. */
  cacheMegabytes: option(u32),
  /** How much of the chain is kept; when absent: what was chosen last, everything at first. */
  mode: option(enumeration('NodeMode', NODE_MODES)),
  /** Newest blocks that are kept, with `mode` `full` alone; when absent: all of them. */
  keepBlocks: option(u32),
  /** A block to trust, told by hand, as `HEIGHT:HASH`; when absent: the one given last, if any. */
  checkpoint: option(text({ max: 128 })),
  /**
   * Whether signatures of transactions at or below the checkpoint are left unchecked; when absent:
   * what was chosen last, no at first.
   */
  replayTrusting: option(bool),
});

export type NodeSettings = Infer<typeof settingsCodec>;

/** Settings of a node that talks to nobody but this machine. */
export const LOOPBACK_SETTINGS: NodeSettings = {
  rpcHost: '127.0.0.1',
  rpcPort: 4700,
  listen: ['/ip4/127.0.0.1/tcp/4710/ws'],
  announce: [],
  relays: [],
  origins: [],
  hosts: [],
  proxies: [],
  isLoopbackOperator: undefined,
  cacheMegabytes: undefined,
  mode: undefined,
  keepBlocks: undefined,
  checkpoint: undefined,
  replayTrusting: undefined,
};

/** Whether commands of this machine may steer a node with these settings. */
export function isLoopbackOperator(settings: NodeSettings): boolean {
  const { rpcHost, hosts } = settings;
  const isPrivate = hosts.length === 0 && (rpcHost === 'localhost' || isLoopback(rpcHost));
  return settings.isLoopbackOperator ?? isPrivate;
}

/** Reads settings; unknown members are refused with their path. */
export function parseSettings(json: Json): Result<NodeSettings, DecodeError> {
  return parseJson(settingsCodec, json);
}

/** JSON form of settings. */
export function formatSettings(settings: NodeSettings): Json {
  return toJson(settingsCodec, settings);
}
