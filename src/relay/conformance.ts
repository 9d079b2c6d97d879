import { createInterface } from 'node:readline';
import { loadFastHashing } from '../crypto/index.ts';
import { answerConformance } from '../sdk/index.ts';
import { createWebCryptoVerifier } from '../verifier/index.ts';

// Reads JSON lines on standard input, answers each on standard output, in order.
await loadFastHashing();
const answer = process.argv.includes('--browser')
  ? await (await import('./conformance-browser.ts')).openBrowserHome()
  : nodeHome();
for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() === '') continue;
  process.stdout.write(`${JSON.stringify(await answer.ask(line))}\n`);
}
await answer.close();

function nodeHome() {
  const verifier = createWebCryptoVerifier();
  return {
    ask: (line: string) => answerConformance(line, { verifier }),
    close: () => verifier.stop(),
  };
}
