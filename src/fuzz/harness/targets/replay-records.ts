import { encodeUtf8, equalBytes, silentTracer } from '../../../base/index.ts';
import { decode, encode } from '../../../codec/index.ts';
import { hashSuite } from '../../../crypto/index.ts';
import type { Height } from '../../../ledger/index.ts';
import type { ReplayRecord } from '../../../node/checkpoint-record.ts';
import {
  firstReplayRecordCodec,
  loadReplay,
  NO_REPLAY,
  replayRecordCodec,
} from '../../../node/checkpoint-record.ts';
import { seal } from '../../../node/store/records.ts';
import { MemoryStore } from '../../../storage/index.ts';
import type { Target, Verdict } from '../types.ts';
import { Broken } from '../types.ts';
import { bytesTarget, codecTarget } from './codec-target.ts';

const KEY = encodeUtf8('replay-trust');
const suite = hashSuite('blake3-256');

/** What a record means, whichever version wrote it. */
function meaningOf(input: Uint8Array): {
  readonly verdict: Verdict;
  readonly record: ReplayRecord;
} {
  const now = decode(replayRecordCodec, input);
  if (now.ok) return { verdict: `accepted@${now.value.unsigned.length}`, record: now.value };
  const first = decode(firstReplayRecordCodec, input);
  if (!first.ok) {
    // Nobody knows what was executed unchecked: all of it is read again.
    return { verdict: 'spoilt', record: { ...NO_REPLAY, mustReadAgain: true, hasFailed: true } };
  }
  const { isOn, mustReadAgain, hasFailed, unsigned: range } = first.value;
  const unlinked = range && { ...range, below: undefined };
  const unsigned = range === undefined ? [] : [range];
  const record = { ...NO_REPLAY, isOn, mustReadAgain, hasFailed, unsigned, unlinked };
  return { verdict: 'accepted@first', record };
}

const stored: Target = bytesTarget(
  'replay-record-stored',
  'what a store says of blocks that were executed unchecked, whichever version wrote it',
  async () => {
    const range = { from: 3 as Height, to: 9 as Height };
    const record = { ...NO_REPLAY, isOn: true, unsigned: [range] };
    const first = { isOn: true, unsigned: range, mustReadAgain: false, hasFailed: false };
    const store = new MemoryStore();
    const home = { home: { store }, ledger: { suite }, diagnostics: silentTracer };
    return {
      seeds: [
        encode(replayRecordCodec, record),
        encode(replayRecordCodec, NO_REPLAY),
        encode(firstReplayRecordCodec, first),
        encode(firstReplayRecordCodec, { ...first, unsigned: undefined }),
      ],
      async runBatch(inputs) {
        const verdicts: (Verdict | Error)[] = [];
        for (const input of inputs) {
          const value = seal(suite, input);
          await store.write([{ kind: 'put', space: 'meta', key: KEY, value }], 'strict');
          const read = await loadReplay(home as never); // All of a home that it uses.
          const meant = meaningOf(input);
          const [told, expected] = [read, meant.record].map((each) =>
            encode(replayRecordCodec, each),
          );
          const isRight =
            told !== undefined && expected !== undefined && equalBytes(told, expected);
          verdicts.push(isRight ? meant.verdict : new Broken('another record'));
        }
        return verdicts;
      },
    };
  },
);

export const replayRecordTargets: readonly Target[] = [
  codecTarget('replay-record', replayRecordCodec, ({ records }) =>
    (records.meta ?? [])
      .map((bytes) => bytes.subarray(0, Math.max(0, bytes.length - 32)))
      .filter((bytes) => decode(replayRecordCodec, bytes).ok),
  ),
  codecTarget('replay-record-first', firstReplayRecordCodec),
  stored,
];
