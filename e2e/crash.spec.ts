import { spawn } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, test } from '@playwright/test';
import { factOf, heightIn, shownHeight, untilFollowing, untilHeight } from './support/look.ts';
import type { Network } from './support/network.ts';
import { startNetwork } from './support/network.ts';
import type { Payer } from './support/payer.ts';
import { openPayer, someAddress } from './support/payer.ts';
import type { Person } from './support/person.ts';
import { openPerson } from './support/person.ts';

const MAIN_FILE = new URL('../src/crash-test/main.ts', import.meta.url).pathname;
const APP_FOLDER = resolve(process.env.APP_FOLDER ?? 'dist');

/** Where `npm run crash-test` is told to build its app. */
const CRASH_TEST_APP = resolve('node_modules/.cache/tabellion/crash-test-app');

/** Every script of a built app, its workers' included, by its path. */
async function scriptsOf(app: string): Promise<ReadonlyMap<string, string>> {
  const names = await readdir(app, { recursive: true });
  const scripts = names.filter((name) => name.endsWith('.js'));
  const texts = scripts.map((name) => readFile(join(app, name), 'utf8'));
  return new Map((await Promise.all(texts)).map((text, at) => [scripts[at] ?? '', text]));
}

/** Runs `npm run crash-test` with some words; returns its lines. */
function crashTest(...words: readonly string[]): Promise<readonly string[]> {
  const child = spawn(process.execPath, [MAIN_FILE, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, CRASH_TEST_APP },
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  return new Promise((settle) => {
    child.once('close', (code) => settle([...output.trimEnd().split('\n'), `code ${code}`]));
  });
}

test('a relay killed where it writes loses nothing, and never votes twice', async () => {
  test.setTimeout(240_000);
  const points = [
    ...['signing-mark-drafted', 'checkpoint-switch-begun', 'everybody', 'revote'],
    ...['wal-append-done', 'torn-database', 'genesis-done'],
  ].join();
  const lines = await crashTest(
    '--home',
    'relay',
    '--rounds',
    '7',
    '--seed',
    '20',
    '--point',
    points,
  );
  expect(lines.slice(-2), lines.join('\n')).toEqual(['8 passed, 0 missed, 0 failed', 'code 0']);
});

test('a browser killed where its tab writes opens at the old head or a new one', async () => {
  test.setTimeout(240_000);
  const points = 'checkpoint-pages-done,commit-begun';
  const lines = await crashTest(
    '--home',
    'browser',
    '--rounds',
    '2',
    '--seed',
    '20',
    '--point',
    points,
  );
  // What the next test looks for is there to be found.
  const texts = [...(await scriptsOf(CRASH_TEST_APP)).values()];
  expect(texts.some((text) => text.includes('crash-point'))).toBe(true);
  expect(lines.slice(-2), lines.join('\n')).toEqual(['3 passed, 0 missed, 0 failed', 'code 0']);
});

test('a relay killed while it takes over a state goes on with what it has', async () => {
  test.setTimeout(300_000);
  const points = [
    ...['snapshot-begin-done', 'snapshot-chunks-begun', 'snapshot-chunks-done', 'moment'],
    ...['snapshot-finish-begun', 'snapshot-switch-begun', 'snapshot-sweep-begun'],
    ...['prune-begun', 'checkpoint-switch-done', 'snapshot-switch-done', 'store-write-done'],
    ...['prune-done', 'page-repair-begun', 'page-repair-done'],
  ].join();
  const words = ['--home', 'late-relay', '--rounds', '14', '--seed', '20', '--point', points];
  const lines = await crashTest(...words);
  expect(lines.slice(-2), lines.join('\n')).toEqual(['15 passed, 0 missed, 0 failed', 'code 0']);
  expect(lines.at(-3)).toMatch(/([2-9]|1\d) states taken over, ([2-9]|1\d) times resumed/);
  expect(lines.at(-3)).toMatch(/, [1-9]\d* pages put back/);
});

test('a browser killed while its tab takes over a state goes on with what it has', async () => {
  test.setTimeout(300_000);
  const points = [
    ...['snapshot-chunks-begun', 'snapshot-chunks-done', 'snapshot-finish-done'],
    ...['snapshot-switch-begun', 'snapshot-sweep-begun', 'prune-done'],
  ].join();
  const words = ['--home', 'late-browser', '--rounds', '6', '--seed', '20', '--point', points];
  const lines = await crashTest(...words);
  expect(lines.slice(-2), lines.join('\n')).toEqual(['7 passed, 0 missed, 0 failed', 'code 0']);
});

test('the app that people get has no crash points to order', async () => {
  const scripts = await scriptsOf(APP_FOLDER);
  const isNodeWorker = (name: string) => /node\.worker-[^/]*\.js$/.test(name);
  expect([...scripts.keys()].filter(isNodeWorker)).toHaveLength(1);
  for (const [name, text] of scripts) expect(text.includes('crash-point'), name).toBe(false);
});

test('a validator that forgets its votes is found out', async () => {
  test.setTimeout(120_000);
  const words = ['--home', 'relay', '--forgetful', '--rounds', '1', '--point', 'revote'];
  const lines = await crashTest(...words);
  expect(lines.at(-1)).toBe('code 1');
  const told = lines.find((line) => line.includes('revote FAILED'));
  expect(told, lines.join('\n')).toMatch(/voted twice: member \d, prevote/);
});

test('crash-test refuses what would prove nothing', async () => {
  const nothing = ['--rounds', '0'];
  const relayOnly = ['--home', 'relay,browser', '--point', 'everybody'];
  const forgetfulTab = ['--home', 'browser', '--forgetful'];
  for (const words of [nothing, relayOnly, forgetfulTab, ['--point', 'nowhere']]) {
    expect(await crashTest(...words), words.join(' ')).toEqual(['', 'code 2']);
  }
  expect((await crashTest('--help')).at(-1)).toBe('code 0');
});

test.describe('a browser that is out of space', () => {
  /** Less than the payments below need, more than an opening does: its caches grow by 220 KB. */
  const ROOM_BYTES = 256 * 1024;
  let network: Network;
  let payer: Payer;
  let person: Person;
  let profile: string;

  test.beforeAll(async () => {
    test.setTimeout(120_000);
    network = await startNetwork();
    payer = await openPayer(network.rpc);
    person = await openPerson(`${network.url}/node`);
    profile = person.profile;
  });

  test.afterAll(async () => {
    await person?.close();
    if (profile !== undefined) await rm(profile, { recursive: true, force: true });
    payer?.close();
    await network?.stop();
  });

  test('says so in words, keeps the old head, and goes on when there is room', async () => {
    test.setTimeout(180_000);
    await untilFollowing(person.page);
    await payer.makeBlocks(someAddress(), 3);
    const { head } = await payer.client.call('node.status', {});
    await untilHeight(person.page, head.height);
    // The service worker's files count as well, and what a browser makes of them when it reads
    // them again.
    await person.context.close();
    person = await openPerson(`${network.url}/node`, { profile });
    await untilFollowing(person.page);
    await person.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    const usage = await person.page.evaluate(
      async () => (await navigator.storage.estimate()).usage,
    );
    // A browser asks for its quota once, and then not for a while: one that starts asks anew.
    await person.context.close();
    person = await openPerson('about:blank', { profile });
    const { page } = person;
    const session = await person.context.newCDPSession(page);
    const { origin } = new URL(network.url);
    const quotaSize = (usage ?? 0) + ROOM_BYTES;
    await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize });
    await page.goto(`${network.url}/node`);
    await untilFollowing(page);

    const words = page.getByText('This device is out of space');
    for (let turn = 0; turn < 20 && !(await words.isVisible()); turn++) {
      await payer.stream(someAddress(), 60);
    }
    await expect(words).toBeVisible();
    await expect(page.getByRole('heading', { name: 'Stopped' })).toBeVisible();
    const kept = await shownHeight(page);
    expect(kept).toBeGreaterThanOrEqual(head.height);

    await session.send('Storage.overrideQuotaForOrigin', { origin });
    // It would go on by itself within a quarter of a minute; a person does not wait for that.
    await page.reload();
    const started = factOf(page, 'Started from');
    await expect(started).toHaveText(/^#/);
    expect(heightIn((await started.textContent()) ?? '')).toBe(kept);
    await untilFollowing(page);
    await payer.makeBlocks(someAddress(), 1);
    const { head: after } = await payer.client.call('node.status', {});
    expect(after.height).toBeGreaterThan(kept);
    await untilHeight(page, after.height);
    await expect(words).toBeHidden();
  });
});
