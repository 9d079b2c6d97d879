import type { Bytes } from '../../src/base/index.ts';
import { assert } from '../../src/base/index.ts';
import { decode, encode } from '../../src/codec/index.ts';
import type { Hash } from '../../src/crypto/index.ts';
import { loadFastHashing } from '../../src/crypto/index.ts';
import { createLedger, protocol } from '../../src/ledger/index.ts';
import { TabellionNode } from '../../src/node/index.ts';
import { blocksRequestCodec, blocksResponseCodec } from '../../src/node/messages.ts';
import { IndexedDbStore } from '../../src/storage/indexed-db-store.ts';
import { createWebCryptoVerifier } from '../../src/verifier/index.ts';
import { OnePeer, untilExecuted } from '../chain/one-peer.ts';
import { statusOfRelay } from '../chain/peer-status.ts';
import { blockFile, CACHE_BYTES_MAX, GENESIS_FILE } from './plan.ts';

// What a tab's worker does: a full node that syncs; runs in Chromium by `openChromiumHome`.

/** Blocks of one answer, as many as the smallest peers give. */
const BLOCKS_PER_ANSWER = 32;

async function load(name: string): Promise<Bytes> {
  const response = await fetch(`/files/${name}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function servedBlock(height: number) {
  const answer = decode(blocksResponseCodec, await load(blockFile(height)));
  const served = answer.ok ? answer.value.blocks[0] : undefined;
  assert(served !== undefined, 'recorded by us');
  return served;
}

/** A peer whose blocks are fetched when they are asked for, and not kept here. */
class FilePeer {
  readonly line = new OnePeer((kind, request) => this.#answer(kind, request));
  readonly #chainId: Hash;
  headHeight = 0;

  constructor(chainId: Hash) {
    this.#chainId = chainId;
  }

  async #answer(kind: string, request: Uint8Array): Promise<Bytes> {
    if (kind === 'status') {
      const head = await servedBlock(this.headHeight);
      return statusOfRelay(this.#chainId, head.certificate);
    }
    const asked = decode(blocksRequestCodec, request);
    assert(kind === 'blocks' && asked.ok, 'asked by our own node');
    const { from, count } = asked.value;
    const last = Math.min(from + Math.min(count, BLOCKS_PER_ANSWER) - 1, this.headHeight);
    const blocks = [];
    for (let height: number = from; height <= last; height++)
      blocks.push(await servedBlock(height));
    return encode(blocksResponseCodec, { blocks });
  }
}

type Running = { readonly node: TabellionNode; readonly peer: FilePeer };

async function start(): Promise<Running> {
  await loadFastHashing();
  const genesis = decode(protocol.genesisCodec, await load(GENESIS_FILE));
  assert(genesis.ok, 'recorded by us');
  const ledger = createLedger(genesis.value);
  assert(ledger.ok, 'recorded by us');
  const peer = new FilePeer(ledger.value.chainId);
  const node = TabellionNode.create(
    {
      kind: 'tab',
      store: await IndexedDbStore.open('memory', { epoch: 1 }),
      storeKind: 'indexeddb',
      verifier: createWebCryptoVerifier(),
      ...peer.line.home(),
    },
    { genesis: genesis.value, cacheBytesMax: CACHE_BYTES_MAX, version: 'memory', relays: [] },
  );
  await node.open();
  await node.start();
  return { node, peer };
}

let running: Promise<Running> | undefined;

/** Syncs up to a height. */
export async function syncTo(height: number): Promise<void> {
  running ??= start();
  const { node, peer } = await running;
  const executed = untilExecuted(node, height);
  peer.headHeight = height;
  peer.line.connect();
  await executed;
}
