import { defined, equalBytes, formatHex } from '../../../base/index.ts';
import { decode, encode } from '../../../codec/index.ts';
import { consensusCodecsOf } from '../../../consensus/index.ts';
import { hashSuite } from '../../../crypto/index.ts';
import type { Height } from '../../../ledger/index.ts';
import { createProtocol, heightCodec, MissingKey } from '../../../ledger/index.ts';
import { walRecordCodec } from '../../../node/messages.ts';
import {
  checkpointRecordCodec,
  committedRecordCodec,
  formatRecordCodec,
  garbageRecordCodec,
  journalRecordCodec,
  orderedKey,
  parseOrderedKey,
  seal,
  segmentCodec,
  unseal,
} from '../../../node/store/records.ts';
import { checksumOf, imageWords } from '../../../state/image.ts';
import type { PageRecordForm } from '../../../state/index.ts';
import {
  deltaStoreKey,
  EMPTY_DELTA,
  joinPages,
  pageStoreKey,
  StateTree,
  stateProofCodec,
  verifyProof,
} from '../../../state/index.ts';
import { recordNetwork } from '../record.ts';
import type { Target } from '../types.ts';
import { Broken, refusedAt } from '../types.ts';
import { bytesTarget, codecTarget } from './codec-target.ts';

const suite = hashSuite('blake3-256');
const consensus = consensusCodecsOf(createProtocol().codecs.block);
const payload = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, bytes.length - 32);

const sealed: Target = bytesTarget('sealed-record', 'a record with its checksum', async () => {
  const { records } = await recordNetwork();
  const known = [...(records.journal ?? []), ...(records.meta ?? [])].filter(
    (bytes) => bytes.length > 32 && bytes.length < 2048,
  );
  const payloads = new Set(known.map((bytes) => formatHex(payload(bytes))));
  return {
    seeds: known.map((bytes) => new Uint8Array(bytes)),
    run(input) {
      const opened = unseal(suite, input);
      if (opened === undefined) return input.length < 32 ? 'short' : 'changed';
      if (!equalBytes(seal(suite, opened), input)) throw new Broken('a second form');
      // Whatever holds its own checksum and was never sealed was forged.
      if (!payloads.has(formatHex(opened)) && opened.length > 0) throw new Broken('forged');
      return 'accepted';
    },
  };
});

const keys: Target = bytesTarget('ordered-key', 'keys of records', async () => ({
  seeds: [0, 1, 255, 256, 2 ** 32, Number.MAX_SAFE_INTEGER].map(orderedKey),
  run(input) {
    const value = parseOrderedKey(input);
    if (value === undefined) return 'refused';
    if (!equalBytes(orderedKey(value), input)) throw new Broken('a second form');
    return 'accepted';
  },
}));

/** Changes that make a small state: short values, empty ones, and some that are kept by digest. */
function changesOf(count: number) {
  return Array.from({ length: count }, (_, at) => ({
    key: Uint8Array.of(1, 1, at, at >> 8),
    value: new Uint8Array(at % 9 === 0 ? 100 : at % 6).fill(at),
  }));
}

/** A state on disk: its layout, and its pages by the key under which they are kept. */
function storedState(count: number, pageRecords: PageRecordForm = 'leaves') {
  const tree = StateTree.empty(suite, { pageBytesMax: 900, pageRecords });
  const changes = changesOf(count);
  tree.apply(1 as Height, changes);
  const plan = tree.planCheckpoint(3);
  const pages = new Map(
    plan.written.map((each) => {
      const { key, value } = plan.encode(each);
      return [formatHex(key), value];
    }),
  );
  const layout = plan.fullLayout();
  const open = (...layouts: readonly Uint8Array[]) =>
    StateTree.restore(suite, { height: 1 as Height, root: plan.root, layouts });
  return { changes, layout, pages, open };
}

const page: Target = bytesTarget('state-page', 'a page of state from disk', async () => {
  const { changes, layout, pages, open } = storedState(60);
  const restore = () => {
    const tree = open(layout);
    if (!tree.ok) throw new Error('the genuine layout is good');
    const wanted = tree.value.pagesNeeded(changes.map(({ key }) => key));
    return { tree: tree.value, wanted };
  };
  let { tree, wanted } = restore();
  const genuine = wanted.map((each) => {
    const bytes = pages.get(formatHex(pageStoreKey(each)));
    if (bytes === undefined) throw new Error('every page was written');
    return bytes;
  });
  return {
    seeds: genuine.map((bytes) => new Uint8Array(bytes)),
    run(input) {
      // Offered for the page whose length it has, or for the first.
      const at = Math.max(
        0,
        genuine.findIndex(({ length }) => length === input.length),
      );
      const asked = wanted[at];
      if (asked === undefined) throw new Error('there are pages');
      const inserted = tree.insertPage(asked, input);
      if (!inserted.ok) return `${inserted.error.code}@${Math.min(32, input.length >> 5)}`;
      if (!equalBytes(input, genuine[at] ?? input.slice(1))) {
        throw new Broken('another page under the same hash');
      }
      ({ tree, wanted } = restore());
      return 'accepted';
    },
  };
});

/** A page with its hashes, as this node writes it for itself: with a true checksum or a false one. */
const image: Target = bytesTarget('state-page-image', 'a page with its hashes', async () => {
  const { changes, layout, pages, open } = storedState(60, 'image');
  const restore = () => {
    const tree = open(layout);
    if (!tree.ok) throw new Error('the genuine layout is good');
    return { tree: tree.value, wanted: tree.value.pagesNeeded(changes.map(({ key }) => key)) };
  };
  let { tree, wanted } = restore();
  const genuine = wanted.map((each) =>
    defined(pages.get(formatHex(pageStoreKey(each))), 'every page was written'),
  );
  return {
    seeds: genuine.map((bytes) => new Uint8Array(bytes)),
    run(input) {
      const at = Math.max(
        0,
        genuine.findIndex(({ length }) => length === input.length),
      );
      const asked = defined(wanted[at], 'there are pages');
      if (input[0] === 0 && tree.insertPage(asked, input).ok) {
        throw new Broken('an image of somebody else');
      }
      const sealed = new Uint8Array(input);
      const words = imageWords(sealed);
      if (words > 0) {
        const nodes = new Int32Array(sealed.slice(4, 4 + 4 * words).buffer);
        sealed.set(checksumOf(nodes, words, sealed[2] ?? 0), 4 + 4 * words);
      }
      const isGenuine = equalBytes(input, genuine[at] ?? input.slice(1));
      const isFalse = !equalBytes(input, sealed);
      if (input[0] === 0 && isFalse && tree.insertStored(asked, input).ok && !isGenuine) {
        throw new Broken('a record that is not what was written');
      }
      const leaves = joinPages([sealed]);
      const inserted = tree.insertStored(asked, sealed);
      if (!inserted.ok) return `${leaves === undefined}@${Math.min(32, input.length >> 5)}`;
      // Whoever writes on the disk may tell lies of leaves; but each walk through them ends.
      for (const { key } of changes) tree.pagesNeeded([key]);
      ({ tree, wanted } = restore());
      return 'accepted';
    },
  };
});

/** What blocks changed in a page since it was written, a record beside it. */
const delta: Target = bytesTarget('state-page-delta', 'what changed in a page', async () => {
  const { changes } = storedState(60);
  const options = { pageBytesMax: 900, versionsKept: 1, pageRecords: 'image' } as const;
  const tree = StateTree.empty(suite, options);
  const records = new Map<string, Uint8Array>();
  const layouts: Uint8Array[] = [];
  const write = (generation: number) => {
    const plan = tree.planCheckpoint(generation);
    for (const each of plan.written) {
      const { key, value } = plan.encode(each);
      records.set(formatHex(key), value);
    }
    layouts.push(generation === 3 ? plan.fullLayout() : plan.layoutChange());
    tree.checkpointed(plan);
    return plan.pages.filter(({ deltaGeneration }) => deltaGeneration !== 0);
  };
  tree.apply(1 as Height, changes);
  write(3);
  tree.apply(2 as Height, [
    ...changes.slice(0, 4).map(({ key }) => ({ key, value: Uint8Array.of(7) })),
    ...changes.slice(20, 22).map(({ key }) => ({ key, value: undefined })),
  ]);
  const [asked] = write(4);
  if (asked === undefined) throw new Error('a page changed a little');
  const root = tree.root();
  const restore = () => {
    const restored = StateTree.restore(suite, { height: 2 as Height, root, layouts });
    if (!restored.ok) throw new Error('its own layouts');
    const wanted = restored.value.pagesNeeded(changes.map(({ key }) => key));
    const found = wanted.find(({ prefix }) => equalBytes(prefix, asked.prefix));
    return { tree: restored.value, page: defined(found, 'none is loaded') };
  };
  let fresh = restore();
  const image = defined(records.get(formatHex(pageStoreKey(asked))), 'written');
  const base = defined(joinPages([image]), 'its leaves');
  const key = defined(deltaStoreKey(asked), 'it changed');
  const genuine = defined(records.get(formatHex(key)), 'written');
  return {
    seeds: [genuine, EMPTY_DELTA].map((bytes) => new Uint8Array(bytes)),
    run(input) {
      const stored = fresh.tree.insertStored(fresh.page, image, input);
      fresh.page.forget();
      const inserted = fresh.tree.insertPage(fresh.page, base, input);
      if (stored.ok !== inserted.ok) throw new Broken('an image and its leaves are not one');
      if (!inserted.ok) return `${inserted.error.code}@${Math.min(32, input.length >> 3)}`;
      // It may say more than it needs to, but nothing else.
      const view = fresh.tree.view();
      for (const change of changes.slice(0, 4)) {
        try {
          const value = view.get(change.key);
          if (value?.[0] !== 7) throw new Broken('another value under the same hash');
        } catch (error) {
          if (!(error instanceof MissingKey)) throw error; // Of another page.
        }
      }
      fresh = restore();
      return 'accepted';
    },
  };
});

const layoutTarget: Target = bytesTarget('state-layout', 'where pages of state are', async () => {
  const states = [8, 60, 200].map((count) => storedState(count));
  const [, middle] = states;
  if (middle === undefined) throw new Error('there are states');
  const changed = StateTree.empty(suite, { pageBytesMax: 900 });
  changed.apply(1 as Height, middle.changes);
  changed.checkpointed(changed.planCheckpoint(3));
  changed.apply(2 as Height, [{ key: Uint8Array.of(1, 1, 3, 0), value: Uint8Array.of(9) }]);
  return {
    seeds: [...states.map(({ layout }) => layout), changed.planCheckpoint(4).layoutChange()],
    run(input) {
      const alone = middle.open(input);
      const later = middle.open(middle.layout, input);
      for (const tree of [alone, later]) if (tree.ok) tree.value.pagesNeeded([Uint8Array.of(1)]);
      return `${alone.ok ? 'accepted' : alone.error.code}@${later.ok}`;
    },
  };
});

const proof: Target = bytesTarget('state-proof', 'a proof under a known state root', async () => {
  const tree = StateTree.empty(suite);
  const changes = changesOf(40);
  tree.apply(1 as Height, changes);
  const root = tree.root();
  const asked = [
    changes[0]?.key,
    changes[9]?.key,
    changes[18]?.key,
    Uint8Array.of(9, 9),
    Uint8Array.of(7),
  ].filter((key) => key !== undefined);
  const proofOf = (keys: readonly Uint8Array<ArrayBuffer>[]) =>
    encode(stateProofCodec, defined(tree.prove(1, keys), 'height 1 is kept'));
  const genuine = proofOf(asked);
  const one = proofOf(asked.slice(0, 1));
  const truth = (count: number, bytes: Uint8Array) => {
    const decoded = decode(stateProofCodec, bytes);
    const verified = decoded.ok && verifyProof(suite, root, asked.slice(0, count), decoded.value);
    if (verified === false || !verified.ok) throw new Error('the genuine proof is good');
  };
  truth(asked.length, genuine);
  truth(1, one);
  return {
    seeds: [genuine, one],
    run(input) {
      const decoded = decode(stateProofCodec, input);
      if (!decoded.ok) return refusedAt(decoded.error.code, decoded.error.at);
      if (!equalBytes(encode(stateProofCodec, decoded.value), input))
        throw new Broken('a second form');
      for (const [count, expected] of [
        [asked.length, genuine],
        [1, one],
      ] as const) {
        const verified = verifyProof(suite, root, asked.slice(0, count), decoded.value);
        if (verified.ok && !equalBytes(input, expected)) throw new Broken('a second proof');
        if (verified.ok) return `accepted@${count}`;
      }
      return `refused@${decoded.value.nodes.length}`;
    },
  };
});

export const recordTargets: readonly Target[] = [
  codecTarget('wal-entry', consensus.walEntry, (said) =>
    (said.records.wal ?? []).flatMap((bytes) => {
      const record = decode(walRecordCodec, bytes);
      return record.ok ? [record.value.entry] : [];
    }),
  ),
  codecTarget('wal-record', walRecordCodec, (said) => said.records.wal ?? []),
  codecTarget('journal-record', journalRecordCodec, (said) =>
    (said.records.journal ?? []).map(payload),
  ),
  codecTarget('committed-record', committedRecordCodec, (said) =>
    (said.records.journal ?? []).flatMap((bytes) => {
      const record = decode(journalRecordCodec, payload(bytes));
      return record.ok ? [record.value.committed] : [];
    }),
  ),
  codecTarget('format-record', formatRecordCodec),
  codecTarget('index-segment', segmentCodec),
  codecTarget('checkpoint-record', checkpointRecordCodec),
  codecTarget('garbage-record', garbageRecordCodec),
  codecTarget('height', heightCodec),
  sealed,
  keys,
  page,
  image,
  delta,
  layoutTarget,
  proof,
];
