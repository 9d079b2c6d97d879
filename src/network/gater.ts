import type { ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { Clock } from '../base/index.ts';
import { isLoopbackHost, remoteHost, scopeOf } from './addresses.ts';
import type { BanBook } from './bans.ts';
import type { NetworkLimits } from './limits.ts';

type Dependencies = {
  readonly bans: BanBook;
  readonly clock: Clock;
  readonly limits: NetworkLimits;
  readonly allowLoopback: boolean;
  /** Addresses that our own operator named: they may lie anywhere. */
  readonly isConfigured: (address: Multiaddr) => boolean;
  /** Open connections from a host. */
  readonly connectionsFrom: (host: string) => number;
};

/**
 * Whether an address that a stranger told may be dialled: public, or of this machine where that
 * is allowed. Otherwise peers could make a node knock at the doors of its own network.
 */
export function mayDial(address: Multiaddr, allowLoopback: boolean): boolean {
  const scope = scopeOf(address);
  return scope === 'public' || (scope === 'loopback' && allowLoopback);
}

/** Refuses banned peers and hosts, crowded hosts, and dials into private networks. */
export function createGater(dependencies: Dependencies): ConnectionGater {
  const { bans, clock, limits, allowLoopback, isConfigured, connectionsFrom } = dependencies;
  const isBannedPeer = (peer: PeerId) => bans.isBanned(peer.toString(), clock.now());
  const isBannedHost = (address: Multiaddr) => {
    const host = remoteHost(address);
    return host !== undefined && bans.isBanned(host, clock.now());
  };
  const isCrowded = (connection: MultiaddrConnection) => {
    const host = remoteHost(connection.remoteAddr);
    if (host === undefined || (allowLoopback && isLoopbackHost(host))) return false;
    return connectionsFrom(host) >= limits.connectionsPerAddressMax;
  };
  return {
    denyDialPeer: isBannedPeer,
    denyDialMultiaddr: (address) =>
      isBannedHost(address) || !(isConfigured(address) || mayDial(address, allowLoopback)),
    denyInboundConnection: (connection) =>
      isBannedHost(connection.remoteAddr) || isCrowded(connection),
    denyInboundEncryptedConnection: isBannedPeer,
    denyOutboundEncryptedConnection: isBannedPeer,
    denyInboundUpgradedConnection: isBannedPeer,
    denyInboundRelayReservation: isBannedPeer,
    denyOutboundRelayedConnection: (source, destination) =>
      isBannedPeer(source) || isBannedPeer(destination),
    denyInboundRelayedConnection: (_relay, remote) => isBannedPeer(remote),
    filterMultiaddrForPeer: (_peer, address) =>
      isConfigured(address) || scopeOf(address) === 'none' || mayDial(address, allowLoopback),
  };
}
