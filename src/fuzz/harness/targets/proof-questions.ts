import type { Codec } from '../../../codec/index.ts';
import { lightAnswerCodec, lightRequestCodec } from '../../../light/index.ts';
import type { RequestKind } from '../../../network/index.ts';
import {
  entriesAnswerCodec,
  entriesRequestCodec,
  historyAnswerCodec,
  historyRequestCodec,
  locateAnswerCodec,
  locateRequestCodec,
  pageAnswerCodec,
  pageRequestCodec,
  receiptsAnswerCodec,
  receiptsRequestCodec,
  stateAnswerCodec,
  stateRequestCodec,
} from '../../../node/proof-messages.ts';
import {
  chunksAnswerCodec,
  chunksRequestCodec,
  manifestAnswerCodec,
  manifestRequestCodec,
  snapshotsAnswerCodec,
} from '../../../node/snapshot-messages.ts';

/* Values of any codec are judged by their bytes alone. */

/** What light clients, and those who take over a state, are answered. */
export const PROOF_ANSWERS: { readonly [Kind in RequestKind]?: Codec<unknown> } = {
  state: stateAnswerCodec as Codec<unknown>,
  light: lightAnswerCodec as Codec<unknown>,
  receipts: receiptsAnswerCodec as Codec<unknown>,
  history: historyAnswerCodec as Codec<unknown>,
  locate: locateAnswerCodec as Codec<unknown>,
  page: pageAnswerCodec as Codec<unknown>,
  entries: entriesAnswerCodec as Codec<unknown>,
  snapshots: snapshotsAnswerCodec as Codec<unknown>,
  manifest: manifestAnswerCodec as Codec<unknown>,
  chunks: chunksAnswerCodec as Codec<unknown>,
};

/** What they ask; `snapshots` is asked without a word. */
export const PROOF_QUESTIONS: { readonly [Kind in RequestKind]?: Codec<unknown> } = {
  state: stateRequestCodec as Codec<unknown>,
  light: lightRequestCodec as Codec<unknown>,
  receipts: receiptsRequestCodec as Codec<unknown>,
  history: historyRequestCodec as Codec<unknown>,
  locate: locateRequestCodec as Codec<unknown>,
  page: pageRequestCodec as Codec<unknown>,
  entries: entriesRequestCodec as Codec<unknown>,
  manifest: manifestRequestCodec as Codec<unknown>,
  chunks: chunksRequestCodec as Codec<unknown>,
};
