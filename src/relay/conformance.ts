import type { Json } from '../base/index.ts';
import { loadFastHashing } from '../crypto/index.ts';
import { answerConformance } from '../sdk/index.ts';
import { createWebCryptoVerifier } from '../verifier/index.ts';
import type { Line } from './conformance-lines.ts';
import { linesOf } from './conformance-lines.ts';

/** Longest line that is looked at: a state of some thousand entries. */
const LINE_BYTES_MAX = 16 * 1024 * 1024;

/** Questions asked at once; their answers are written in the order of the lines all the same. */
const ASKED_MAX = 64;

// Reads JSON lines on standard input, answers each on standard output, in order.
await loadFastHashing();
const home = process.argv.includes('--browser')
  ? await (await import('./conformance-browser.ts')).openBrowserHome()
  : nodeHome();
// Whoever asked has gone: nobody is left to answer.
process.stdout.on('error', () => home.close().finally(() => process.exit(0)));
let written = Promise.resolve();
const pending: Promise<void>[] = [];
for await (const line of linesOf(process.stdin, LINE_BYTES_MAX)) {
  if (line.kind === 'text' && line.text.trim() === '') continue; // Between questions, not one.
  const answer = answerTo(line);
  written = Promise.all([written, answer]).then(([, each]) => write(each));
  pending.push(written);
  if (pending.length === ASKED_MAX) await pending.shift();
}
await written;
await home.close();

async function answerTo(line: Line): Promise<Json> {
  return line.kind === 'text' ? home.ask(line.text) : { ok: false, error: { code: line.code } };
}

async function write(answer: Json): Promise<void> {
  if (process.stdout.write(`${JSON.stringify(answer)}\n`)) return;
  await new Promise((resolve) => process.stdout.once('drain', resolve));
}

function nodeHome() {
  const verifier = createWebCryptoVerifier();
  return {
    ask: (line: string) => answerConformance(line, { verifier }),
    close: () => verifier.stop(),
  };
}
