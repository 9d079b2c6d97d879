import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes } from '../base/index.ts';
import type { Height } from '../ledger/index.ts';
import type { KeyValueStore, WriteOperation } from '../storage/index.ts';
import { withCopy, writeDead } from './dead-store.ts';
import { expectThat, until } from './failure.ts';
import type { LateNetwork } from './late-network.ts';
import type { Latecomer } from './late-rounds.ts';
import type { SpoiltPage } from './spoilt-pages.ts';
import type { RelayProcess } from './validator.ts';

/** Of what was called final, the newest that must be where it was said to be. */
const PAYMENTS_ASKED = 5;

/** A relay that comes late: a process of its own on a folder of its own. */
export class LateRelay implements Latecomer {
  readonly momentMsMax = 2_000;
  readonly #network: LateNetwork;
  readonly #relay: RelayProcess;
  /** Where the log of this life begins. */
  #logFrom = 0;
  /** Whether it lives, or nobody looked how it ended. */
  #isStarted = false;

  constructor(network: LateNetwork) {
    this.#network = network;
    this.#relay = network.createLate();
  }

  hasPassed(): boolean {
    return !this.#relay.isAlive;
  }

  get #logPath(): string {
    return join(this.#relay.folder, 'node.log');
  }

  async start(point: string | undefined, count: number): Promise<void> {
    const log = await stat(this.#logPath).catch(() => undefined);
    this.#logFrom = log?.size ?? 0;
    this.#isStarted = true;
    await this.#relay.start(point === undefined ? 'parent' : `${point}:${count}`);
  }

  async told(): Promise<number> {
    const told = await this.#relay.client.call('node.status', {}).catch(() => undefined);
    expectThat(told?.error === undefined, `it failed: ${told?.error?.message ?? ''}`);
    return told?.chainHeight ?? 0;
  }

  async kill(): Promise<void> {
    this.#relay.kill();
    const { code, signal } = await this.#relay.ended();
    const isKilled = signal === 'SIGKILL' || !this.#isStarted;
    this.#isStarted = false;
    expectThat(isKilled, `it ended by itself, with code ${code}`);
  }

  remains<Value>(read: (store: KeyValueStore) => Promise<Value>): Promise<Value | undefined> {
    return withCopy(this.#relay.database, read);
  }

  async spoil(pages: readonly SpoiltPage[]): Promise<void> {
    await writeDead(this.#relay.database, pages.map(asWrite));
  }

  async resumed(): Promise<readonly { readonly height: number; readonly chunks: number }[]> {
    const log = (await readFile(this.#logPath)).subarray(this.#logFrom).toString();
    return log
      .split('\n')
      .filter((line) => line.includes('"event":"snapshot-begun"'))
      .map((line) => {
        const { height, resumed: chunks } = JSON.parse(line);
        return { height, chunks };
      });
  }

  async forget(): Promise<void> {
    await rm(this.#relay.database, { recursive: true, force: true });
  }

  async follow(height: Height): Promise<void> {
    const { source, payments } = this.#network;
    await until(`it follows to ${height}`, async () => (await this.told()) >= height);
    const { client } = this.#relay;
    const own = await client.call('block.get', { height });
    const theirs = await source.client.call('block.get', { height });
    expectThat(equalBytes(own.hash, theirs.hash), `two blocks at ${height}`);
    await payments.expectKept(this.#relay, PAYMENTS_ASKED);
  }

  async expectPruned(height: Height): Promise<void> {
    const code = await this.#relay.client.call('block.get', { height }).then(
      () => 'none',
      (error: { readonly code?: string }) => error.code,
    );
    expectThat(code === 'height-pruned', `block ${height} is refused as ${code}`);
  }

  async close(): Promise<void> {
    await this.#relay.stop();
  }
}

function asWrite({ key, spoilt }: SpoiltPage): WriteOperation {
  return spoilt === undefined
    ? { kind: 'delete', space: 'pages', key }
    : { kind: 'put', space: 'pages', key, value: spoilt };
}
