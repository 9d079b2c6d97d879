import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningRelay } from '../../../deploy/relay-process.ts';
import { freePorts, startRelay } from '../../../deploy/relay-process.ts';
import type { Json } from '../../base/index.ts';
import { formatHex, systemClock } from '../../base/index.ts';
import { toJson } from '../../codec/index.ts';
import { generateKeyPair } from '../../crypto/index.ts';
import { createDevnetGenesis, protocol } from '../../ledger/index.ts';
import { createPeerKey, peerIdOfKey } from '../../network/index.ts';
import { Links } from './links.ts';
import type { Person } from './people.ts';

/** What relays say of where they are: nobody listens there, so the links are the only way. */
const NOWHERE = '/ip4/127.0.0.1/tcp/9/ws';
/** Blocks come this often when nobody pays: windows of validity pass even then. */
const HEARTBEAT_MS = 1_000;
export const VALIDATORS = 4;

type Place = {
  readonly folder: string;
  readonly rpcPort: number;
  readonly peerPort: number;
  readonly relayFlags: readonly string[];
  process: RunningRelay | undefined;
};

/** Four validators, a process each, whose every connection to each other can be broken. */
export class Relays {
  readonly links = new Links();
  /** The genesis document, as its file says it. */
  readonly genesis: Json;
  readonly #data: string;
  readonly #places: Place[] = [];

  private constructor(data: string, genesis: Json) {
    this.#data = data;
    this.genesis = genesis;
  }

  /** Makes a network in which each person holds `balance`, and starts it. */
  static async start(people: readonly Person[], balance: bigint): Promise<Relays> {
    const data = await mkdtemp(join(tmpdir(), 'tabellion-consistency-'));
    const pairs = Array.from({ length: VALIDATORS }, () =>
      generateKeyPair('ed25519', randomBytes(32)),
    );
    const document = createDevnetGenesis({
      name: 'Consistency',
      timestampMs: systemClock.now(),
      validators: pairs.map(({ publicKey }, at) => ({ publicKey, name: `Validator ${at}` })),
      balances: people.map(({ address }) => ({ address, amount: balance })),
      policies: people.map(({ policy }) => policy),
      consensus: { heartbeatMs: HEARTBEAT_MS },
    });
    const relays = new Relays(data, toJson(protocol.genesisCodec, document));
    try {
      await relays.#prepare(pairs);
      await Promise.all(relays.#places.map((_, relay) => relays.restart(relay)));
    } catch (error) {
      await relays.stop();
      throw error;
    }
    return relays;
  }

  rpcOf(relay: number): string {
    return `http://127.0.0.1:${this.#place(relay).rpcPort}/rpc`;
  }

  webSocketOf(relay: number): string {
    return `ws://127.0.0.1:${this.#place(relay).rpcPort}/ws`;
  }

  /** Ends a relay as a power cut would, but for what the system holds. */
  async kill(relay: number): Promise<void> {
    const place = this.#place(relay);
    const { process: running } = place;
    place.process = undefined;
    await running?.kill();
  }

  /** Starts a relay that does not run, on what it left; settles when it answers questions. */
  async restart(relay: number): Promise<void> {
    const place = this.#place(relay);
    const { folder, rpcPort, peerPort, relayFlags } = place;
    place.process = startRelay(
      [
        ...['node', '--data', folder, '--genesis', join(this.#data, 'genesis.json')],
        ...['--port', String(rpcPort), '--listen', `/ip4/127.0.0.1/tcp/${peerPort}/ws`],
        ...['--announce', NOWHERE, '--log', join(folder, 'node.log'), '--json', ...relayFlags],
      ],
      // It ends with this program, however this one ends.
      { tells: 'channel' },
    );
    await place.process.ready();
  }

  /** Stops a relay from running while its connections stay. */
  pause(relay: number): void {
    this.#place(relay).process?.pause();
  }

  resume(relay: number): void {
    this.#place(relay).process?.resume();
  }

  /** Ends all; `mustKeep` leaves data and logs where they are, and answers their folder. */
  async stop(mustKeep = false): Promise<string> {
    await Promise.all(this.#places.map(({ process: running }) => running?.stop()));
    this.links.close();
    if (!mustKeep) await rm(this.#data, { recursive: true, force: true });
    return this.#data;
  }

  async #prepare(pairs: readonly ReturnType<typeof generateKeyPair>[]): Promise<void> {
    await writeFile(join(this.#data, 'genesis.json'), JSON.stringify(this.genesis));
    const { rpcPorts, peerPorts } = await freePorts(VALIDATORS);
    const peerKeys = await Promise.all(pairs.map(() => createPeerKey()));
    for (const [at, pair] of pairs.entries()) {
      const folder = join(this.#data, `node-${at}`);
      await mkdir(folder);
      const key = {
        algorithm: pair.algorithm,
        publicKey: formatHex(pair.publicKey),
        secretKey: formatHex(pair.secretKey),
      };
      await writeFile(join(folder, 'validator.key.json'), JSON.stringify(key), { mode: 0o600 });
      const peer = { privateKey: formatHex(peerKeys[at] ?? new Uint8Array()) };
      await writeFile(join(folder, 'peer.key.json'), JSON.stringify(peer), { mode: 0o600 });
      const relayFlags: string[] = [];
      for (const [to, peerKey] of peerKeys.entries()) {
        if (to === at) continue;
        const port = await this.links.open(at, to, peerPorts[to] ?? 0);
        relayFlags.push('--relay', `/ip4/127.0.0.1/tcp/${port}/ws/p2p/${peerIdOfKey(peerKey)}`);
      }
      const [rpcPort = 0, peerPort = 0] = [rpcPorts[at], peerPorts[at]];
      this.#places.push({ folder, rpcPort, peerPort, relayFlags, process: undefined });
    }
  }

  #place(relay: number): Place {
    const place = this.#places[relay];
    if (place === undefined) throw new Error(`no relay ${relay}`);
    return place;
  }
}
