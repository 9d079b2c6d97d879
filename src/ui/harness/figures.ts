import type { Json } from '../../base/index.ts';
import { formatHex, timestampMs } from '../../base/index.ts';
import type {
  AccountView,
  Address,
  Amount,
  AssetId,
  AssetView,
  BlockSummary,
  BlockView,
  ChainInfo,
  Gas,
  Hash,
  Height,
  History,
  HistoryEntry,
  NodeStatus,
  PeersView,
  RpcConsensusView,
  Sequence,
  StorageView,
  TransactionView,
} from '../../sdk/index.ts';
import { parseAddress } from '../../sdk/index.ts';

// Everything below is made up; the casts give it the brands that real codecs would.

/** Bytes that look random and are the same each time. */
export function pretend(seed: number, length = 32): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = (seed + 1) * 2654435761;
  for (let at = 0; at < length; at++) {
    state = (state * 1103515245 + 12345) >>> 0;
    bytes[at] = (state >>> 16) & 255;
  }
  return bytes;
}

export const hash = (seed: number) => pretend(seed) as Hash;
export const address = (seed: number) => pretend(seed + 1000) as Address;
export const height = (value: number) => value as Height;
export const amount = (value: bigint) => value as Amount;
export const NATIVE = new Uint8Array(32) as AssetId;
const GOLD = pretend(77) as AssetId;
export const ben = address(1);
export const shop = address(2);
export const START = 48_190;

export const chain: ChainInfo = {
  name: 'Devnet',
  chainId: hash(9),
  protocolVersion: 1,
  hashSuite: 'blake3-256',
  native: { symbol: 'TAB', name: 'Tab', decimals: 6 },
  execution: 'state',
  consensus: { membership: 'fixed', leader: 'rotating', agreement: 'tendermint' },
  faucet: { amount: amount(100_000_000n) },
  genesisTimestampMs: timestampMs(Date.now() - 864e5),
  genesisHash: hash(10),
  relays: ['/ip4/127.0.0.1/tcp/4701/ws/p2p/12D3KooWExampleOneExampleOneExampleOneExampleOneExam1'],
  knownRelays: [
    '/ip4/127.0.0.1/tcp/4701/ws/p2p/12D3KooWExampleOneExampleOneExampleOneExampleOneExam1',
    '/dns4/added.example/tcp/443/tls/ws/p2p/12D3KooWExampleTwoExampleTwoExampleTwoExampleTwoExam2',
  ],
};

export function statusAt(head: number): NodeStatus {
  return {
    home: 'tab',
    mode: 'full',
    stage: 'following',
    head: {
      height: height(head),
      hash: hash(head),
      timestampMs: timestampMs(Date.now() - 400),
      transactionCount: head % 5,
    },
    source: 'chain',
    chainHeight: height(head),
    startHeight: height(START - 500),
    targetHeight: height(head),
    blocksPerSecond: 2,
    bytesReceived: 41_200_000,
    etaMs: undefined,
    peers: 7,
    trust: 'validated',
    isValidator: false,
    pendingTransactions: 3,
    startedAtMs: timestampMs(Date.now() - 60_000),
    version: '0.1.0',
    light: undefined,
    snapshot: undefined,
    promotion: 'none',
    keepBlocks: undefined,
    historyFrom: height(0),
    storage: undefined,
    error: undefined,
  };
}

const NAMES = ['Oslo', 'Turin', 'Lagos', 'Kyoto'];
export const validators = NAMES.map((name, at) => ({
  publicKey: pretend(300 + at),
  power: 1n,
  name,
}));

export function summaryAt(at: number, head: number): BlockSummary {
  return {
    height: height(at),
    hash: hash(at),
    timestampMs: timestampMs(Date.now() - (head - at) * 2100 - 300),
    proposer: validators[at % 4]?.publicKey ?? pretend(300),
    transactionCount: at % 5 === 0 ? 31 : at % 5,
    sizeBytes: 800 + (at % 5) * 412,
    gasUsed: (1200 * (at % 5)) as Gas,
  };
}

export function accountOf(of: Address, at: number): AccountView {
  return {
    address: of,
    sequence: 4 as Sequence,
    policy: undefined,
    keys: [],
    balances: [
      { asset: NATIVE, amount: amount(1_204_500_000n), symbol: 'TAB', name: 'Tab', decimals: 6 },
      { asset: GOLD, amount: amount(12_50n), symbol: 'GOLD', name: 'Gold receipts', decimals: 2 },
    ],
    height: height(at),
    trust: 'validated',
  };
}

export function entryOf(viewer: Address, at: number): HistoryEntry {
  const isOut = at % 2 === 0;
  const body = {
    version: 1,
    chainId: chain.chainId,
    sender: isOut ? viewer : shop,
    sequence: at as Sequence,
    validFrom: height(START - at * 40),
    validUntil: height(START - at * 40 + 120),
    feeMax: amount(20_000n),
    gasLimit: 20_000 as Gas,
    sponsor: undefined,
    actions: [
      {
        kind: 'asset.transfer',
        asset: NATIVE,
        recipient: isOut ? ben : viewer,
        amount: isOut ? 20_000_000n : 3_100_000n,
      },
    ],
    memo: at === 1 ? 'Invoice 2031-4' : '',
  };
  const signature = {
    kind: 'ed25519' as const,
    publicKey: pretend(5),
    signature: pretend(6, 64),
  };
  return {
    id: hash(5000 + at),
    height: height(START - at * 40),
    index: 0,
    timestampMs: timestampMs(Date.now() - at * 9_000_000 - 50_000),
    transaction: {
      body,
      sender: { initialPolicy: undefined, signatures: [signature] },
      sponsor: undefined,
    },
    receipt: {
      transactionId: hash(5000 + at),
      outcome:
        at === 3
          ? { kind: 'failed', code: 'insufficient-balance', actionIndex: 0 }
          : { kind: 'succeeded' },
      gasUsed: 8_000 as Gas,
      feeCharged: amount(10_000n),
      payer: body.sender,
      logs: [],
    },
  };
}

export function historyOf(viewer: Address): History {
  return {
    entries: [0, 1, 2, 3, 4, 5].map((at) => entryOf(viewer, at)),
    next: undefined,
    height: height(START + 40),
    completeFrom: height(0),
    source: 'chain',
    namedBy: undefined,
    trust: 'validated',
  };
}

export function blockAt(at: number, head: number): BlockView {
  const summary = summaryAt(at, head);
  const entry = entryOf(ben, 2);
  const transactions = [0, 1, 2].map((index) => ({
    id: hash(5000 + index),
    index,
    sizeBytes: 412,
    transaction: entry.transaction,
    receipt: entry.receipt,
  }));
  return {
    header: {
      version: 1,
      chainId: chain.chainId,
      height: height(at),
      parentHash: hash(at - 1),
      timestampMs: summary.timestampMs,
      proposer: summary.proposer,
      transactionsRoot: hash(at + 1),
      receiptsRoot: hash(at + 2),
      stateRoot: hash(at + 3),
      nextMembershipHash: hash(11),
      gasUsed: summary.gasUsed,
      consensus: new Uint8Array(),
    },
    hash: summary.hash,
    certificate: {
      height: height(at),
      round: 0 as NonNullable<BlockView['certificate']>['round'],
      blockHash: summary.hash,
      signatures: [0, 1, 3].map((validatorIndex) => ({
        validatorIndex,
        signature: pretend(700 + validatorIndex, 64),
      })),
    },
    transactionCount: transactions.length,
    sizeBytes: summary.sizeBytes,
    transactions,
    trust: 'validated',
  };
}

export function transactionOf(id: Hash): TransactionView {
  const entry = entryOf(ben, 2);
  return {
    id,
    transaction: entry.transaction,
    bytes: pretend(12, 412),
    status: {
      id,
      stage: 'final',
      height: entry.height,
      index: 0,
      seenAtMs: undefined,
      includedAtMs: entry.timestampMs,
      finalAtMs: timestampMs(entry.timestampMs + 300),
      validUntil: entry.transaction.body.validUntil,
      code: undefined,
      actionIndex: undefined,
      trust: 'validated',
    },
    receipt: entry.receipt,
    logs: [{ kind: 'asset.transferred', accounts: [ben, shop], fields: { amount: '20000000' } }],
    trust: 'validated',
  };
}

export const peers: PeersView = {
  peerId: '12D3KooWOwn',
  addresses: [],
  peers: (['websocket', 'webrtc', 'webrtc', 'relayed'] as const).map((transport, at) => ({
    peerId: `12D3KooWPeer${formatHex(pretend(at, 6))}`,
    addresses: [],
    transport,
    direction: at % 2 === 0 ? 'outbound' : 'inbound',
    latencyMs: 12 + at * 26,
    score: 1000 - at * 40,
    agent: 'tabellion/0.1.0',
    connectedSinceMs: timestampMs(Date.now() - at * 95_000 - 8000),
    height: height(START + 20),
  })),
};

export const storage: StorageView = {
  spaces: [
    { space: 'blocks', count: 48_210, bytes: 41_000_000 },
    { space: 'pages', count: 214, bytes: 13_000_000 },
    { space: 'journal', count: 61, bytes: 900_000 },
    { space: 'index', count: 88, bytes: 3_100_000 },
  ],
  totalBytes: 58_000_000,
  usageBytes: 58_000_000,
  quotaBytes: 4_000_000_000,
  isPersisted: false,
  cacheBytes: 21_000_000,
  cacheBytesMax: 67_108_864,
  checkpointHeight: height(48_150),
  kind: 'indexeddb',
};

/** What a store holds that never kept a chain. */
export const emptyStorage = {
  spaces: [{ space: 'meta', count: 6, bytes: 4_100 }],
  totalBytes: 4_100,
  usageBytes: 1_900_000,
  checkpointHeight: height(0),
} satisfies Partial<StorageView>;

export const gold: AssetView = {
  asset: GOLD,
  symbol: 'GOLD',
  name: 'Gold receipts',
  decimals: 2,
  supply: amount(100_000_00n),
  issuer: ben,
};

export function consensusAt(head: number): RpcConsensusView {
  return {
    height: height(head + 1),
    round: 0 as RpcConsensusView['round'],
    step: 'prevote',
    validators: validators.map((validator, at) => ({
      ...validator,
      isProposer: at === (head + 1) % 4,
      prevote: at === 2 ? 'none' : at === 3 ? 'nil' : 'block',
      precommit: 'none',
    })),
    ownIndex: undefined,
  };
}

export const parameters: Json = {
  gasPrice: '1',
  gasPerSignature: 3000,
  gasPerByte: 10,
  blockGasMax: 30_000_000,
  validityHeightsMax: 10_000,
};

/** An address whose ends are those of another one. */
export function addressOf(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new Error(parsed.error.code);
  return parsed.value;
}

/** What a pretended node calls its block of a height; all of them have one hash. */
export function checkpointAt(at: number): string {
  return `${at}:${'5a'.repeat(32)}`;
}
