import { beforeEach, describe, expect, it } from 'vitest';
import { encodeUtf8, timestampMs } from '../../base/index.ts';
import { MemoryStore } from '../../storage/index.ts';
import {
  REPAIRS_MAX,
  REPAIRS_MS,
  STORE_HEALTHY_MS,
  STORE_HELD_MS,
  STORE_HELD_MS_MAX,
} from '../limits.ts';
import type { EpochStore, StoreMarker } from './epochs.ts';
import type { Witness } from './ground.ts';
import { Ground } from './ground.ts';

/** A browser profile: three places, each of which may lose what it holds. */
class Profile {
  store = new MemoryStore();
  marker: StoreMarker | 'spoilt' | undefined;
  witness: Witness = 'none';
  nowMs = 5;
  /** Throws instead of writing a mark, as a kill would. */
  isKilledAtMark = false;

  /** Opens it once, as a worker's first term does, and says what that term tells people. */
  async open(): Promise<Ground> {
    const epochs: EpochStore = {
      next: async () => 1,
      current: async () => 0,
      marker: async () => this.marker,
      setMarker: async (marker) => {
        if (this.isKilledAtMark) throw new Error('killed');
        this.marker = marker;
      },
      close: () => undefined,
    };
    const clock = { now: () => timestampMs(this.nowMs), after: () => () => undefined };
    const ground = new Ground({ epochs, witness: this.witness, clock });
    if (this.witness === 'none') this.witness = 'begun';
    await ground.recognise(this.store);
    this.witness = 'kept';
    return ground;
  }
}

const record = { kind: 'put', space: 'journal', key: Uint8Array.of(1), value: Uint8Array.of(2) };
let profile: Profile;
beforeEach(() => {
  profile = new Profile();
});

describe('what a profile tells of its storage', () => {
  it('nothing at a first visit, nor at later ones', async () => {
    expect((await profile.open()).event()).toBeUndefined();
    expect((await profile.open()).event()).toBeUndefined();
  });

  it('nothing after a kill between the marks', async () => {
    profile.isKilledAtMark = true;
    await expect(profile.open()).rejects.toThrow('killed');
    profile.isKilledAtMark = false;
    expect((await profile.open()).event()).toBeUndefined();
    expect((await profile.open()).event()).toBeUndefined();
  });

  it('nothing where an older program stored without marks', async () => {
    profile.store = new MemoryStore();
    const old = { kind: 'put', space: 'meta', key: encodeUtf8('format'), value: encodeUtf8('1') };
    await profile.store.write([old as never], 'strict');
    expect((await profile.open()).event()).toBeUndefined();
  });

  it('that the database is gone, by the mark outside of it', async () => {
    await profile.open();
    profile.store = new MemoryStore();
    profile.witness = 'unknown';
    const told = (await profile.open()).event();
    expect(told).toEqual({ kind: 'wiped', atMs: 5, code: 'store-vanished' });
    expect((await profile.open()).event()).toBeUndefined();
  });

  it('that all databases are gone, by the page’s own storage', async () => {
    await profile.open();
    profile.store = new MemoryStore();
    profile.marker = undefined;
    expect((await profile.open()).event()).toMatchObject({ kind: 'wiped' });
  });

  it('that part of the database is gone', async () => {
    await profile.open();
    profile.store = new MemoryStore();
    await profile.store.write([record as never], 'strict');
    expect((await profile.open()).event()).toMatchObject({ kind: 'partly-wiped' });
  });

  it('that the page’s own storage is gone, with what people had noted there', async () => {
    await profile.open();
    profile.witness = 'kept-long';
    await profile.open();
    profile.witness = 'none';
    const told = (await profile.open()).event();
    expect(told).toMatchObject({ kind: 'partly-wiped', code: 'page-storage-lost' });
    expect((await profile.open()).event()).toBeUndefined();
  });

  it('nothing where a crash forgot what the page had stored a moment before', async () => {
    await profile.open();
    await profile.open();
    profile.witness = 'none';
    expect((await profile.open()).event()).toBeUndefined();
  });

  it('nothing where a person had it all deleted through this program', async () => {
    const ground = await profile.open();
    await ground.letGo(profile.store, () => profile.store.clear());
    expect(ground.event()).toBeUndefined();
    expect((await profile.open()).event()).toBeUndefined();
  });

  it('nothing where a kill came into the middle of that', async () => {
    const ground = await profile.open();
    const killed = ground.letGo(profile.store, async () => {
      await profile.store.clear();
      throw new Error('killed');
    });
    await expect(killed).rejects.toThrow('killed');
    expect((await profile.open()).event()).toBeUndefined();
  });

  it('nothing more when the page’s note, as new as the store then, is lost in a crash', async () => {
    profile.witness = 'kept-long';
    const ground = await profile.open();
    profile.store = new MemoryStore();
    profile.marker = undefined;
    await ground.recognise(profile.store);
    expect(ground.event()).toMatchObject({ kind: 'wiped' });
    profile.witness = 'none';
    expect((await profile.open()).event()).toBeUndefined();
  });

  it('nothing when the mark outside of it alone is spoilt: the mark is written again', async () => {
    await profile.open();
    const { marker } = profile;
    profile.marker = 'spoilt';
    expect((await profile.open()).event()).toBeUndefined();
    expect(profile.marker).toEqual(marker);
  });

  it('that the database is gone, by a spoilt mark too', async () => {
    await profile.open();
    profile.store = new MemoryStore();
    profile.marker = 'spoilt';
    profile.witness = 'unknown';
    expect((await profile.open()).event()).toMatchObject({ kind: 'wiped' });
  });

  it('nothing after it was emptied on purpose beside a spoilt mark', async () => {
    const ground = await profile.open();
    profile.marker = 'spoilt';
    await ground.letGo(profile.store, async () => {
      profile.store = new MemoryStore();
    });
    expect(ground.event()).toBeUndefined();
    expect(profile.marker).toMatchObject({ isWitnessed: false });
  });

  it('that it vanished under a worker that had it open, whatever else vanished too', async () => {
    const ground = await profile.open();
    profile.marker = undefined;
    await ground.recognise(new MemoryStore());
    expect(ground.event()).toMatchObject({ kind: 'wiped' });
  });
});

describe('while the store cannot be opened', () => {
  it('that hides the news of a loss, and takes nothing from it', async () => {
    await profile.open();
    profile.store = new MemoryStore();
    const ground = await profile.open();
    const told = ground.event();
    expect(told).toMatchObject({ kind: 'wiped' });
    profile.nowMs = 9;
    ground.noteHeld();
    expect(ground.event()).toEqual({ kind: 'held', atMs: 9, code: 'store-slow' });
    profile.nowMs = 12;
    ground.noteHeld();
    expect(ground.event()).toMatchObject({ kind: 'held', atMs: 9 });
    ground.noteOpened();
    expect(ground.event()).toEqual(told);
  });

  it('another tab is named only where it was robbed, until the store was open again', async () => {
    const ground = await profile.open();
    ground.noteRobbed();
    ground.noteHeld();
    expect(ground.event()).toMatchObject({ code: 'tab-asleep' });
    ground.noteOpened();
    ground.noteHeld();
    expect(ground.event()).toMatchObject({ code: 'store-slow' });
  });

  it('it is waited for longer each time, up to a bound', async () => {
    const ground = await profile.open();
    const patience = () => {
      ground.noteHeld();
      return ground.patienceMs();
    };
    expect(ground.patienceMs()).toBe(STORE_HELD_MS);
    expect([patience(), patience()]).toEqual([8 * STORE_HELD_MS, 64 * STORE_HELD_MS]);
    for (let round = 0; round < 1_000; round++) ground.noteHeld();
    expect(ground.patienceMs()).toBe(STORE_HELD_MS_MAX);
    ground.noteOpened();
    expect(ground.patienceMs()).toBe(STORE_HELD_MS);
  });

  it('emptying what stands in for it leaves the marks of a first visit alone', async () => {
    const ground = await profile.open();
    const { marker } = profile;
    ground.noteHeld();
    const shelter = new MemoryStore();
    await ground.letGo(shelter, () => shelter.clear());
    expect(profile.marker).toEqual(marker);
    ground.noteOpened();
    await ground.recognise(profile.store);
    expect(ground.event()).toBeUndefined();
    expect(await shelter.usage()).toEqual(await new MemoryStore().usage());
  });
});

it('damage is told to the next start, once', async () => {
  const ground = await profile.open();
  ground.condemn('page-corrupt');
  expect(ground.takeDamage()).toBe('page-corrupt');
  expect(ground.takeDamage()).toBeUndefined();
});

it('want of room is one piece of news for as long as it lasts, and over some time after', async () => {
  const ground = await profile.open();
  ground.note('quota', 'store-full');
  profile.nowMs += 15_000;
  ground.note('quota', 'store-full');
  ground.noteRoom(); // Something small may still be written, now and then.
  expect(ground.event()).toMatchObject({ kind: 'quota', atMs: 5 });
  profile.nowMs += STORE_HEALTHY_MS + 1;
  ground.noteRoom();
  expect(ground.event()).toBeUndefined();
  ground.note('quota', 'store-full');
  expect(ground.event()).toMatchObject({ kind: 'quota', atMs: profile.nowMs });
});

it('what is damaged again and again is not cleared for ever', async () => {
  const ground = await profile.open();
  const repair = () => ground.noteRepair('page-corrupt');
  for (let repaired = 0; repaired < REPAIRS_MAX; repaired++) {
    repair();
    profile.nowMs += 60_000;
  }
  expect(repair).toThrow('store-unreliable');
  expect(ground.event()).toMatchObject({ kind: 'repaired', code: 'page-corrupt' });
  profile.nowMs += REPAIRS_MS;
  expect(repair).not.toThrow();
});
