import process from 'node:process';
import { beforeAll, describe, expect, it } from 'vitest';
import { equalBytes } from '../base/index.ts';
import { bytes, decode, encode, option, struct, text, u16, vector } from '../codec/index.ts';
import { loadFastHashing } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import { signingMarkCodec } from '../node/index.ts';
import { fuzz, replay } from './harness/engine.ts';
import { storeOf } from './harness/recipe.ts';
import { recordNetwork } from './harness/record.ts';
import { seedFolders, seedsOf } from './harness/seeds.ts';
import { brokenOff, isOfVoting, startAgain } from './harness/targets/disk.ts';
import { TARGETS } from './harness/targets/index.ts';
import type { Session, Target, Verdict } from './harness/types.ts';
import { Broken, codeOf, refusedAt } from './harness/types.ts';

/** Runs of each target in every run of the tests; the long runs are a command. */
const RUNS = 1_000;
/** Targets whose every execution starts a node or opens a store, and that sign or multiply points. */
const FEWER: { readonly [target: string]: number } = {
  'validator-restart': 32,
  journal: 300,
  wal: 800,
  'key-file': 400,
  'account-proof': 400,
  'transaction-proof': 400,
};

beforeAll(loadFastHashing);

describe('every target', () => {
  it('has a name of its own', () => {
    const names = TARGETS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
  });

  it.each(TARGETS.map((target) => [target.name, target] as const))(
    '%s takes whatever comes',
    async (name, target) => {
      const { findings, runs, codes } = await fuzz(target, { runs: FEWER[name] ?? RUNS, seed: 20 });
      expect(findings.map(({ kind, message }) => `${kind}: ${message}`)).toEqual([]);
      expect(runs).toBe(FEWER[name] ?? RUNS);
      // Both sides of the door were reached: valid inputs come from the product's own encoders.
      expect(codes.size).toBeGreaterThan(name === 'search-text' ? 0 : 1);
    },
  );

  it('what was found once is found no more', async () => {
    const known = new Map(TARGETS.map((target) => [target.name, target]));
    expect(seedFolders().filter((folder) => !known.has(folder))).toEqual([]);
    for (const target of TARGETS) {
      const seeds = seedsOf(target);
      expect(
        await replay(
          target,
          seeds.map(({ input }) => input),
        ),
      ).toEqual([]);
    }
  });
});

const noteCodec = struct('Note', {
  number: u16,
  words: vector(text({ max: 20 }), { max: 4 }),
  data: option(bytes({ max: 30 })),
});
const notes = [
  { number: 1, words: [], data: undefined },
  { number: 700, words: ['one', 'two'], data: new Uint8Array([1, 2, 3]) },
];

function broken(run: (input: Uint8Array<ArrayBuffer>) => Verdict): Target {
  const session: Session<Uint8Array<ArrayBuffer>> = {
    seeds: notes.map((note) => encode(noteCodec, note)),
    run,
  };
  return {
    name: 'broken',
    kind: 'bytes',
    about: '',
    open: async () => session as unknown as Session<never>,
  };
}

/** Takes many texts at once. */
function brokenBatch(run: (inputs: readonly string[]) => void): Target {
  return {
    name: 'broken',
    kind: 'text',
    about: '',
    open: async () => ({
      seeds: ['a plain text', 'another'] as never[],
      batch: 64,
      runBatch: async (inputs: readonly string[]) => {
        run(inputs);
        return inputs.map(() => 'accepted');
      },
    }),
  };
}

const read = (input: Uint8Array): Verdict => {
  const decoded = decode(noteCodec, input);
  return decoded.ok ? 'accepted' : refusedAt(decoded.error.code, decoded.error.at);
};

/** Faults as they are really made, and by how many runs each must be found. */
const FAULTS: readonly (readonly [string, number, (input: Uint8Array<ArrayBuffer>) => Verdict])[] =
  [
    [
      'reads beyond the end of short input',
      200,
      (input) => {
        new DataView(input.buffer, input.byteOffset, input.length).getUint16(0);
        return read(input);
      },
    ],
    [
      'takes a longer form of a length',
      5_000,
      (input) => {
        const at = input.findIndex((byte, place) => byte === 0x82 && input[place + 1] === 0);
        if (at < 0) return read(input);
        const short = Uint8Array.from([...input.slice(0, at), 2, ...input.slice(at + 2)]);
        const decoded = decode(noteCodec, short);
        if (!decoded.ok) return 'refused';
        if (!equalBytes(encode(noteCodec, decoded.value), input)) throw new Broken('a second form');
        return 'accepted';
      },
    ],
    [
      'ignores what follows',
      500,
      (input) => {
        for (let end = input.length; end > 0; end--) {
          const decoded = decode(noteCodec, input.subarray(0, end));
          if (!decoded.ok) continue;
          if (!equalBytes(encode(noteCodec, decoded.value), input))
            throw new Broken('a second form');
          return 'accepted';
        }
        return 'refused';
      },
    ],
    [
      'fails on one number that valid input rarely holds',
      20_000,
      (input) => {
        const decoded = decode(noteCodec, input);
        if (decoded.ok && decoded.value.number === 0xffff) throw new RangeError('one too many');
        return read(input);
      },
    ],
    [
      'fails only on a list that is full',
      20_000,
      (input) => {
        const decoded = decode(noteCodec, input);
        if (decoded.ok && decoded.value.words.length === 4) throw new RangeError('no room');
        return read(input);
      },
    ],
  ];

describe('the fuzzer itself', () => {
  it.each(FAULTS)('finds a decoder that %s', async (_, runs, run) => {
    const { findings } = await fuzz(broken(run), { runs, seed: 5 });
    expect(findings.length).toBeGreaterThan(0);
    expect(findings[0]).toMatchObject({ isAlone: true });
  });

  it('finds nothing in a decoder that is right', async () => {
    const { findings, codes } = await fuzz(broken(read), { runs: 20_000, seed: 5 });
    expect(findings).toEqual([]);
    expect(codes.size).toBeGreaterThan(5);
  });

  it('finds an input that costs too much', async () => {
    const slow = broken((input) => {
      const startedAt = process.cpuUsage().user;
      const isBusy = () => process.cpuUsage().user - startedAt < 50_000;
      while (input.length > 60 && isBusy()) read(input);
      return read(input);
    });
    const { findings } = await fuzz(slow, { runs: 512, seed: 5, cpuMsMax: 30 });
    expect(findings).toMatchObject([{ kind: 'slow' }]);
  });

  it('finds which input of a batch costs too much', async () => {
    const target = brokenBatch((inputs) => {
      for (const input of inputs) {
        const startedAt = process.cpuUsage().user;
        while (input.includes('{') && process.cpuUsage().user - startedAt < 50_000);
      }
    });
    const { findings } = await fuzz(target, { runs: 5_000, seed: 5, cpuMsMax: 30 });
    expect(findings).toMatchObject([{ kind: 'slow', isAlone: true }]);
    expect(findings[0]?.input).toContain('{');
  });

  it('finds a promise that nobody looks after, and makes what it found smaller', async () => {
    const target = brokenBatch((inputs) => {
      if (!inputs.some((input) => input.includes('{'))) return;
      Promise.reject(new Error('left alone')).finally(() => undefined);
    });
    const { findings } = await fuzz(target, { runs: 5_000, seed: 5 });
    expect(findings).toMatchObject([{ kind: 'unhandled', isAlone: true }]);
  });

  it('makes what it found smaller', async () => {
    const target = broken((input) => {
      if (input.includes(0xff)) throw new RangeError('a byte too many');
      return read(input);
    });
    const { findings } = await fuzz(target, { runs: 5_000, seed: 5 });
    expect(findings[0]?.input).toEqual(Uint8Array.of(0xff));
  });

  it('does the same again from the same seed, and something else from another', async () => {
    const target = TARGETS.find(({ name }) => name === 'vote');
    const gossip = TARGETS.find(({ name }) => name === 'gossip');
    if (target === undefined || gossip === undefined) throw new Error('both are targets');
    for (const each of [target, gossip]) {
      const [first, again, other] = await Promise.all(
        [7, 7, 8].map(async (seed) => [...(await fuzz(each, { runs: 1_500, seed })).codes]),
      );
      expect(again).toEqual(first);
      expect(other).not.toEqual(first);
    }
  });

  it('sees a validator that forgot its votes', async () => {
    const recording = await recordNetwork();
    const before = await brokenOff(recording);
    // What its store tells is from long ago, and its log is empty: no single damage does that.
    const mark = { height: 1 as Height, entries: 0, digest: new Uint8Array(32) };
    const old = { value: encode(signingMarkCodec, mark) };
    const forgetful = before.disk
      .filter(({ space }) => space !== 'wal')
      .map((record) => (isOfVoting(record) ? { ...record, ...old } : record));
    const restarted = startAgain(recording, before, await storeOf(forgetful));
    await expect(restarted).rejects.toThrow('signs a conflict');
  });

  it('counts by codes', () => {
    expect(codeOf('truncated@5')).toBe('truncated');
    expect(codeOf('accepted')).toBe('accepted');
  });
});
