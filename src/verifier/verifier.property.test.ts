import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { SignatureClaim } from '../crypto/index.ts';
import { generateKeyPair, signMessage, verifySignature } from '../crypto/index.ts';
import type { SignatureVerifier, VerifierPort } from './index.ts';
import {
  createPooledVerifier,
  createReferenceVerifier,
  createWebCryptoVerifier,
  serveVerifier,
  verifierPortOf,
} from './index.ts';

/** A worker on this thread: two ends of a channel, one of them served. */
function startWorker(): VerifierPort {
  const { port1, port2 } = new MessageChannel();
  serveVerifier(verifierPortOf(port2), createWebCryptoVerifier());
  return verifierPortOf(port1);
}

const verifiers: { readonly [name: string]: SignatureVerifier } = {
  reference: createReferenceVerifier(),
  webcrypto: createWebCryptoVerifier({ concurrency: 3, cachedKeysMax: 2 }),
  'without an engine': createWebCryptoVerifier({ subtle: undefined }),
  pooled: createPooledVerifier({ workers: [startWorker(), startWorker()] }),
};

afterAll(async () => {
  for (const verifier of Object.values(verifiers)) await verifier.stop();
});

const random = fc.uint8Array({ minLength: 32, maxLength: 32 });
const goodClaim: fc.Arbitrary<SignatureClaim> = fc
  .tuple(fc.constantFrom('p256' as const, 'ed25519' as const), random, fc.uint8Array())
  .map(([algorithm, seed, text]) => {
    const pair = generateKeyPair(algorithm, seed);
    const message = new Uint8Array(text);
    return { algorithm, publicKey: pair.publicKey, message, signature: signMessage(pair, message) };
  });

/** Ed25519 encodings at the edges: small order, y of p and above, the sign of zero. */
const edgePoint = fc
  .constantFrom(
    `01${'00'.repeat(31)}`,
    `00${'00'.repeat(31)}`,
    `ec${'ff'.repeat(30)}7f`,
    `ed${'ff'.repeat(30)}7f`,
    `ee${'ff'.repeat(30)}ff`,
    `01${'00'.repeat(30)}80`,
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  )
  .map((text) => new Uint8Array(Buffer.from(text, 'hex')));

const mutation = fc.oneof(
  fc.record({
    kind: fc.constant('flip' as const),
    part: fc.constantFrom('publicKey' as const, 'message' as const, 'signature' as const),
    at: fc.nat(),
    bit: fc.nat(7),
  }),
  fc.record({
    kind: fc.constant('cut' as const),
    part: fc.constantFrom('publicKey' as const, 'signature' as const),
    length: fc.nat(70),
  }),
  fc.record({ kind: fc.constant('edge-key' as const), point: edgePoint }),
  fc.record({ kind: fc.constant('edge-r' as const), point: edgePoint }),
  fc.record({ kind: fc.constant('high-s' as const) }),
  fc.record({ kind: fc.constant('none' as const) }),
);
type Mutation = typeof mutation extends fc.Arbitrary<infer Value> ? Value : never;

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

function mutate(claim: SignatureClaim, change: Mutation): SignatureClaim {
  switch (change.kind) {
    case 'flip': {
      const part = new Uint8Array(claim[change.part]);
      if (part.length === 0) return claim;
      const at = change.at % part.length;
      part[at] = (part[at] ?? 0) ^ (1 << change.bit);
      return { ...claim, [change.part]: part };
    }
    case 'cut': {
      const part = new Uint8Array(change.length);
      part.set(claim[change.part].subarray(0, change.length));
      return { ...claim, [change.part]: part };
    }
    case 'edge-key':
      return { ...claim, publicKey: change.point };
    case 'edge-r': {
      const signature = new Uint8Array(claim.signature);
      signature.set(change.point, 0);
      return { ...claim, signature };
    }
    case 'high-s': {
      const s = BigInt(`0x${Buffer.from(claim.signature.subarray(32)).toString('hex')}`);
      const high = ((ORDER - (s % ORDER)) % ORDER).toString(16).padStart(64, '0');
      const signature = new Uint8Array(claim.signature);
      signature.set(Buffer.from(high, 'hex'), 32);
      return { ...claim, signature };
    }
    case 'none':
      return claim;
  }
}

const batch = fc.array(
  fc.tuple(goodClaim, mutation).map(([claim, change]) => mutate(claim, change)),
  { maxLength: 24 },
);

describe('every verifier agrees with the reference, claim by claim', () => {
  for (const [name, verifier] of Object.entries(verifiers)) {
    test(name, async () => {
      await fc.assert(
        fc.asyncProperty(batch, async (claims) => {
          expect(await verifier.verify(claims)).toEqual(claims.map(verifySignature));
        }),
        { numRuns: 40 },
      );
    });
  }
});
