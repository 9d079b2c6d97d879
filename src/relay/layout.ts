import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Json } from '../base/index.ts';
import { TabellionError } from '../base/index.ts';
import type { FileCrashPoint } from '../node/index.ts';
import { passCrashPoint } from './crash-point.ts';

/** Files of one node below its data folder. */
export function nodeFiles(folder: string) {
  return {
    database: join(folder, 'database'),
    peerKey: join(folder, 'peer.key.json'),
    validatorKey: join(folder, 'validator.key.json'),
    validatorStarted: join(folder, 'validator.started.json'),
    validatorSigned: join(folder, 'validator.signed'),
    faucetKey: join(folder, 'faucet.key.json'),
    genesis: join(folder, 'genesis.json'),
    settings: join(folder, 'node.json'),
  };
}

/** Reads a JSON file; absent if there is none. Rejects with `file-malformed`. */
export async function loadJson(path: string): Promise<Json | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined; // Node.js sets it.
    throw error;
  }
  try {
    return JSON.parse(text) as Json; // What JSON.parse gives is JSON.
  } catch (cause) {
    throw new TabellionError('file-malformed', { path }, { cause });
  }
}

type FileName<Point> = Point extends `${infer Name}-drafted` ? Name : never;

/** What the crash points of a file are called. */
const CRASH_NAMES: { readonly [name: string]: FileName<FileCrashPoint> } = {
  'peer.key.json': 'peer-key',
  'validator.key.json': 'validator-key',
  'validator.started.json': 'validator-mark',
  'faucet.key.json': 'faucet-key',
  'genesis.json': 'genesis-file',
  'node.json': 'settings',
  'devnet.json': 'plan',
};

type WriteOptions = { readonly isSecret?: boolean };

/** Writes a JSON file whole or not at all; `isSecret` makes it readable by its owner only. */
export async function storeJson(
  path: string,
  value: Json,
  options: WriteOptions = {},
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await replaceFile(path, `${JSON.stringify(value, undefined, 2)}\n`, options);
}

/** Writes a file whole or not at all; returns once it would survive a loss of power. */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  options: WriteOptions = {},
): Promise<void> {
  const crashName = CRASH_NAMES[basename(path)];
  if (crashName !== undefined) passCrashPoint(`${crashName}-begun`);
  const draft = `${path}.new`;
  // What an interrupted write left may be readable by others, and would stay so.
  await rm(draft, { force: true });
  await writeFile(draft, content, {
    mode: options.isSecret === true ? 0o600 : 0o644,
    flag: 'wx',
    flush: true,
  });
  if (crashName !== undefined) passCrashPoint(`${crashName}-drafted`);
  await rename(draft, path);
  await syncFolder(dirname(path));
  if (crashName !== undefined) passCrashPoint(`${crashName}-done`);
}

/** How platforms say that their folders are not opened, or not synced: Windows and some mounts. */
const NO_FOLDER_SYNC: ReadonlySet<string> = new Set([
  'EPERM',
  'EISDIR',
  'EINVAL',
  'ENOTSUP',
  'ENOSYS',
]);

/**
 * A new name is durable when its folder is. Rejects when that cannot be had: a key or a mark that
 * a loss of power takes back would let a validator sign twice.
 *
 * @param openFolder How folders are opened; `open` of Node.js.
 */
export async function syncFolder(
  path: string,
  openFolder: (path: string) => Promise<Pick<FileHandle, 'sync' | 'close'>> = (folder) =>
    open(folder, 'r'),
): Promise<void> {
  const folder = await unlessUnsupported(openFolder(path));
  try {
    if (folder !== undefined) await unlessUnsupported(folder.sync());
  } finally {
    await folder?.close();
  }
}

async function unlessUnsupported<Value>(work: Promise<Value>): Promise<Value | undefined> {
  try {
    return await work;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // What the file system rejects with.
    if (code !== undefined && NO_FOLDER_SYNC.has(code)) return undefined;
    throw error;
  }
}
