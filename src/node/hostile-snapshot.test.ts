import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { concatBytes, equalBytes } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import { manifestCodec } from '../state/index.ts';
import {
  chunksAnswerCodec,
  chunksRequestCodec,
  manifestAnswerCodec,
  snapshotsAnswerCodec,
} from './snapshot-messages.ts';
import type { Answers } from './testing/liar.ts';
import { altering, impostor, isolate } from './testing/liar.ts';
import { SettledVillage } from './testing/settled-village.ts';
import { VALIDATORS } from './testing/village.ts';
import { hashOf } from './testing/votes.ts';

const [FIRST, SECOND] = VALIDATORS;

/** One network for all: nobody in it is harmed by what newcomers meet. */
let village: SettledVillage;
beforeAll(async () => {
  village = await SettledVillage.found({ settlers: 1_500, blocks: 12 });
});
afterAll(() => village.end());

let count = 0;

/** A newcomer beside one liar and two honest peers: it must take over the true state. */
async function arrivesInSpiteOf(answers: Answers): Promise<ReadonlySet<string>> {
  count += 1;
  const [liar, newcomer] = [`liar ${count}`, `newcomer ${count}`];
  const honest = [`honest ${count}`, `true ${count}`];
  village.hub.heal();
  // Connected first, and so asked first.
  impostor(village, { name: liar, honest: FIRST, answers });
  for (const name of honest) impostor(village, { name, honest: SECOND });
  isolate(village, newcomer, [liar, ...honest]);
  const { node } = await village.start(newcomer);
  await village.arrived(node);
  await village.assertAdopted(newcomer);
  const blamed = village.hub.penalties.filter(({ by }) => by === newcomer);
  expect(blamed.filter(({ peerId }) => honest.includes(peerId))).toEqual([]);
  await village.stop(newcomer);
  await village.dismiss(liar, ...honest);
  return new Set(blamed.filter(({ peerId }) => peerId === liar).map(({ reason }) => reason));
}

const mapChunks = (change: (chunk: Bytes, at: number) => Bytes | undefined) =>
  altering(chunksAnswerCodec, ({ chunks }) => ({
    chunks: chunks.map((chunk, at) => chunk && change(chunk, at)),
  }));

const flip = (bytes: Bytes, at: number): Bytes =>
  bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)) as Bytes;

/** Chunks of other prefixes than were asked for. */
const wrongRange = async (request: Bytes) => {
  const decoded = decode(chunksRequestCodec, request);
  if (!decoded.ok) return undefined;
  const { stateRoot, prefixes } = decoded.value;
  const asker = village.hub.find('asker') ?? village.stranger('asker');
  const others = [...prefixes.slice(1), ...prefixes.slice(0, 1)].map((prefix) =>
    prefixes.length > 1 ? prefix : prefix.map((nibble) => nibble ^ 1),
  ) as Bytes[];
  return asker.request(
    FIRST,
    'chunks',
    encode(chunksRequestCodec, { stateRoot, prefixes: others }),
  );
};

const CHUNK_LIES: readonly (readonly [string, string | undefined, Answers['chunks']])[] = [
  ['bytes that are no answer', 'malformed-answer', () => Uint8Array.of(9, 9)],
  ['chunks of another range', 'bad-chunk', wrongRange as never],
  ['chunks with a leaf less', 'bad-chunk', mapChunks((chunk) => chunk.slice(0, -40) as Bytes)],
  ['chunks with a byte more', 'bad-chunk', mapChunks((chunk) => concatBytes(chunk, chunk))],
  ['chunks with another value', 'bad-chunk', mapChunks((chunk) => flip(chunk, chunk.length - 2))],
  ['chunks with another key', 'bad-chunk', mapChunks((chunk) => flip(chunk, 8))],
  ['huge chunks', 'bad-chunk', mapChunks(() => new Uint8Array(400_000).fill(3))],
  ['empty chunks', 'bad-chunk', mapChunks(() => new Uint8Array(0))],
  [
    'one bad chunk among good ones',
    'bad-chunk',
    mapChunks((chunk, at) => (at === 1 ? flip(chunk, 9) : chunk)),
  ],
  ['no chunk that it offers', undefined, mapChunks(() => undefined)],
  [
    'more chunks than were asked for',
    'malformed-answer',
    altering(chunksAnswerCodec, ({ chunks }) => ({ chunks: [...chunks, ...chunks].slice(0, 64) })),
  ],
];

describe('a peer that serves', () => {
  it.each(CHUNK_LIES)('%s spoils nothing', async (_, fault, chunks) => {
    const reasons = await arrivesInSpiteOf({ chunks: chunks as never });
    expect(reasons).toEqual(new Set(fault === undefined ? [] : [fault]));
  });

  it('nothing, for ever, holds nothing up for long', async () => {
    await arrivesInSpiteOf({ chunks: () => new Promise<Bytes>(() => undefined) });
  });
});

const OFFER_LIES: readonly (readonly [string, string | undefined, Answers])[] = [
  ['bytes that are no offer', 'malformed-answer', { snapshots: () => Uint8Array.of(9, 9) }],
  [
    'another state of a block',
    'false-offer',
    {
      snapshots: altering(snapshotsAnswerCodec, ({ offers }) => ({
        offers: offers.map((offer) => ({ ...offer, height: 11 as Height, stateRoot: hashOf(5) })),
      })),
    },
  ],
  [
    'the state of a block that is none of the chain',
    'false-offer',
    {
      snapshots: altering(snapshotsAnswerCodec, ({ offers }) => ({
        offers: offers.map((offer) => ({
          ...offer,
          height: 11 as Height,
          blockHash: hashOf(5),
          stateRoot: hashOf(6),
        })),
      })),
    },
  ],
  [
    'states above the newest block',
    undefined,
    {
      snapshots: altering(snapshotsAnswerCodec, ({ offers }) => ({
        offers: offers.map((offer) => ({ ...offer, height: 5_000_000 as never })),
      })),
    },
  ],
];

describe('a peer that offers', () => {
  it.each(OFFER_LIES)('%s is not believed', async (_, fault, answers) => {
    const reasons = await arrivesInSpiteOf(answers);
    expect(reasons).toEqual(new Set(fault === undefined ? [] : [fault]));
  });
});

const changeManifest = (
  change: (value: { nodes: readonly never[] }) => { nodes: readonly unknown[] },
) =>
  altering(manifestAnswerCodec, ({ manifest }) => {
    const decoded = decode(manifestCodec, manifest ?? new Uint8Array(0));
    if (!decoded.ok) throw new Error('the honest manifest is good');
    // Whatever a liar may make of it.
    return { manifest: encode(manifestCodec, change(decoded.value as never) as never) };
  });

type Node = { readonly kind: string; readonly weight: number; readonly hash: Hash };
let honestManifest: Bytes | undefined;

const MANIFEST_LIES: readonly (readonly [string, string | undefined, Answers['manifest']])[] = [
  ['bytes that are no manifest', 'malformed-answer', () => Uint8Array.of(9, 9)],
  [
    'a manifest of noise',
    'false-manifest',
    () => encode(manifestAnswerCodec, { manifest: new Uint8Array(99).fill(5) }),
  ],
  [
    'another hash',
    'false-manifest',
    changeManifest(({ nodes }) => ({
      nodes: nodes.map((node: Node, at) =>
        node.kind === 'chunk' && at > 2 ? { ...node, hash: hashOf(1) } : node,
      ),
    })),
  ],
  [
    'a chunk less',
    'false-manifest',
    changeManifest(({ nodes }) => ({ nodes: nodes.slice(0, -1) })),
  ],
  [
    'false weights',
    'false-manifest',
    changeManifest(({ nodes }) => ({
      nodes: nodes.map((node: Node) =>
        node.kind === 'chunk' ? { ...node, weight: node.weight - 1 } : node,
      ),
    })),
  ],
  [
    'the manifest of an older state',
    'false-manifest',
    async () => {
      const { store } = village.node(FIRST).parts;
      const older = store.snapshots().at(-1);
      const newest = store.snapshots()[0];
      if (older === undefined || newest === undefined) throw new Error('two are kept');
      expect(equalBytes(older.stateRoot, newest.stateRoot)).toBe(false);
      honestManifest = await store.snapshotManifest(older.stateRoot);
      return encode(manifestAnswerCodec, { manifest: honestManifest });
    },
  ],
  ['no manifest', undefined, () => encode(manifestAnswerCodec, { manifest: undefined })],
];

describe('a peer that divides the state by', () => {
  it.each(MANIFEST_LIES)('%s is found out', async (_, fault, manifest) => {
    const reasons = await arrivesInSpiteOf({ manifest: manifest as never });
    expect(reasons).toEqual(new Set(fault === undefined ? [] : [fault]));
  });
});
