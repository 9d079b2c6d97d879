import type { Bytes } from '../base/index.ts';
import { encodeUtf8, equalBytes } from '../base/index.ts';
import type { Codec, Infer } from '../codec/index.ts';
import { bool, decode, encode, option, struct } from '../codec/index.ts';
import { heightCodec, timestampCodec } from '../ledger/index.ts';
import { lightBlockCodec, trustedBlockCodec } from '../light/index.ts';
import type { NodeCore } from './parts.ts';
import { seal, unseal } from './store/index.ts';

const GIVEN_KEY = encodeUtf8('checkpoint-given');
const REPLAY_KEY = encodeUtf8('replay-trust');

/** A checkpoint that was given and found, as the store keeps it. */
export const checkpointRecordCodec = struct('CheckpointRecord', {
  trusted: trustedBlockCodec,
  /** How it is proven to others; absent where our own chain held it already. */
  block: option(lightBlockCodec),
  givenAtMs: timestampCodec,
});
export type CheckpointRecord = Infer<typeof checkpointRecordCodec>;

/** What was executed without checking signatures of transactions, as the store keeps it. */
export const replayRecordCodec = struct('ReplayRecord', {
  /** Whether somebody asked for it. */
  isOn: bool,
  /** Blocks that may be executed so, or were. */
  unsigned: option(struct('UnsignedBlocks', { from: heightCodec, to: heightCodec })),
  /** The chain did not end in the checkpoint: it is deleted at the next opening. */
  mustReadAgain: bool,
  /** That happened once; it stays off until somebody asks for it anew. */
  hasFailed: bool,
});
export type ReplayRecord = Infer<typeof replayRecordCodec>;

export const NO_REPLAY: ReplayRecord = {
  isOn: false,
  unsigned: undefined,
  mustReadAgain: false,
  hasFailed: false,
};

type Home = Pick<NodeCore, 'home' | 'ledger' | 'diagnostics'>;

/** Returns once it is durable. */
export async function storeCheckpoint(home: Home, record: CheckpointRecord): Promise<void> {
  await put(home, GIVEN_KEY, encode(checkpointRecordCodec, record));
}

/** Returns once it is durable. */
export async function storeReplay(home: Home, record: ReplayRecord): Promise<void> {
  await put(home, REPLAY_KEY, encode(replayRecordCodec, record));
}

/** A spoilt record is none: the checkpoint has to be given again. */
export async function loadCheckpoint(home: Home): Promise<CheckpointRecord | undefined> {
  const record = await load(home, GIVEN_KEY, checkpointRecordCodec);
  if (record === undefined || record === 'spoilt') return undefined;
  const { header, hash } = record.trusted;
  const { ledger, diagnostics } = home;
  const isOurs = equalBytes(header.chainId, ledger.chainId);
  if (isOurs && equalBytes(ledger.blockHash(header), hash)) return record;
  diagnostics.trace('warn', 'checkpoint-spoilt');
  return undefined;
}

/** A spoilt record hides which blocks were executed unchecked: then all of them are read again. */
export async function loadReplay(home: Home): Promise<ReplayRecord> {
  const record = await load(home, REPLAY_KEY, replayRecordCodec);
  if (record === 'spoilt') return { ...NO_REPLAY, mustReadAgain: true, hasFailed: true };
  return record ?? NO_REPLAY;
}

async function put({ home, ledger }: Home, key: Bytes, payload: Bytes): Promise<void> {
  const value = seal(ledger.suite, payload);
  await home.store.write([{ kind: 'put', space: 'meta', key, value }], 'strict');
}

async function load<Value>(
  { home, ledger, diagnostics }: Home,
  key: Bytes,
  codec: Codec<Value>,
): Promise<Value | 'spoilt' | undefined> {
  const sealed = await home.store.get('meta', key);
  if (sealed === undefined) return undefined;
  const payload = unseal(ledger.suite, sealed);
  const decoded = payload === undefined ? undefined : decode(codec, payload);
  if (decoded?.ok === true) return decoded.value;
  diagnostics.trace('warn', 'checkpoint-spoilt');
  return 'spoilt';
}
