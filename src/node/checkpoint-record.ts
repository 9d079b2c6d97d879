import type { Bytes } from '../base/index.ts';
import { encodeUtf8, equalBytes } from '../base/index.ts';
import type { Codec, Infer } from '../codec/index.ts';
import { bool, decode, encode, option, struct, vector } from '../codec/index.ts';
import { headerCodec, heightCodec, timestampCodec } from '../ledger/index.ts';
import { lightBlockCodec, trustedBlockCodec } from '../light/index.ts';
import { UNSIGNED_RANGES_MAX } from './limits.ts';
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

const heights = { from: heightCodec, to: heightCodec };

/** What was executed without checking signatures of transactions, as the store keeps it. */
export const replayRecordCodec = struct('ReplayRecord', {
  /** Whether somebody asked for it. */
  isOn: bool,
  /**
   * Blocks that may be executed so, or were: ranges in the order of their heights, with a checked
   * block at least between two. A former version wrote one or none, in the same bytes.
   */
  unsigned: vector(struct('UnsignedBlocks', heights), { max: UNSIGNED_RANGES_MAX }),
  /** Of those, the ones that speak for nothing before the chain reached `to`. */
  unlinked: option(
    struct('UnlinkedBlocks', {
      ...heights,
      /** The last one below, which was checked; absent where a former version wrote this. */
      below: option(headerCodec),
    }),
  ),
  /** A certified block of the checkpoint's height was another one. */
  isContradicted: bool,
  /** The chain did not end in the checkpoint: it is deleted at the next opening. */
  mustReadAgain: bool,
  /** That happened once; it stays off until somebody asks for it anew. */
  hasFailed: bool,
});
export type ReplayRecord = Infer<typeof replayRecordCodec>;

/** As it was written before chains that were linked once could go on to a higher checkpoint. */
export const firstReplayRecordCodec = struct('ReplayRecord', {
  isOn: bool,
  unsigned: option(struct('UnsignedBlocks', heights)),
  mustReadAgain: bool,
  hasFailed: bool,
});

export const NO_REPLAY: ReplayRecord = {
  isOn: false,
  unsigned: [],
  unlinked: undefined,
  isContradicted: false,
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
  const record = await load(home, REPLAY_KEY, replayRecordCodec, (payload) => {
    const first = decode(firstReplayRecordCodec, payload);
    if (!first.ok) return undefined;
    const { unsigned } = first.value;
    const unlinked = unsigned && { ...unsigned, below: undefined };
    const ranges = unsigned === undefined ? [] : [unsigned];
    return { ...NO_REPLAY, ...first.value, unsigned: ranges, unlinked };
  });
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
  older: (payload: Uint8Array) => Value | undefined = () => undefined,
): Promise<Value | 'spoilt' | undefined> {
  const sealed = await home.store.get('meta', key);
  if (sealed === undefined) return undefined;
  const payload = unseal(ledger.suite, sealed);
  const decoded = payload === undefined ? undefined : decode(codec, payload);
  if (decoded?.ok === true) return decoded.value;
  const former = payload === undefined ? undefined : older(payload);
  if (former !== undefined) return former;
  diagnostics.trace('warn', 'checkpoint-spoilt');
  return 'spoilt';
}

/**
 * Deletes all that is stored, but for the checkpoint and whether replay may trust it: it is for the
 * replay that follows. One that conflicted with what peers showed is not kept.
 */
export async function clearButCheckpoint(home: Home, isDoubtful: boolean): Promise<void> {
  const given = await loadCheckpoint(home).catch(() => undefined);
  const { isOn, isContradicted, hasFailed } = await loadReplay(home).catch(() => NO_REPLAY);
  await home.home.store.clear();
  if (given === undefined || isDoubtful || isContradicted || hasFailed) return;
  await storeCheckpoint(home, given);
  if (isOn) await storeReplay(home, { ...NO_REPLAY, isOn });
}
