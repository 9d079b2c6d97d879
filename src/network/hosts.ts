import type { Multiaddr } from '@multiformats/multiaddr';
import { hostNameOf, remoteHost } from './addresses.ts';

/** Counts open connections by the other end's host. */
export class HostCounter {
  readonly #counts = new Map<string, number>();

  countOf(host: string): number {
    return this.#counts.get(host) ?? 0;
  }

  add(address: Multiaddr): void {
    const host = remoteHost(address);
    if (host !== undefined) this.#counts.set(host, this.countOf(host) + 1);
  }

  remove(address: Multiaddr): void {
    const host = remoteHost(address);
    if (host === undefined) return;
    const count = this.countOf(host) - 1;
    if (count > 0) this.#counts.set(host, count);
    else this.#counts.delete(host);
  }
}

/** Hosts that this node's operator named, or that are its own: they may lie anywhere. */
export class ConfiguredHosts {
  readonly #hosts = new Set<string>();

  add(address: Multiaddr): void {
    const host = hostNameOf(address);
    if (host !== undefined) this.#hosts.add(host);
  }

  has(address: Multiaddr): boolean {
    const host = hostNameOf(address);
    return host !== undefined && this.#hosts.has(host);
  }
}
