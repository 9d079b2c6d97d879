import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatHex } from '../base/index.ts';
import { LevelDbStore } from './level-db-store.ts';
import { MemoryStore } from './memory-store.ts';
import type { KeyValueStore, WriteOperation } from './types.ts';
import { SPACES } from './types.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabellion-store-property-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Few keys, so that batches meet what is there, and themselves. */
const keyArbitrary = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 1, max: 12 }),
  fc.uint8Array({ minLength: 2, maxLength: 2, max: 3 }),
  fc.uint8Array({ minLength: 64, maxLength: 128 }),
);
const spaceArbitrary = fc.constantFrom('meta', 'pages', 'journal');
const operationArbitrary: fc.Arbitrary<WriteOperation> = fc.oneof(
  fc.record({
    kind: fc.constant('put'),
    space: spaceArbitrary,
    key: keyArbitrary,
    value: fc.uint8Array({ maxLength: 80 }),
  }),
  fc.record({ kind: fc.constant('delete'), space: spaceArbitrary, key: keyArbitrary }),
  fc.record({
    kind: fc.constant('delete-range'),
    space: spaceArbitrary,
    from: keyArbitrary,
    to: keyArbitrary,
  }),
);

async function contentOf(store: KeyValueStore) {
  const listed = SPACES.map((space) => store.list(space, { limit: 1000 }));
  return (await Promise.all(listed)).map((entries) =>
    entries.map(({ key, value }) => `${formatHex(key)}=${formatHex(value)}`),
  );
}

test('whatever is written, LevelDB holds, finds and counts what memory does', async () => {
  let count = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          batch: fc.array(operationArbitrary, { maxLength: 12 }),
          /** Rising keys are written another way. */
          isSorted: fc.boolean(),
          reopens: fc.boolean(),
        }),
        { maxLength: 6 },
      ),
      async (steps) => {
        const location = join(folder, `store-${count++}`);
        const memory = new MemoryStore();
        let level = await LevelDbStore.open(location);
        for (const { batch, isSorted, reopens } of steps) {
          const name = (each: WriteOperation) =>
            formatHex(each.kind === 'delete-range' ? each.from : each.key);
          const written = isSorted
            ? batch.toSorted((left, right) => (name(left) < name(right) ? -1 : 1))
            : batch;
          await memory.write(written, 'relaxed');
          await level.write(written, 'relaxed');
          if (reopens) {
            await level.close();
            level = await LevelDbStore.open(location);
          }
          expect(await contentOf(level)).toEqual(await contentOf(memory));
          expect(await level.usage()).toEqual(await memory.usage());
          const keys = batch.map((each) => (each.kind === 'delete-range' ? each.from : each.key));
          expect(await level.getMany('pages', keys)).toEqual(await memory.getMany('pages', keys));
        }
        await level.close();
      },
    ),
    { numRuns: 40 },
  );
}, 30_000);
