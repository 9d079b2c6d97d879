import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Json } from '../base/index.ts';
import { TabellionError } from '../base/index.ts';

/** Files of one node below its data folder. */
export function nodeFiles(folder: string) {
  return {
    database: join(folder, 'database'),
    peerKey: join(folder, 'peer.key.json'),
    validatorKey: join(folder, 'validator.key.json'),
    validatorStarted: join(folder, 'validator.started.json'),
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

/** Writes a JSON file whole or not at all; `isSecret` makes it readable by its owner only. */
export async function storeJson(
  path: string,
  value: Json,
  options: { readonly isSecret?: boolean } = {},
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.new`;
  // What an interrupted write left may be readable by others, and would stay so.
  await rm(draft, { force: true });
  await writeFile(draft, `${JSON.stringify(value, undefined, 2)}\n`, {
    mode: options.isSecret === true ? 0o600 : 0o644,
    flag: 'wx',
  });
  await rename(draft, path);
}
