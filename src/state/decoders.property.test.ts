import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encode } from '../codec/index.ts';
import { hashSuite } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import { bentBytes, describeDecoder, untyped } from '../ledger/testing/decoder-laws.ts';
import { decodeLayouts, encodeLayout, treeOfPages } from './page.ts';
import { stateProofCodec, verifyProof } from './proof.ts';
import { StateTree } from './tree.ts';

const suite = hashSuite('blake3-256');
const keys = Array.from({ length: 300 }, (_, at) => Uint8Array.of(1, at & 255, at >> 8));

const [proofCodec] = Object.values(untyped({ stateProofCodec }));
if (proofCodec !== undefined) describeDecoder('state proof', proofCodec);

/** A tree in many pages, as a checkpoint would write it. */
function treeOfManyPages() {
  const tree = StateTree.empty(suite, { pageBytesMax: 512 });
  tree.apply(
    0 as Height,
    keys.map((key) => ({ key, value: new Uint8Array(30).fill(key[1] ?? 0) })),
  );
  return tree;
}

it('layouts: bytes of any kind are a layout or refused, and a layout has one form', () => {
  const plan = treeOfManyPages().planCheckpoint(1);
  const layout = plan.fullLayout();
  expect(plan.pages.length).toBeGreaterThan(5);
  const samples = fc.oneof(fc.constant(layout), fc.constant(layout.subarray(0, 60)));
  let accepted = 0;
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), bentBytes(samples)), (bytes) => {
      const pages = decodeLayouts([bytes]);
      if (!pages.ok) return;
      accepted += 1;
      expect(encodeLayout({ pages: pages.value, removed: [] })).toEqual(new Uint8Array(bytes));
      expect(typeof treeOfPages(suite, pages.value).ok).toBe('boolean');
    }),
    { numRuns: 500 },
  );
  expect(accepted).toBeGreaterThan(5);
  expect(decodeLayouts([layout]).ok).toBe(true);
});

it('proofs: bytes of any kind prove nothing but what is so', () => {
  const tree = treeOfManyPages();
  const root = tree.root();
  const asked = [keys[3], keys[77], Uint8Array.of(9)].flatMap((key) => key ?? []);
  const proof = tree.prove(0, asked);
  if (proof === undefined) throw new Error('height 0 is kept');
  const truth = verifyProof(suite, root, asked, proof);
  expect(truth.ok).toBe(true);
  const nodes = fc.array(fc.nat({ max: proof.nodes.length - 1 }), { maxLength: 20 });
  fc.assert(
    fc.property(nodes, (places) => {
      // Its own nodes in any order, any number of times.
      const other = places.flatMap((place) => proof.nodes[place] ?? []);
      const proven = verifyProof(suite, root, asked, { nodes: other });
      if (proven.ok) expect(proven).toEqual(truth);
    }),
    { numRuns: 500 },
  );
  expect(encode(stateProofCodec, proof).length).toBeGreaterThan(100);
});
