import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Json } from '../base/index.ts';
import { runCase } from './light-client-cases/cases.ts';
import { parseCase } from './light-client-cases/tendermint.ts';

const folder = new URL('../light/vectors/', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.json.gz'));
const read = (name: string) => parseCase(gunzipSync(readFileSync(new URL(name, folder))));

test('there are 49 cases of Tendermint: 41 of single steps, 8 of bisections', () => {
  expect(names).toHaveLength(49);
  expect(names.filter((name) => name.startsWith('bisection'))).toHaveLength(8);
});

test.each(names)('%s', (name) => {
  expect(runCase(read(name))).toBeUndefined();
});

/* A case that was altered in any way that matters must fail. */

// Values of any JSON; each is looked at before it is changed.
type Loose = { [name: string]: Loose } & Loose[];

/** A case after one change, deep within a copy. */
function altered(name: string, change: (json: Loose) => void): Json {
  const copy = structuredClone(read(name)) as unknown as Loose; // See above.
  change(copy);
  return copy as unknown as Json; // Still JSON.
}

function set(place: Loose | undefined, name: string, change: (old: string) => unknown): void {
  if (place === undefined) throw new Error('no such place');
  Object.assign(place, { [name]: change(String(place[name])) });
}

const STEPS = 'model_based__single_step__MC4_4_faulty_TestSuccess.json.gz';
const HAPPY = 'bisection__single_peer___happy_path.json.gz';
const WORST = 'bisection__single_peer___worst_case.json.gz';

const flipHex = (hex: string) => (hex.startsWith('A') ? `B${hex.slice(1)}` : `A${hex.slice(1)}`);
const flipBase64 = (text: string) =>
  text.startsWith('A') ? `B${text.slice(1)}` : `A${text.slice(1)}`;

describe('a single step that was altered fails', () => {
  const inputs = [0, 1, 2];
  test.each(inputs)('in the verdict of input %i', (at) => {
    for (const verdict of ['SUCCESS', 'NOT_ENOUGH_TRUST', 'INVALID']) {
      let isSame = false;
      const json = altered(STEPS, ({ input }) => {
        set(input?.[at], 'verdict', (old) => {
          isSame = old === verdict;
          return verdict;
        });
      });
      expect(runCase(json) === undefined, verdict).toBe(isSame);
    }
  });

  const voteOf = (block: Loose | undefined) =>
    block?.signed_header?.commit?.signatures?.find((vote) => Number(vote.block_id_flag) === 2);
  const changes: readonly [string, (block: Loose | undefined) => void][] = [
    ['a signature', (block) => set(voteOf(block), 'signature', flipBase64)],
    [
      'the time of a vote',
      (block) => set(voteOf(block), 'timestamp', () => '1970-01-01T00:00:09Z'),
    ],
    ['the voter', (block) => set(voteOf(block), 'validator_address', flipHex)],
    ['the round', (block) => set(block?.signed_header?.commit, 'round', () => 2)],
    ['the height of the commit', (block) => set(block?.signed_header?.commit, 'height', () => '9')],
    ['the block id', (block) => set(block?.signed_header?.commit?.block_id, 'hash', flipHex)],
    [
      'the parts of the block id',
      (block) => set(block?.signed_header?.commit?.block_id?.part_set_header, 'total', () => 2),
    ],
    ['the chain', (block) => set(block?.signed_header?.header, 'chain_id', () => 'other')],
    [
      'the time',
      (block) => set(block?.signed_header?.header, 'time', () => '1970-01-01T00:00:08Z'),
    ],
    ['the height', (block) => set(block?.signed_header?.header, 'height', () => '7')],
    ['the version', (block) => set(block?.signed_header?.header?.version, 'app', () => '1')],
    ['the validators', (block) => set(block?.signed_header?.header, 'validators_hash', flipHex)],
    [
      'the next validators',
      (block) => set(block?.signed_header?.header, 'next_validators_hash', flipHex),
    ],
    ['the consensus', (block) => set(block?.signed_header?.header, 'consensus_hash', flipHex)],
    ['the proposer', (block) => set(block?.signed_header?.header, 'proposer_address', flipHex)],
    ['a power', (block) => set(block?.validator_set?.validators?.[0], 'voting_power', () => '51')],
    [
      'a next power',
      (block) => set(block?.next_validator_set?.validators?.[0], 'voting_power', () => '51'),
    ],
    ['a key', (block) => set(block?.validator_set?.validators?.[0]?.pub_key, 'value', flipBase64)],
  ];
  test.each(changes)('in %s', (_, change) => {
    for (const at of inputs) {
      const json = altered(STEPS, ({ input }) => change(input?.[at]?.block));
      expect(runCase(json), `input ${at}`).toMatch(/found INVALID|unreadable/);
    }
  });

  test('in the header or the next validators that are trusted at first', () => {
    const header = altered(STEPS, ({ initial }) => {
      set(initial?.signed_header?.header, 'app_hash', () => 'AB');
    });
    expect(runCase(header)).toContain('another hash');
    const next = altered(STEPS, ({ initial }) => {
      set(initial?.next_validator_set?.validators?.[0], 'voting_power', () => '51');
    });
    expect(runCase(next)).toContain('another next set');
  });

  test('in the trusting period', () => {
    const json = altered(STEPS, ({ initial }) => set(initial, 'trusting_period', () => '1'));
    expect(runCase(json)).toContain('trust-expired');
  });
});

describe('a bisection that was altered fails', () => {
  const other = (word: string) => (word === 'error' ? 'no error' : 'error');
  test.each(names.filter((name) => name.startsWith('bisection')))('in its outcome: %s', (name) => {
    expect(runCase(altered(name, (json) => set(json, 'expected_output', other)))).toContain(
      'found',
    );
  });

  test.each([HAPPY, WORST])('in a signature, a hash or the time now: %s', (name) => {
    const blocks = (json: Loose) => json.primary?.lite_blocks;
    const changes: readonly ((json: Loose) => void)[] = [
      (json) =>
        set(blocks(json)?.at(-1)?.signed_header?.commit?.signatures?.[0], 'signature', flipBase64),
      (json) => set(blocks(json)?.at(-1)?.signed_header?.header, 'validators_hash', flipHex),
      (json) => set(blocks(json)?.at(-1)?.signed_header?.header, 'app_hash', flipHex),
      (json) => set(json.trust_options, 'hash', flipHex),
      (json) => set(json, 'now', () => '2019-12-02T15:30:00Z'),
      (json) => set(json, 'now', () => '2019-11-01T15:30:00Z'),
    ];
    for (const [at, change] of changes.entries()) {
      expect(runCase(altered(name, change)), `change ${at}`).toBeDefined();
    }
  });
});

test('what is no case at all fails', () => {
  for (const text of ['null', '[]', '{}', '{"input":[]}', '{"expected_output":"error"}']) {
    expect(runCase(JSON.parse(text))).toContain('unreadable');
  }
});
