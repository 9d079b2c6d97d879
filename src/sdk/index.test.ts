import { expect, it } from 'vitest';
import * as sdk from './index.ts';

it('opens these doors and no others', () => {
  expect(Object.keys(sdk).sort()).toEqual([
    'accountProofKeys',
    'addressCodec',
    'answerConformance',
    'connectTabNode',
    'createClient',
    'createClientOf',
    'createRpcServer',
    'formatAddress',
    'httpTransport',
    'openIndexedDbEpochs',
    'parseAddress',
    'portTransport',
    'proofAnchorOf',
    'serveTabNode',
    'startTabNode',
    'trustRank',
    'trustedOf',
    'verifyAccountProof',
    'verifyFinality',
    'verifyTransactionProof',
    'weakerTrust',
    'webSocketTransport',
  ]);
});
