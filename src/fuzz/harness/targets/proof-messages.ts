import type { Codec } from '../../../codec/index.ts';
import { decode, encode } from '../../../codec/index.ts';
import { lightEvidenceCodec } from '../../../light/index.ts';
import type { RequestKind } from '../../../network/index.ts';
import { checkpointRecordCodec, signingMarkCodec } from '../../../node/index.ts';
import { transactionsMessageCodec } from '../../../node/messages.ts';
import { modeRecordCodec } from '../../../node/mode-record.ts';
import {
  anchorRecordCodec,
  haveRecordCodec,
  historyRecordCodec,
  snapshotsRecordCodec,
  sweepRecordCodec,
  writerRecordCodec,
} from '../../../node/store/snapshot-records.ts';
import type { Target } from '../types.ts';
import { codecTarget } from './codec-target.ts';
import { PROOF_ANSWERS, PROOF_QUESTIONS } from './proof-questions.ts';

/** Codecs of questions and answers that have a target of their own elsewhere. */
const ELSEWHERE = ['light-request', 'light-answer'];

/** One target a kind: what is asked, or what is answered; seeds are what the recording said. */
function messageTargetsOf(
  codecs: { readonly [Kind in RequestKind]?: Codec<unknown> },
  side: 'request' | 'answer',
): Target[] {
  // Members of a table are named by kinds.
  const entries = Object.entries(codecs) as [RequestKind, Codec<unknown>][];
  return entries.flatMap(([kind, codec]) => {
    const name = `${kind}-${side}`;
    if (ELSEWHERE.includes(name)) return [];
    const said = side === 'request' ? 'requests' : 'answers';
    return [codecTarget(name, codec, (recording) => recording[said][kind])];
  });
}

/** A record of a store that holds a record which a network really wrote, without its checksum. */
const metaTarget = <Value>(name: string, codec: Codec<Value>): Target =>
  codecTarget(name, codec, ({ records }) =>
    (records.meta ?? [])
      .map((bytes) => bytes.subarray(0, Math.max(0, bytes.length - 32)))
      .filter((bytes) => decode(codec, bytes).ok),
  );

export const proofMessageTargets: readonly Target[] = [
  ...messageTargetsOf(PROOF_QUESTIONS, 'request'),
  ...messageTargetsOf(PROOF_ANSWERS, 'answer'),
  codecTarget('transactions-message', transactionsMessageCodec, (said) => [
    ...said.messages.transactions,
    encode(transactionsMessageCodec, said.pending),
  ]),
  codecTarget('light-evidence', lightEvidenceCodec),
  metaTarget('anchor-record', anchorRecordCodec),
  metaTarget('snapshots-record', snapshotsRecordCodec),
  metaTarget('snapshot-writer-record', writerRecordCodec),
  metaTarget('snapshot-have-record', haveRecordCodec),
  metaTarget('history-record', historyRecordCodec),
  metaTarget('sweep-record', sweepRecordCodec),
  metaTarget('mode-record', modeRecordCodec),
  metaTarget('checkpoint-given-record', checkpointRecordCodec),
  codecTarget('signing-mark', signingMarkCodec, ({ records }) =>
    (records.meta ?? []).filter((bytes) => decode(signingMarkCodec, bytes).ok),
  ),
];
