import { access } from 'node:fs/promises';
import { TabellionError } from '../base/index.ts';
import { wipeLedger } from '../node/index.ts';
import type { KeyValueStore } from '../storage/index.ts';
import { nodeFiles } from './layout.ts';
import type { Output } from './output.ts';
import { openDatabase } from './start-node.ts';

/**
 * `tabellion reset`: deletes blocks, state and index of a node that does not run, so that it asks
 * peers for them again. What only this node knows stays: keys, settings, votes and the marks of how
 * far it signed, its mode and peers. Broken off, it is begun again; until then the node does not
 * start. Rejects with `database-missing`, `store-in-use`, or what the store says.
 */
export async function resetLedger(data: string, output: Output): Promise<void> {
  const { database } = nodeFiles(data);
  await access(database).catch((cause: unknown) => {
    throw new TabellionError('database-missing', { path: database }, { cause });
  });
  const store = await openDatabase(data);
  try {
    output.say('Deleting blocks, state and index …');
    const before = await bytesOf(store);
    await wipeLedger(store);
    const keptBytes = await bytesOf(store);
    await store.compact();
    const deletedBytes = before - keptBytes;
    const size = (deletedBytes / 1_000_000).toFixed(1);
    output.result(
      `Deleted ${size} MB. Keys, votes and settings are kept; the node asks peers for the chain.`,
      { kind: 'reset', deletedBytes, keptBytes },
    );
  } finally {
    await store.close();
  }
}

async function bytesOf(store: KeyValueStore): Promise<number> {
  return (await store.usage()).reduce((sum, { bytes }) => sum + bytes, 0);
}
