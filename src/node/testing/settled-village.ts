import { assert, equalBytes } from '../../base/index.ts';
import { person } from '../../ledger/testing/world.ts';
import type { TabellionNode } from '../index.ts';
import { FUNDED, heightOf, VALIDATORS, Village } from './village.ts';

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
        ...FUNDED.balances,
        ...Array.from({ length: options.settlers }, (_, at) => ({
          address: person(`settler ${at}`).address,
          amount: BigInt(at + 1),
        })),
      ],
    });
    village.nodeOptions = { snapshotEveryBlocks: 5, snapshotWorthBlocks: 6 };
    await village.startAll(...VALIDATORS);
    await village.decideAll(options.blocks);
    return village;
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

  /** The network's newest state is in use on a node, taken over by one snapshot and no more. */
  async assertAdopted(name: string): Promise<void> {
    assert(this.factsOf(name, 'snapshot-adopted').length === 1, 'by one snapshot');
    const node = this.node(name);
    const { store } = node.parts;
    const { header, hash } = store.head();
    const real = await this.node(FIRST).parts.store.header(header.height);
    assert(real !== undefined, 'a block that the network has');
    assert(equalBytes(hash, this.world.ledger.blockHash(real)), 'the block of the network');
    const root = store.stateRootAt(header.height);
    assert(root !== undefined && equalBytes(root, header.stateRoot), 'its state');
    assert(node.status().error === undefined, `failed: ${node.status().error?.code}`);
  }
}
