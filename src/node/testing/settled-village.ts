import type { Json } from '../../base/index.ts';
import { person } from '../../ledger/testing/world.ts';
import type { TabellionNode } from '../index.ts';
import { heightOf, VALIDATORS, Village } from './village.ts';

const payer = person('ada');
const payee = person('bob');
const [FIRST] = VALIDATORS;

/** A network that has been running for a while: its nodes keep snapshots for newcomers. */
export class SettledVillage extends Village {
  /**
   * Starts the validators, and lets them decide some blocks of one payment each.
   *
   * @param settlers Accounts beside those of the payments: 1,500 make several chunks of state.
   */
  static async found(options: {
    readonly settlers: number;
    readonly blocks: number;
  }): Promise<SettledVillage> {
    const village = new SettledVillage({
      balances: [
        { address: payer.address, amount: 1_000_000_000n },
        ...Array.from({ length: options.settlers }, (_, at) => ({
          address: person(`settler ${at}`).address,
          amount: BigInt(at + 1),
        })),
      ],
    });
    village.nodeOptions = { snapshotEveryBlocks: 5, snapshotWorthBlocks: 6 };
    await village.startAll(...VALIDATORS);
    for (let value = 1; value <= options.blocks; value++) await village.decide(value);
    return village;
  }

  /** Lets the network decide a block: ada pays bob. */
  async decide(value: number, names: readonly string[] = VALIDATORS): Promise<Uint8Array> {
    const id = await this.submit(this.node(FIRST), this.pay(payer, payee.address, value));
    const stages = await this.settled(id, names);
    if (stages.join() !== 'final') throw new Error(`decided otherwise: ${stages.join()}`);
    return id;
  }

  /** What a node traced under a name, in order. */
  factsOf(name: string, event: string): Json[] {
    return this.traces.flatMap((trace) =>
      trace.node === name && trace.event === event ? [trace.facts] : [],
    );
  }

  /** Waits until a node's chain is where that of the others is. */
  arrived(node: TabellionNode, limitMs = 120_000): Promise<void> {
    const isThere = () => heightOf(node) >= heightOf(this.node(FIRST));
    return this.clock.until('it is where the others are', isThere, limitMs);
  }

  /** Takes peers and their mirrors off the network. */
  async dismiss(...names: readonly string[]): Promise<void> {
    for (const name of names) {
      await this.hub.find(name)?.stop();
      await this.hub.find(`${name}'s mirror`)?.stop();
    }
  }

  /** Stops all nodes; none of the validators may have failed. */
  async end(): Promise<void> {
    const failures = VALIDATORS.map((name) => this.node(name).status().error?.code);
    await this.stopAll();
    if (failures.some((code) => code !== undefined)) throw new Error(failures.join());
  }
}
