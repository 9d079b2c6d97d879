import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import { build } from 'vite';
import { ensureChromium } from '../../deploy/chromium.mjs';
import type { Json } from '../base/index.ts';

const ORIGIN = 'http://localhost:65501';
const PAGE = `<!doctype html><title>conformance</title><script type="module">
const worker = new Worker('/worker.js', { type: 'module' });
const waiting = [];
worker.onmessage = ({ data }) => waiting.shift()(data);
globalThis.ask = (line) =>
  new Promise((resolve) => {
    waiting.push(resolve);
    worker.postMessage(line);
  });
</script>`;

/** Answers the same lines in a dedicated worker of a real Chromium. */
export async function openBrowserHome(): Promise<{
  ask(line: string): Promise<Json>;
  close(): Promise<void>;
}> {
  const executablePath = await ensureChromium();
  const folder = await mkdtemp(join(tmpdir(), 'tabellion-conformance-'));
  const script = await bundle(folder);
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  const page = await browser.newPage();
  await page.route(`${ORIGIN}/**`, (route) =>
    route.request().url().endsWith('/worker.js')
      ? route.fulfill({ contentType: 'text/javascript', body: script })
      : route.fulfill({ contentType: 'text/html', body: PAGE }),
  );
  await page.goto(ORIGIN);
  await page.waitForFunction(() => 'ask' in globalThis);
  return {
    ask: (line) =>
      // The page defines `ask`, and answers with what `answerConformance` gave: JSON.
      page.evaluate(
        (text) => (globalThis as unknown as { ask(line: string): Promise<Json> }).ask(text),
        line,
      ),
    async close() {
      await browser.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function bundle(folder: string): Promise<string> {
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      outDir: folder,
      target: 'es2023',
      lib: {
        entry: fileURLToPath(new URL('../../workers/conformance.worker.ts', import.meta.url)),
        formats: ['es'],
        fileName: () => 'worker.js',
      },
      rolldownOptions: { output: { codeSplitting: false } },
    },
  });
  return readFile(join(folder, 'worker.js'), 'utf8');
}
