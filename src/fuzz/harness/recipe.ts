import type { Bytes } from '../../base/index.ts';
import { compareBytes } from '../../base/index.ts';
import type { HashSuite } from '../../crypto/index.ts';
import { seal } from '../../node/store/records.ts';
import type { KeyValueStore, Space, WriteOperation } from '../../storage/index.ts';
import { MemoryStore, SPACES } from '../../storage/index.ts';

/** One record of a disk. */
export type DiskRecord = { readonly space: Space; readonly key: Bytes; readonly value: Bytes };

/** Bytes of one step of a recipe: deed u8, record u16, place u16, value u8. */
const STEP_BYTES = 6;
const STEPS_MAX = 4;

const DEEDS = [
  'flip',
  'set',
  'truncate',
  'extend',
  'delete',
  'lose-tail',
  'exchange',
  'move',
  'old-version',
  'forge',
] as const;
export type Deed = (typeof DEEDS)[number];

/** Everything in a store. */
export async function recordsOf(store: KeyValueStore): Promise<DiskRecord[]> {
  const records: DiskRecord[] = [];
  for (const space of SPACES) {
    for (const { key, value } of await store.list(space, { limit: 10_000 })) {
      records.push({ space, key, value });
    }
  }
  return records;
}

/** A store that holds some records. */
export async function storeOf(records: readonly DiskRecord[]): Promise<MemoryStore> {
  const store = new MemoryStore();
  const operations = records.map((record): WriteOperation => ({ kind: 'put', ...record }));
  if (operations.length > 0) await store.write(operations, 'strict');
  return store;
}

/** A recipe of given steps, for seeds. */
function recipeOf(...steps: readonly (readonly [Deed, number, number, number])[]): Bytes {
  return Uint8Array.from(
    steps.flatMap(([deed, record, at, value]) => [
      ...[DEEDS.indexOf(deed), record & 255, record >> 8],
      ...[at & 255, at >> 8, value],
    ]),
  );
}

/** One recipe of each deed on some records. */
export function everyDeed(count: number, deeds: readonly Deed[] = DEEDS): Bytes[] {
  return deeds.flatMap((deed) =>
    [0, 1, count >> 1, count - 2, count - 1].map((record) =>
      recipeOf([deed, record, 9, record + 1]),
    ),
  );
}

function changed(value: Bytes, change: (copy: Bytes) => void): Bytes {
  const copy = value.slice();
  if (copy.length > 0) change(copy);
  return copy;
}

/** Damages a disk as a recipe says; which deeds were done. */
export function damage(
  disk: readonly DiskRecord[],
  recipe: Uint8Array,
  more: {
    readonly older?: readonly DiskRecord[];
    readonly suite: HashSuite;
    readonly stepsMax?: number;
  },
): { readonly records: DiskRecord[]; readonly deeds: readonly Deed[] } {
  let records = [...disk];
  const deeds: Deed[] = [];
  const { stepsMax = STEPS_MAX } = more;
  const steps = Math.min(stepsMax, Math.floor(recipe.length / STEP_BYTES));
  for (let step = 0; step < steps && records.length > 0; step++) {
    const [deedAt = 0, low = 0, high = 0, placeLow = 0, placeHigh = 0, byte = 0] = recipe.subarray(
      step * STEP_BYTES,
    );
    const deed = DEEDS[deedAt % DEEDS.length] ?? 'flip';
    const index = (low + 256 * high) % records.length;
    const record = records[index];
    if (record === undefined) continue;
    const { value } = record;
    const at = value.length === 0 ? 0 : (placeLow + 256 * placeHigh) % value.length;
    const put = (next: Bytes) => {
      records[index] = { ...record, value: next };
    };
    deeds.push(deed);
    switch (deed) {
      case 'flip':
        put(changed(value, (copy) => copy.set([(copy[at] ?? 0) ^ (1 << (byte & 7))], at)));
        break;
      case 'set':
        put(changed(value, (copy) => copy.set([byte], at)));
        break;
      case 'truncate':
        put(value.slice(0, at));
        break;
      case 'extend':
        put(Uint8Array.from([...value, ...new Uint8Array(1 + (byte & 63)).fill(byte)]));
        break;
      case 'delete':
        records = records.filter((_, place) => place !== index);
        break;
      case 'lose-tail': {
        const { space, key } = record;
        records = records.filter((each) => each.space !== space || compareBytes(each.key, key) < 0);
        break;
      }
      case 'exchange': {
        const other = records[(index + 1 + byte) % records.length];
        if (other === undefined) break;
        const place = records.indexOf(other);
        records[place] = { ...other, value };
        put(other.value);
        break;
      }
      case 'move': {
        const key = changed(record.key, (copy) => copy.set([byte], copy.length - 1));
        records = records.filter(
          (each) => each.space !== record.space || compareBytes(each.key, key) !== 0,
        );
        records = records.map((each) => (each === record ? { ...record, key } : each));
        break;
      }
      case 'old-version': {
        const old = more.older?.find(
          (each) => each.space === record.space && compareBytes(each.key, record.key) === 0,
        );
        if (old !== undefined) put(old.value);
        break;
      }
      case 'forge': {
        // Changed by somebody who knows the checksum: recovery may only refuse, or go on.
        if (value.length <= 32) break;
        const payload = changed(value.slice(0, -32), (copy) => copy.set([byte], at % copy.length));
        put(seal(more.suite, payload));
        break;
      }
    }
  }
  return { records, deeds };
}
