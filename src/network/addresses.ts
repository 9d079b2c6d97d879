import type { Multiaddr } from '@multiformats/multiaddr';
import { multiaddr } from '@multiformats/multiaddr';
import type { PeerTransport } from './types.ts';

/** Reads a multiaddr that a person or a peer wrote; undefined for anything else. */
export function parseAddress(text: string): Multiaddr | undefined {
  try {
    return multiaddr(text);
  } catch {
    return undefined;
  }
}

/** The peer that an address leads to: its last `/p2p/…`. */
export function targetOf(address: Multiaddr): string | undefined {
  return address.getComponents().findLast((component) => component.name === 'p2p')?.value;
}

/** Whether the address goes through another peer's relay. */
export function isRelayed(address: Multiaddr): boolean {
  return address.getComponents().some((component) => component.name === 'p2p-circuit');
}

/** Whether the address ends in a WebRTC connection. */
export function isWebRtc(address: Multiaddr): boolean {
  return address.getComponents().some((component) => component.name === 'webrtc');
}

/** Whether the address is a WebSocket of the peer itself: what a relay has and a tab has not. */
export function isDirectSocket(address: Multiaddr): boolean {
  const names = address.getComponents().map((component) => component.name);
  return (names.includes('ws') || names.includes('wss')) && !names.includes('p2p-circuit');
}

/** Which transport an open connection uses. */
export function transportOf(address: Multiaddr): PeerTransport {
  if (isWebRtc(address)) return 'webrtc';
  return isRelayed(address) ? 'relayed' : 'websocket';
}

type Host = { readonly kind: 'ip4' | 'ip6' | 'dns'; readonly value: string };

function hostOf(address: Multiaddr): Host | undefined {
  for (const { name, value } of address.getComponents()) {
    if (value === undefined) continue;
    if (name === 'ip4' || name === 'ip6') return { kind: name, value };
    if (name === 'dns' || name === 'dns4' || name === 'dns6' || name === 'dnsaddr') {
      return { kind: 'dns', value };
    }
  }
  return undefined;
}

/** The host as it is written in an address; undefined for an address without one. */
export function hostNameOf(address: Multiaddr): string | undefined {
  return hostOf(address)?.value;
}

/**
 * The IP address of the other end, where the connection reaches it directly. One IPv6 customer
 * holds a /64, so that is what is told apart; an IPv4-mapped address is the IPv4 one.
 */
export function remoteHost(address: Multiaddr): string | undefined {
  if (isRelayed(address)) return undefined;
  const host = hostOf(address);
  return host === undefined || host.kind === 'dns' ? undefined : siteOf(host);
}

function siteOf({ kind, value }: Host): string | undefined {
  if (kind === 'dns') return value.toLowerCase().replace(/\.$/, '');
  if (kind === 'ip4') return value;
  const groups = ipv6Groups(value);
  if (groups === undefined) return undefined;
  const mapped = mappedIpv4(groups);
  if (mapped !== undefined) return mapped.join('.');
  if (isLoopbackGroups(groups)) return '::1';
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

/**
 * Whose word the word of a peer is: peers of one host have one voice, and so have those that came
 * through one relay, since host and relay make peer ids at no cost. Peers on this very machine are
 * told apart by their ids: a whole network may run there, and whoever rules it rules us.
 *
 * @param addresses Other ends of the peer's connections, as `PeerView` tells them.
 */
export function voiceOf(peerId: string, addresses: readonly string[]): string {
  const parsed = addresses.map(parseAddress).filter((address) => address !== undefined);
  const address = parsed.find((each) => !isRelayed(each) && !isWebRtc(each)) ?? parsed[0];
  if (address === undefined || scopeOf(address) === 'loopback') return peerId;
  const host = hostOf(address);
  // WebRTC without an address: whoever carried the signals made it, and is not told.
  if (host === undefined) return isWebRtc(address) ? 'webrtc' : peerId;
  return siteOf(host) ?? peerId;
}

/** Where an address lies. */
export type AddressScope = 'public' | 'loopback' | 'private' | 'none';

/**
 * Classifies the host of an address; RFC 6890 lists what is not public. A DNS name counts as
 * public unless it names this machine or a local network.
 */
export function scopeOf(address: Multiaddr): AddressScope {
  const host = hostOf(address);
  if (host === undefined) return 'none';
  if (host.kind === 'ip4') return scopeOfIpv4(host.value.split('.').map(Number));
  if (host.kind === 'dns') return scopeOfName(host.value.toLowerCase().replace(/\.$/, ''));
  const groups = ipv6Groups(host.value);
  if (groups === undefined) return 'private';
  const mapped = mappedIpv4(groups);
  if (mapped !== undefined) return scopeOfIpv4(mapped);
  if (isLoopbackGroups(groups)) return 'loopback';
  const first = groups[0] ?? 0;
  // Global unicast is 2000::/3 (RFC 4291 §2.4); 2001:db8::/32 is for books (RFC 3849).
  if (first >> 13 !== 1 || (first === 0x2001 && groups[1] === 0xdb8)) return 'private';
  return 'public';
}

/** Whether a host, as {@link remoteHost} gives it, is this machine. */
export function isLoopbackHost(host: string): boolean {
  return host.startsWith('127.') || host === '::1';
}

function scopeOfName(name: string): AddressScope {
  if (name === 'localhost' || name.endsWith('.localhost')) return 'loopback';
  const isLocal = /(^|\.)(local|internal|lan|home|intranet|home\.arpa)$/.test(name);
  return isLocal || !name.includes('.') ? 'private' : 'public';
}

function scopeOfIpv4(bytes: readonly number[]): AddressScope {
  const [a = 0, b = 0, c = 0] = bytes;
  if (a === 127) return 'loopback';
  const isSpecial =
    a === 0 ||
    a === 10 ||
    (a === 100 && b >= 64 && b <= 127) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b <= 31) ||
    (a === 192 && b === 168) ||
    (a === 192 && b === 0 && (c === 0 || c === 2)) ||
    (a === 198 && (b === 18 || b === 19)) ||
    (a === 198 && b === 51 && c === 100) ||
    (a === 203 && b === 0 && c === 113) ||
    a >= 224;
  return isSpecial ? 'private' : 'public';
}

function ipv6Groups(text: string): readonly number[] | undefined {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  let plain = text;
  if (dotted !== null) {
    const [a = 0, b = 0, c = 0, d = 0] = dotted.slice(2).map(Number);
    plain = `${dotted[1]}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  }
  const halves = plain.split('::');
  if (halves.length > 2) return undefined;
  const read = (half: string | undefined) =>
    half === undefined || half === ''
      ? []
      : half.split(':').map((group) => Number.parseInt(group, 16));
  const head = read(halves[0]);
  const tail = read(halves[1]);
  const missing = halves.length === 2 ? Math.max(0, 8 - head.length - tail.length) : 0;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  const isWhole = groups.length === 8 && groups.every((group) => group >= 0 && group <= 0xffff);
  return isWhole ? groups : undefined;
}

function isLoopbackGroups(groups: readonly number[]): boolean {
  return groups.slice(0, 7).every((group) => group === 0) && groups[7] === 1;
}

function mappedIpv4(groups: readonly number[]): readonly number[] | undefined {
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (!isMapped) return undefined;
  const [high = 0, low = 0] = groups.slice(6);
  return [high >> 8, high & 255, low >> 8, low & 255];
}
