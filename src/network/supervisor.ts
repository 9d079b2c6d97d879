import type { Clock, Tracer } from '../base/index.ts';
import { isDirectSocket, isWebRtc, parseAddress, targetOf } from './addresses.ts';
import { networkError, reasonOf } from './errors.ts';
import type { KnownPeer } from './exchange.ts';
import type { NetworkLimits } from './limits.ts';
import type { NetworkRole } from './types.ts';

type Dependencies = {
  readonly role: NetworkRole;
  readonly selfId: string;
  readonly limits: NetworkLimits;
  readonly clock: Clock;
  readonly tracer: Tracer;
  /** Opens a connection to one of the addresses; rejects when none answers in time. */
  readonly dial: (addresses: readonly string[]) => Promise<void>;
  /** Peers with a direct connection. */
  readonly isConnected: (peerId: string) => boolean;
  readonly connectedCount: (kind: 'relay' | 'tab') => number;
  readonly isBanned: (peerId: string) => boolean;
  readonly mayDial: (address: string) => boolean;
  readonly onRelaysChanged: (relays: readonly string[]) => void;
};

type Target = {
  readonly peerId: string;
  addresses: string[];
  /** Named by the operator: never forgotten. */
  isConfigured: boolean;
  failures: number;
  notBeforeMs: number;
  isDialing: boolean;
};

/** A learnt relay is forgotten after so many failures in a row; a tab after these. */
const RELAY_FAILURES_MAX = 10;
const TAB_FAILURES_MAX = 5;
/** How long the peer of the larger id waits for the other to dial first. */
export const COURTESY_MS = 400;
/** A relay that let us go is asked again after this; it may just be restarting. */
const RELAY_LOST_MS = 250;

/**
 * Keeps connections: libp2p itself dials nobody it discovers and gives up a relay that is lost.
 * Relays come first, two tabs that learn of each other agree who dials, and every failure waits
 * twice as long as the one before.
 */
export class Supervisor {
  readonly #with: Dependencies;
  readonly #relays = new Map<string, Target>();
  readonly #tabs = new Map<string, Target>();

  constructor(dependencies: Dependencies) {
    this.#with = dependencies;
  }

  /** Multiaddrs of relays, those named by the operator first. */
  relays(): readonly string[] {
    const all = [...this.#relays.values()];
    return [...all.filter((one) => one.isConfigured), ...all.filter((one) => !one.isConfigured)]
      .flatMap((one) => one.addresses)
      .slice(0, this.#with.limits.relaysKnownMax);
  }

  /** Adds a relay that the operator names; false if the text is no address of a peer. */
  addConfigured(address: string): boolean {
    const parsed = parseAddress(address);
    const peerId = parsed === undefined ? undefined : targetOf(parsed);
    if (parsed === undefined || peerId === undefined || !isDirectSocket(parsed)) return false;
    if (peerId === this.#with.selfId) return true;
    this.#learn(this.#relays, { peerId, addresses: [address] }, true);
    return true;
  }

  /** Takes in what a peer told. */
  learn(peers: readonly KnownPeer[]): void {
    const { selfId, isBanned, mayDial, limits, role } = this.#with;
    const relaysBefore = this.#relays.size;
    for (const { peerId, addresses } of peers) {
      if (peerId === selfId || isBanned(peerId)) continue;
      const dialable = addresses.filter(mayDial);
      const sockets = dialable.filter((address) => matches(address, isDirectSocket));
      if (sockets.length > 0) {
        this.#makeRoom(this.#relays, limits.relaysKnownMax);
        this.#learn(this.#relays, { peerId, addresses: sockets }, false);
        continue;
      }
      const rtc = dialable.filter((address) => matches(address, isWebRtc));
      if (role !== 'tab' || rtc.length === 0) continue;
      this.#makeRoom(this.#tabs, limits.candidatesMax);
      this.#learn(this.#tabs, { peerId, addresses: rtc }, false);
    }
    if (this.#relays.size !== relaysBefore) this.#with.onRelaysChanged(this.relays());
  }

  /** Dials what is wanted and due. Called every second and after each change. */
  tick(): void {
    const { role, limits, connectedCount } = this.#with;
    const relaysWanted = role === 'relay' ? limits.relaysKnownMax : limits.relaysTarget;
    this.#dialSome(this.#relays, relaysWanted - connectedCount('relay'));
    if (role === 'tab') this.#dialSome(this.#tabs, limits.peersTarget - connectedCount('tab'));
  }

  /** What failed before says nothing about now: everything is due. */
  wake(): void {
    for (const targets of [this.#relays, this.#tabs]) {
      for (const target of targets.values()) target.notBeforeMs = 0;
    }
  }

  /** A connection opened, whoever dialled. */
  onConnected(peerId: string): void {
    for (const targets of [this.#relays, this.#tabs]) {
      const target = targets.get(peerId);
      if (target !== undefined) target.failures = 0;
    }
  }

  onDisconnected(peerId: string): void {
    const nowMs = this.#with.clock.now();
    const relay = this.#relays.get(peerId);
    if (relay !== undefined) relay.notBeforeMs = nowMs + RELAY_LOST_MS;
    const tab = this.#tabs.get(peerId);
    if (tab !== undefined) tab.notBeforeMs = nowMs + this.#courtesyMs(peerId);
  }

  /** The peer proved hostile or foreign: it is dialled no more, or, if configured, seldom. */
  refuse(peerId: string): void {
    this.#tabs.delete(peerId);
    const relay = this.#relays.get(peerId);
    if (relay === undefined) return;
    if (relay.isConfigured) {
      relay.notBeforeMs = this.#with.clock.now() + this.#with.limits.redialMaxMs;
      return;
    }
    this.#relays.delete(peerId);
    this.#with.onRelaysChanged(this.relays());
  }

  /** Dials one configured relay now; rejects with `dial-failed`. */
  async dialNow(peerId: string): Promise<void> {
    const target = this.#relays.get(peerId);
    if (target === undefined || this.#with.isConnected(peerId)) return;
    await this.#dial(this.#relays, target);
    if (!this.#with.isConnected(peerId)) throw networkError('dial-failed', { peerId });
  }

  #learn(targets: Map<string, Target>, peer: KnownPeer, isConfigured: boolean): void {
    const known = targets.get(peer.peerId);
    if (known === undefined) {
      const waitMs = targets === this.#tabs ? this.#courtesyMs(peer.peerId) : 0;
      targets.set(peer.peerId, {
        peerId: peer.peerId,
        addresses: [...peer.addresses].slice(0, 8),
        isConfigured,
        failures: 0,
        notBeforeMs: this.#with.clock.now() + waitMs,
        isDialing: false,
      });
      return;
    }
    known.isConfigured ||= isConfigured;
    // A lie must not displace addresses that were named, or that led to a relay before. Where a
    // tab can be reached changes with its relays, so there the newest word counts.
    const isProven = targets === this.#relays && known.failures === 0;
    const kept = known.isConfigured || isProven ? known.addresses : [];
    known.addresses = [...new Set([...kept, ...peer.addresses])].slice(0, 8);
  }

  #makeRoom(targets: Map<string, Target>, max: number): void {
    if (targets.size < max) return;
    for (const [peerId, target] of targets) {
      if (target.isConfigured || this.#with.isConnected(peerId)) continue;
      targets.delete(peerId);
      return;
    }
  }

  #courtesyMs(peerId: string): number {
    return this.#with.selfId < peerId ? 0 : COURTESY_MS;
  }

  #dialSome(targets: Map<string, Target>, wanted: number): void {
    const nowMs = this.#with.clock.now();
    const all = [...targets.values()];
    let free = wanted - all.filter((target) => target.isDialing).length;
    for (const target of all) {
      if (free <= 0) return;
      const { peerId } = target;
      if (target.isDialing || nowMs < target.notBeforeMs) continue;
      if (this.#with.isConnected(peerId) || this.#with.isBanned(peerId)) continue;
      free -= 1;
      void this.#dial(targets, target);
    }
  }

  // Never rejects: a failure is a later attempt.
  async #dial(targets: Map<string, Target>, target: Target): Promise<void> {
    const { dial, clock, limits, tracer } = this.#with;
    target.isDialing = true;
    try {
      await dial(target.addresses);
      target.failures = 0;
      target.notBeforeMs = clock.now() + limits.redialFirstMs;
    } catch (error) {
      target.failures += 1;
      const backoffMs = limits.redialFirstMs * 2 ** Math.min(target.failures - 1, 16);
      // Up to a quarter more, so that a relay that returns is not met by all tabs at once.
      const spread = 1 + Math.random() / 4;
      target.notBeforeMs = clock.now() + Math.min(backoffMs, limits.redialMaxMs) * spread;
      tracer.trace('debug', 'dial-failed', {
        peerId: target.peerId,
        failures: target.failures,
        reason: reasonOf(error),
      });
      const failuresMax = targets === this.#relays ? RELAY_FAILURES_MAX : TAB_FAILURES_MAX;
      if (!target.isConfigured && target.failures >= failuresMax) {
        targets.delete(target.peerId);
        if (targets === this.#relays) this.#with.onRelaysChanged(this.relays());
      }
    } finally {
      target.isDialing = false;
    }
  }
}

function matches(
  address: string,
  predicate: (parsed: NonNullable<ReturnType<typeof parseAddress>>) => boolean,
): boolean {
  const parsed = parseAddress(address);
  return parsed !== undefined && predicate(parsed);
}
