import type { FileHandle } from 'node:fs/promises';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Height } from '../ledger/index.ts';
import { createKey, loadKey, storeKey } from './key-files.ts';
import { nodeFiles, syncFolder } from './layout.ts';
import { SigningMarkFile } from './signing-marks.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabellion-layout-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const failure = (code: string) => Object.assign(new Error(code), { code });

/** Folders whose disk answers a sync with a code, as every file system of this machine would. */
async function failFolderSyncs(code: string): Promise<void> {
  const handle = await open(folder, 'r');
  const prototype = Object.getPrototypeOf(handle) as FileHandle; // All handles share it.
  const { sync } = prototype;
  vi.spyOn(prototype, 'sync').mockImplementation(async function (this: FileHandle) {
    if ((await this.stat()).isDirectory()) throw failure(code);
    await sync.call(this);
  });
  await handle.close();
}

const mark = { height: 1 as Height, entries: 2, digest: new Uint8Array(32) }; // A test's height.

describe('the folder of a key or a mark', () => {
  it('that the disk did not take is told, and nothing is signed on its word', async () => {
    await failFolderSyncs('EIO');
    const { validatorKey, validatorSigned } = nodeFiles(folder);
    const key = createKey('ed25519');
    await expect(storeKey(validatorKey, key)).rejects.toMatchObject({ code: 'EIO' });
    const marks = new SigningMarkFile(validatorSigned);
    await expect(marks.store(mark)).rejects.toMatchObject({ code: 'store-failed' });
    // The next try does not take the name that is there for a durable one either.
    await expect(marks.store(mark)).rejects.toMatchObject({ code: 'store-failed' });
    await marks.close();
    // Nor does the next start, which finds the file.
    const again = new SigningMarkFile(validatorSigned);
    expect(await again.load()).toEqual(mark);
    await expect(again.store(mark)).rejects.toMatchObject({ code: 'store-failed' });
    await again.close();
  });

  it('that is full is told as such', async () => {
    await failFolderSyncs('ENOSPC');
    const marks = new SigningMarkFile(nodeFiles(folder).validatorSigned);
    await expect(marks.store(mark)).rejects.toMatchObject({ code: 'store-full' });
    await marks.close();
  });

  it('need not be synced where the platform cannot', async () => {
    await failFolderSyncs('EINVAL');
    const { validatorKey, validatorSigned } = nodeFiles(folder);
    const key = createKey('ed25519');
    await storeKey(validatorKey, key);
    expect(await loadKey(validatorKey)).toEqual(key);
    const marks = new SigningMarkFile(validatorSigned);
    await marks.store(mark);
    await marks.close();
    expect((await readFile(validatorSigned)).length).toBeGreaterThan(0);
  });
});

describe('syncing a folder', () => {
  it.each(['EPERM', 'EISDIR', 'EINVAL', 'ENOTSUP', 'ENOSYS'])(
    'takes %s for a platform without it, opening or syncing, and closes what it opened',
    async (code) => {
      const closed = vi.fn(async () => undefined);
      await syncFolder(folder, () => Promise.reject(failure(code)));
      await syncFolder(folder, async () => ({
        sync: () => Promise.reject(failure(code)),
        close: closed,
      }));
      expect(closed).toHaveBeenCalledOnce();
    },
  );

  it.each(['EIO', 'ENOSPC', 'EACCES', 'EMFILE', 'ENOENT'])('tells of %s', async (code) => {
    const closed = vi.fn(async () => undefined);
    const opening = syncFolder(folder, () => Promise.reject(failure(code)));
    await expect(opening).rejects.toMatchObject({ code });
    const syncing = syncFolder(folder, async () => ({
      sync: () => Promise.reject(failure(code)),
      close: closed,
    }));
    await expect(syncing).rejects.toMatchObject({ code });
    expect(closed).toHaveBeenCalledOnce();
  });
});
