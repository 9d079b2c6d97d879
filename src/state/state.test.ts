import { describe, expect, test } from 'vitest';
import { encodeUtf8, formatHex } from '../base/index.ts';
import { encode } from '../codec/index.ts';
import { hashSuite } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import { MissingKey } from '../ledger/index.ts';
import { keyLengthOf, leafWords, valueLengthOf } from './leaf.ts';
import { rootOfEntries } from './model.ts';
import type { Ref, Table } from './nodes.ts';
import { branchWords, childrenOf, insideOf, LEAF } from './nodes.ts';
import { decodeLayouts, encodeLayout } from './page.ts';
import { emptyRoot, stateProofCodec, verifyProof } from './proof.ts';
import { StateTree } from './tree.ts';

const suite = hashSuite('blake3-256');
const at = (height: number) => height as Height; // Test heights.
const put = (key: string, value: string) => ({ key: encodeUtf8(key), value: encodeUtf8(value) });
const remove = (key: string) => ({ key: encodeUtf8(key), value: undefined });

describe('StateTree', () => {
  test('is empty before the first block, and again after everything was deleted', () => {
    const tree = StateTree.empty(suite);
    expect(tree.height).toBe(-1);
    expect(tree.root()).toEqual(emptyRoot(suite));
    tree.apply(at(0), [put('a', '1'), put('b', '2')]);
    tree.apply(at(1), [remove('a'), remove('b'), remove('c')]);
    expect(tree.root()).toEqual(emptyRoot(suite));
    const keys = [encodeUtf8('a')];
    const proof = tree.prove(1, keys);
    expect(proof).toEqual({ nodes: [] });
    expect(verifyProof(suite, tree.root(), keys, { nodes: [] }).ok).toBe(true);
  });

  test('says what a block replaced', () => {
    const tree = StateTree.empty(suite);
    tree.apply(at(3), [put('a', '1'), put('b', '2')]);
    const { undo } = tree.apply(at(7), [put('a', '9'), remove('b'), put('c', '3')]);
    const undone = new Map(undo().map(({ key, previous }) => [formatHex(key), previous]));
    expect(undone.get(formatHex(encodeUtf8('a')))).toEqual({
      value: encodeUtf8('1'),
      changedAt: 3,
    });
    expect(undone.get(formatHex(encodeUtf8('b')))).toEqual({
      value: encodeUtf8('2'),
      changedAt: 3,
    });
    expect(undone.has(formatHex(encodeUtf8('c')))).toBe(true);
    expect(undone.get(formatHex(encodeUtf8('c')))).toBeUndefined();
  });

  test('stages without changing the head, on top of one another, and adopts in order', () => {
    const tree = StateTree.empty(suite);
    tree.apply(at(0), [put('a', '1')]);
    const before = tree.root();
    const view = tree.view();
    const first = tree.stage(at(1), [put('a', '2')]);
    const rival = tree.stage(at(1), [put('a', '3')]);
    const second = tree.stage(at(2), [put('b', '2')], first);
    expect(tree.root()).toEqual(before);
    expect(tree.view(second).get(encodeUtf8('a'))).toEqual(encodeUtf8('2'));
    expect(() => tree.adopt(second)).toThrow();
    tree.adopt(first);
    expect(tree.isOnHead(rival)).toBe(false);
    expect(() => tree.adopt(rival)).toThrow();
    tree.adopt(second);
    expect(tree.root()).toEqual(second.root());
    expect(view.get(encodeUtf8('a'))).toEqual(encodeUtf8('1'));
    expect(tree.rootAt(0)).toEqual(before);
    expect(tree.rootAt(9)).toBeUndefined();
  });

  test('refuses a key that is changed twice', () => {
    const tree = StateTree.empty(suite);
    expect(() => tree.stage(at(0), [put('a', '1'), put('a', '2')])).toThrow();
  });

  test('has the frozen root and proof of a known state', () => {
    const tree = StateTree.empty(suite);
    tree.apply(at(1), [put('account/ada', '100'), put('account/bob', '250')]);
    tree.apply(at(2), [put('account/ada', '90'), put('code', 'x'.repeat(100))]);
    const root = formatHex(tree.root());
    const proof = tree.prove(2, [encodeUtf8('account/ada'), encodeUtf8('nobody')]);
    if (proof === undefined) throw new Error('kept');
    expect(root).toBe('f262936af3b5ec0e8cd34d3fe8ade12fd9211fd7a535cbd55b5ecfdc4e7aad56');
    expect(formatHex(encode(stateProofCodec, proof))).toBe(
      '04002404015add7041bb0522e6acf8630425a3ed68e9f20d439444231f72978313f436faa401f45e425c995c5dd1efc1eba361caa2f989dde68ce98e6f285f6c1daa114e4beb0200000200000000000000023930',
    );
    const sha2 = rootOfEntries(hashSuite('sha2-256'), [
      { ...put('account/ada', '90'), changedAt: 2 },
    ]);
    expect(formatHex(sha2)).toBe(
      '3ba82c4f5a8f3183015634925394a70b5735f39ad8d3f6914a6c9f3612ce3a31',
    );
  });

  test('counts the buffers of blocks as waiting for a checkpoint, which frees them', () => {
    const tree = StateTree.empty(suite, { versionsKept: 1 });
    const keys = Array.from({ length: 64 }, (_, n) => `key ${n}`);
    const blocks = 200;
    for (let block = 0; block < blocks; block++) {
      const changes = keys.map((key) => put(key, `${block}`));
      tree.apply(at(block), changes);
    }
    // The same few leaves again and again: small as a state, but each block took buffers.
    expect(tree.memoryBytes()).toBeGreaterThan((blocks * 64 * 100) / 2);
    expect(tree.dirtyBytes()).toBe(tree.memoryBytes());
    const plan = tree.planCheckpoint(1);
    for (const page of plan.written) plan.encode(page);
    tree.checkpointed(plan);
    expect(tree.dirtyBytes()).toBe(0);
    expect(tree.memoryBytes()).toBeLessThan(64 * 300);
    const root = tree.root();
    tree.apply(at(blocks), [put('key 0', 'x')]);
    expect(tree.dirtyBytes()).toBeGreaterThan(0);
    expect(tree.root()).not.toEqual(root);
  });

  test('puts the nodes of a planned page into a chunk of its own, and nothing else', () => {
    const tree = StateTree.empty(suite, { versionsKept: 1 });
    for (let block = 0; block < 50; block++) tree.apply(at(block), [put(`key ${block}`, 'x')]);
    const [page] = tree.planCheckpoint(1).pages;
    if (page?.root === undefined) throw new Error('planned pages are in memory');
    let words = 0;
    let leaves = 0;
    const count = (table: Table, ref: Ref): void => {
      const chunk = table.chunk(ref.chunk);
      expect(chunk).toBe(page.root?.chunk);
      if (ref.kind === LEAF) {
        leaves += 1;
        words += leafWords(keyLengthOf(chunk, ref.at), valueLengthOf(chunk, ref.at));
        return;
      }
      const children = childrenOf(table, ref);
      words += branchWords(children.length);
      for (const child of children) count(table, child);
    };
    const { table, ref } = insideOf(page.root);
    count(table, ref);
    expect(leaves).toBe(50);
    expect(page.root.length).toBe(words);
  });

  test('forgets what was staged and not adopted, and what failed half-way', () => {
    const tree = StateTree.empty(suite, { pageBytesMax: 200, versionsKept: 3 });
    const keys = Array.from({ length: 40 }, (_, n) => `key ${n}`);
    tree.apply(
      at(0),
      keys.map((key) => put(key, 'first')),
    );
    const plan = tree.planCheckpoint(1);
    const pages = new Map(
      plan.written.map((page) => [page, plan.encode(page).value]), // As a store would have them.
    );
    tree.checkpointed(plan);
    tree.evict(0);
    const changes = keys.map((key) => put(key, 'second'));
    expect(() => tree.stage(at(1), changes)).toThrow(MissingKey);
    for (const page of tree.pagesNeeded(keys.map((key) => encodeUtf8(key)))) {
      expect(tree.insertPage(page, pages.get(page) ?? new Uint8Array()).ok).toBe(true);
    }
    const rivals = [1, 2, 3].map((n) => tree.stage(at(1), [put('key 7', `rival ${n}`)]));
    const winner = tree.stage(at(1), changes);
    const child = tree.stage(at(2), [remove('key 7'), put('new', 'x')], rivals[0]);
    tree.adopt(winner);
    tree.evict(0);
    // Views and roots of rivals are what they were, whatever became the head.
    rivals.forEach((rival, n) => {
      expect(tree.view(rival).get(encodeUtf8('key 7'))).toEqual(encodeUtf8(`rival ${n + 1}`));
      expect(tree.view(child).get(encodeUtf8('key 7'))).toBeUndefined();
    });
    for (const key of keys) {
      expect(tree.view().get(encodeUtf8(key))).toEqual(encodeUtf8('second'));
    }
    const leaves = changes.map((change) => ({ ...change, changedAt: 1 }));
    expect(tree.root()).toEqual(rootOfEntries(suite, leaves));
  });

  test('refuses a layout that names a page twice', () => {
    const tree = StateTree.empty(suite);
    tree.apply(at(0), [put('a', '1'), put('b', '2')]);
    const { pages } = tree.planCheckpoint(1);
    const once = encodeLayout({ pages, removed: [] });
    const twice = encodeLayout({ pages: [...pages, ...pages], removed: [] });
    expect(decodeLayouts([once, once]).ok).toBe(true);
    expect(decodeLayouts([twice])).toEqual({ ok: false, error: { code: 'layout-corrupt' } });
  });
});
