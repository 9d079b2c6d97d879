import { Buffer } from 'buffer';
import { validateEthereum } from './ethereum.ts';

// The reference in Chromium; it wants Node.js' `Buffer`, and `events`, which the bundler finds.
Object.assign(globalThis, { Buffer });

let chain: Promise<Uint8Array> | undefined;

/** Milliseconds of one run. */
export async function run(file: string): Promise<number> {
  chain ??= fetch(`/files/${file}`).then(
    async (answer) => new Uint8Array(await answer.arrayBuffer()),
  );
  return validateEthereum(await chain);
}
