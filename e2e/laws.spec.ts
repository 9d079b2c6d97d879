import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@playwright/test';
import type { ChromiumHome } from '../deploy/chromium-home.ts';
import { openChromiumHome } from '../deploy/chromium-home.ts';
import type { Json } from '../src/base/index.ts';
import { countsOf, VECTOR_COUNTS, vectorLines } from '../src/sdk/conformance/vectors.fixture.ts';
import { answerConformance } from '../src/sdk/index.ts';
import { createReferenceVerifier, createWebCryptoVerifier } from '../src/verifier/index.ts';
import type * as Laws from './support/laws-entry.ts';
import { digests } from './support/laws-entry.ts';

const vectors = vectorLines();
const VECTORS_FILE = 'vectors.jsonl';
const lines = vectors.map(({ line }) => line);
let home: ChromiumHome;

test.beforeAll(async () => {
  home = await openChromiumHome({
    entry: new URL('./support/laws-entry.ts', import.meta.url),
    files: new Map([[VECTORS_FILE, new TextEncoder().encode(lines.join('\n'))]]),
  });
});

test.afterAll(() => home?.close());

test('IndexedDB obeys every law of the key-value store', async () => {
  const results = await home.call<Awaited<ReturnType<typeof Laws.store>>>('store');
  expect(results.length).toBeGreaterThan(5);
  expect(results.filter(({ failure }) => failure !== undefined)).toEqual([]);
});

test('the browser judges signatures as the reference does', async () => {
  const { claims, differences } =
    await home.call<Awaited<ReturnType<typeof Laws.verdicts>>>('verdicts');
  expect(claims).toBe(240);
  expect(differences).toEqual([]);
});

test('digests and state roots are those of Node.js', async () => {
  expect(await home.call<string[]>('fastDigests')).toEqual(digests());
});

/** Names of the cases whose answers differ. */
function differing(left: readonly Json[], right: readonly Json[]): string[] {
  return vectors.flatMap(({ name }, at) =>
    JSON.stringify(left[at]) === JSON.stringify(right[at]) ? [] : [name],
  );
}

test('published signatures and assertions have one verdict in both homes and engines', async () => {
  expect(countsOf(vectors)).toEqual(VECTOR_COUNTS);
  const published = vectors.map(({ answer }) => answer);
  for (const verifier of ['reference', 'engine'] as const) {
    const here = verifier === 'reference' ? createReferenceVerifier() : createWebCryptoVerifier();
    const inNode: Json[] = [];
    for (const line of lines) inNode.push(await answerConformance(line, { verifier: here }));
    const inBrowser = await home.call<Json[]>('answers', VECTORS_FILE, verifier);
    expect(inBrowser).toHaveLength(lines.length);
    expect(differing(inBrowser, inNode), `${verifier}: Chromium against Node.js`).toEqual([]);
    expect(differing(inBrowser, published), `${verifier}: as published`).toEqual([]);
  }
});

test('the conformance command answers the same in a browser, whatever the line', async () => {
  const some = new Map(
    vectors.map((each) => [`${each.source} ${JSON.stringify(each.answer)}`, each]),
  );
  const asked = [
    ...[...some.values()].map(({ line }) => line),
    '{"op":"help"}',
    '{"op":"hash","input":{"suite":"blake3","data":"616263"}}',
    '{"op":"hash","input":{"suite":"sha256","data":"616263"}}',
    '{"op":"state.root","input":{"entries":[{"key":"00","value":"\u2028"}]}}',
    '{"op":"state.root","input":{"entries":[{"key":"00","value":"0102","changedAt":7}]}}',
    '{"op":"address.parse","input":{"address":"tab1"}}',
    '{"op":"transaction.decode","input":{"bytes":"00"}}',
    '{"op":"__proto__","input":{}}',
    'nonsense',
    '['.repeat(100_000),
  ];
  expect(asked.length).toBeGreaterThan(25);
  const verifier = createWebCryptoVerifier();
  const program = fileURLToPath(new URL('../src/relay/conformance.ts', import.meta.url));
  const child = spawn(process.execPath, [program, '--browser'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  child.stdin.end(asked.join('\n'));
  const output = await text(child.stdout);
  expect(await ended).toEqual([0, null]);
  const given = output.trimEnd().split('\n');
  expect(given).toHaveLength(asked.length);
  for (const [at, line] of asked.entries()) {
    const answer = await answerConformance(line, { verifier });
    expect(JSON.parse(given[at] ?? ''), line.slice(0, 80)).toEqual(answer);
  }
});
