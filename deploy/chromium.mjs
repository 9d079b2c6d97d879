// Finds Chrome or Chromium, and installs one where there is none. As a program it prints the path,
// and nothing else, on standard output; what it does goes to standard error.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const NAMES = [
  'chromium',
  'chromium-browser',
  'google-chrome-stable',
  'google-chrome',
  'chrome',
  'google-chrome-beta',
];
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
];
/** How the usual package managers install Chromium; each may fail, the next thing is then tried. */
const MANAGERS = [
  {
    program: 'apt-get',
    steps: [['update'], ['install', '-y', '--no-install-recommends', 'chromium']],
  },
  { program: 'apk', steps: [['add', '--no-cache', 'chromium']] },
  { program: 'dnf', steps: [['install', '-y', 'chromium']] },
  { program: 'pacman', steps: [['-Sy', '--noconfirm', 'chromium']] },
];

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function onPath(name) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder !== '' && isExecutable(join(folder, name))) return join(folder, name);
  }
  return undefined;
}

/** Distributions ship stubs that only tell how to install a snap: a browser answers `--version`. */
function answers(path) {
  if (process.platform === 'win32') return existsSync(path);
  return spawnSync(path, ['--version'], { timeout: 20_000, stdio: 'ignore' }).status === 0;
}

/** Where Playwright keeps its own download, once there is one. */
async function playwrightBrowser() {
  try {
    const { chromium } = await import('@playwright/test');
    return chromium.executablePath();
  } catch {
    return undefined;
  }
}

/** Path of a browser that runs, or undefined. Order: CHROME_PATH, the path, usual places. */
export async function findChromium() {
  const runs = (path) => path !== undefined && path !== '' && isExecutable(path) && answers(path);
  const found = [process.env.CHROME_PATH, ...NAMES.map(onPath), ...PLACES].find(runs);
  if (found !== undefined) return found;
  const downloaded = await playwrightBrowser();
  return runs(downloaded) ? downloaded : undefined;
}

function run(program, args) {
  process.stderr.write(`chromium: ${program} ${args.join(' ')}\n`);
  // Standard output is kept for the path.
  const stdio = ['ignore', 2, 2];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync(program, args, { stdio, env, cwd: root }).status === 0;
}

function installBySystem() {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return;
  const manager = MANAGERS.find(({ program }) => onPath(program) !== undefined);
  if (manager === undefined) return;
  process.stderr.write(`chromium: none found; installing it with ${manager.program}…\n`);
  // A stale index need not stop an installation, so each step is tried.
  for (const step of manager.steps) run(manager.program, step);
}

/** Finds a browser or installs one; rejects when neither works. */
export async function ensureChromium() {
  const found = await findChromium();
  if (found !== undefined) return found;
  installBySystem();
  const installed = await findChromium();
  if (installed !== undefined) {
    process.stderr.write(`chromium: installed by the system's package manager: ${installed}\n`);
    return installed;
  }
  process.stderr.write("chromium: none found; using the test tool's own download…\n");
  run(process.execPath, [
    join(root, 'node_modules', '@playwright', 'test', 'cli.js'),
    'install',
    'chromium',
  ]);
  const downloaded = await findChromium();
  if (downloaded !== undefined) {
    process.stderr.write(`chromium: downloaded by Playwright: ${downloaded}\n`);
    return downloaded;
  }
  throw new Error(
    'no Chrome or Chromium found, and none could be installed; install one, or name it in ' +
      'CHROME_PATH',
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.stdout.write(`${await ensureChromium()}\n`);
  } catch (error) {
    process.stderr.write(`chromium: ${error.message}\n`);
    process.exitCode = 1;
  }
}
