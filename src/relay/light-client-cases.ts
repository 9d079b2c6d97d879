import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { gunzipSync } from 'node:zlib';
import { isJsonObject } from '../base/index.ts';
import { isContradictory, runCase } from './light-client-cases/cases.ts';
import { parseCase, Unreadable } from './light-client-cases/tendermint.ts';

// `npm run -s light-client-cases -- DIR`: runs every case of a folder against our light client.

/** The largest case, 100 members in two blocks, has 400 KB. */
const CASE_BYTES_MAX = 64 * 1024 * 1024;

type Outcome = {
  /** Why it failed. */
  readonly failure?: string;
  /** It passed as to its structure: some of its hashes and signatures are taken at their word. */
  readonly isBelieved?: boolean;
};

async function outcomeOf(path: string): Promise<Outcome> {
  const bytes = await readFile(path);
  try {
    const isPacked = path.endsWith('.gz');
    const text = isPacked ? gunzipSync(bytes, { maxOutputLength: CASE_BYTES_MAX }) : bytes;
    const json = parseCase(text);
    const failure = runCase(json);
    if (failure !== undefined) return { failure };
    return { isBelieved: isJsonObject(json) && 'primary' in json && isContradictory(json) };
  } catch (error) {
    // Whatever is wrong with this file, the others are still to be run.
    const why = error instanceof Unreadable ? error.message : String(error);
    return { failure: `unreadable: ${why}` };
  }
}

const [folder, ...rest] = process.argv.slice(2);
if (folder === undefined || rest.length > 0) {
  process.stderr.write('usage: npm run -s light-client-cases -- DIR\n');
  process.exit(2);
}
const files = await readdir(folder).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exit(2);
});
const names = files.filter((name) => /\.json(\.gz)?$/.test(name)).toSorted();
let failed = 0;
for (const name of names) {
  const { failure, isBelieved } = await outcomeOf(join(folder, name));
  if (isBelieved === true) {
    process.stdout.write(
      `note: ${name} passes without the hashes and signatures in which it contradicts itself\n`,
    );
  }
  if (failure === undefined) continue;
  failed++;
  process.stdout.write(`${name}: ${failure}\n`);
}
process.stdout.write(`${names.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 || names.length === 0 ? 1 : 0;
