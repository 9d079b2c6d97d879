import { expect, it } from 'vitest';
import * as sdk from './index.ts';

it('opens these doors and no others', () => {
  expect(Object.keys(sdk).sort()).toEqual([
    'Ground',
    'accountProofKeys',
    'addressCodec',
    'answerConformance',
    'cachedValue',
    'connectTabNode',
    'createClient',
    'createClientOf',
    'createProver',
    'createRpcServer',
    'formatAddress',
    'httpTransport',
    'isAtLeast',
    'joinTrusted',
    'mapTrusted',
    'openIndexedDbEpochs',
    'parseAddress',
    'portTransport',
    'proofAnchorOf',
    'proverAnchorOf',
    'reportedValue',
    'serveTabNode',
    'startTabNode',
    'trustRank',
    'trustedBlockOfJson',
    'trustedBlockToJson',
    'trustedOf',
    'verifyAccountProof',
    'verifyFinality',
    'verifyTransactionProof',
    'weakerTrust',
    'webSocketTransport',
  ]);
});
