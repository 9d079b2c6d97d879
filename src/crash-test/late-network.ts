import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defined, encodeUtf8 } from '../base/index.ts';
import { sha256 } from '../crypto/index.ts';
import type { Address, GenesisDocument } from '../ledger/index.ts';
import { createLedger, formatAddress, parseGenesis } from '../ledger/index.ts';
import { openLedgerStore } from '../node/index.ts';
import { createWebCryptoVerifier } from '../verifier/index.ts';
import type { Judges } from './dead-store.ts';
import { withCopy } from './dead-store.ts';
import { until } from './failure.ts';
import { KEEP_BLOCKS, SNAPSHOT_EVERY, SNAPSHOT_WORTH } from './intervals.ts';
import { NOT_AT_ALL, Payments, STEADILY } from './payments.ts';
import { planNetwork, RelayProcess, SHORT_INTERVALS } from './validator.ts';
import { VoteBook } from './votes.ts';
import { Witness } from './witness.ts';

/** Accounts in genesis: enough for chunks by the hundred, so that fetching takes several writes. */
const SETTLERS = 16_000;
/** Enough for all versions of the state that a node keeps for others. */
const SOURCE_CACHE_MEGABYTES = 32;

/** A network of one validator, older than whoever comes late, and a folder for a second relay. */
export class LateNetwork {
  readonly source: RelayProcess;
  readonly payments: Payments;
  readonly judges: Judges;
  /** Where the relay lives that comes late. */
  readonly lateFolder: string;
  readonly #late: () => RelayProcess;
  readonly #data: string;

  private constructor(
    data: string,
    genesis: GenesisDocument,
    made: { readonly source: RelayProcess; readonly late: () => RelayProcess },
  ) {
    this.#data = data;
    this.#late = made.late;
    this.lateFolder = join(data, 'late');
    this.source = made.source;
    this.payments = new Payments([made.source]);
    const ledger = createLedger(genesis);
    if (!ledger.ok) throw new Error(`the genesis is bad: ${ledger.error.code}`);
    const witness = new Witness(ledger.value, createWebCryptoVerifier({ concurrency: 16 }));
    this.judges = { ledger: ledger.value, witness, votes: new VoteBook() };
  }

  /** @param app Folder of the app that it serves. */
  static async open(app?: string): Promise<LateNetwork> {
    const data = await mkdtemp(join(tmpdir(), 'tabellion-late-'));
    const plan = await planNetwork(data, { validators: 1, others: 1 });
    const node = defined(plan.nodes[0], 'one was planned');
    const folder = join(data, 'node-1');
    const genesis = await settle(join(folder, 'genesis.json'));
    const imports = [SHORT_INTERVALS];
    const source = new RelayProcess(folder, node, { app, imports });
    const place = {
      rpcPort: node.rpcPort + 1,
      listen: node.listen.replace(/\d+(?=\/ws)/, (port) => String(Number(port) + 1)),
      peerId: '',
    };
    const late = () => new RelayProcess(join(data, 'late'), place, { imports });
    const network = new LateNetwork(data, genesis, { source, late });
    try {
      await network.#plan(place);
      await source.open();
      await network.payments.begin();
      // Two snapshots, and a head above them.
      await network.advanceTo(2 * SNAPSHOT_EVERY + 2);
    } catch (error) {
      await network.close();
      throw error;
    }
    return network;
  }

  /** The folder of the relay that comes late, as its operator would set it up. */
  async #plan(place: { readonly rpcPort: number; readonly listen: string }): Promise<void> {
    const { folder } = this.source;
    await cp(join(folder, 'genesis.json'), join(this.lateFolder, 'genesis.json'));
    const settings = JSON.parse(await readFile(join(folder, 'node.json'), 'utf8'));
    // Whoever lost a page asks for it as it was some blocks ago.
    const roomy = { ...settings, cacheMegabytes: SOURCE_CACHE_MEGABYTES };
    await writeFile(join(folder, 'node.json'), JSON.stringify(roomy));
    await writeFile(
      join(this.lateFolder, 'node.json'),
      JSON.stringify({
        ...settings,
        rpcPort: place.rpcPort,
        listen: [place.listen],
        mode: 'full',
        keepBlocks: KEEP_BLOCKS,
      }),
    );
  }

  /** A process for the relay that comes late; it is not started. */
  createLate(): RelayProcess {
    return this.#late();
  }

  async head(): Promise<number> {
    return (await this.source.client.call('node.status', {})).head.height;
  }

  /** Pays until there is a block of a height, and some more perhaps. */
  async advanceTo(height: number): Promise<void> {
    this.payments.pay(STEADILY);
    await until(`block ${height}`, async () => (await this.head()) >= height, 60_000);
    this.payments.pay(NOT_AT_ALL);
  }

  /** Until a snapshot is kept that somebody with this head takes over. */
  async outgrow(head: number): Promise<void> {
    const snapshot = Math.ceil((head + SNAPSHOT_WORTH) / SNAPSHOT_EVERY) * SNAPSHOT_EVERY;
    // It is written in the background of the blocks after it.
    await this.advanceTo(snapshot + 2);
  }

  /** Lets the witness execute all that was decided. */
  async learn(): Promise<void> {
    const { ledger, witness } = this.judges;
    await this.payments.between(() => this.source.pause());
    try {
      await withCopy(this.source.database, async (store) => {
        const found = await openLedgerStore({ store, ledger });
        await witness.follow(found);
        await found.close();
      });
    } finally {
      this.source.resume();
    }
  }

  async close(): Promise<void> {
    await this.payments.end().catch(() => undefined); // Its failure was told.
    await this.source.stop();
    await rm(this.#data, { recursive: true, force: true });
  }
}

/** Gives coins to many in a genesis document. */
async function settle(path: string): Promise<GenesisDocument> {
  const document = JSON.parse(await readFile(path, 'utf8'));
  for (let at = 0; at < SETTLERS; at++) {
    // Any 32 bytes are an address.
    const address = formatAddress(sha256(encodeUtf8(`settler ${at}`)) as Uint8Array as Address);
    document.modules.asset.balances.push({ address, amount: String(at + 1) });
  }
  const genesis = parseGenesis(document);
  if (!genesis.ok) throw new Error(`the relay planned a network that cannot start`);
  await writeFile(path, JSON.stringify(document));
  return genesis.value;
}
