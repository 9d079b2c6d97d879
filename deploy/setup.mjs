// Set-up of a clone: runs before `npm start` and `npm test`, on whatever Node.js the machine has
// (20 or later), before any dependency exists. Does nothing when nothing changed.
//
// npm puts node_modules/.bin first on the path of each script, so once the `node` package is
// installed, the script that follows this one finds Node.js 24 there. A shell that has already
// looked `node` up would keep the old one: that is why this is a script of its own.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stampPath = join(root, 'node_modules', '.cache', 'tabellion', 'setup.json');
const nodePath = join(root, 'node_modules', '.bin', 'node');
const NODE_MAJOR_MIN = 24;

/** What an installation depends on: the lockfile, npm's settings and the local stand-ins. */
function fingerprint() {
  const hash = createHash('sha256');
  for (const name of ['package-lock.json', '.npmrc']) {
    hash.update(name).update(readFileSync(join(root, name)));
  }
  const { dependencies, devDependencies, overrides } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  );
  hash.update(JSON.stringify({ dependencies, devDependencies, overrides }));
  return hash.digest('hex');
}

function isInstalled(wanted) {
  if (!existsSync(nodePath) || !existsSync(stampPath)) return false;
  try {
    return JSON.parse(readFileSync(stampPath, 'utf8')).fingerprint === wanted;
  } catch {
    return false;
  }
}

/** A clone that was installed by hand (`npm install`) needs only its stamp. */
function isInstalledByHand() {
  const hidden = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(nodePath) || !existsSync(hidden)) return false;
  const installed = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  const locked = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  for (const [path, entry] of Object.entries(locked)) {
    if (path === '' || entry.link || entry.optional || !path.startsWith('node_modules/')) continue;
    if (installed[path]?.version !== entry.version) return false;
  }
  return true;
}

/** Runs npm with the terminal's output, or with its output gathered. */
function npm(args, { isQuiet }) {
  const script = process.env.npm_execpath;
  const [command, prefix] = script ? [process.execPath, [script]] : ['npm', []];
  return new Promise((resolve) => {
    const child = spawn(command, [...prefix, ...args, '--no-audit', '--no-fund'], {
      cwd: root,
      stdio: ['ignore', isQuiet ? 'pipe' : 'inherit', isQuiet ? 'pipe' : 'inherit'],
      shell: process.platform === 'win32',
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        output += chunk;
      });
    }
    child.on('error', (error) => resolve({ code: 1, output: error.message }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/**
 * Installs exactly what the lockfile says. `npm ci` also insists that the lockfile knows the
 * optional packages of every other system, which some registries do not carry; `npm install` keeps
 * to the same versions and digests without that, and `--no-save` leaves the lockfile alone.
 */
async function install() {
  console.log('set-up: installing dependencies, once per clone; about a minute…');
  const startedMs = performance.now();
  const ticker = setInterval(() => {
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    console.log(`set-up: still installing (${seconds} s)…`);
  }, 10_000);
  const clean = await npm(['ci'], { isQuiet: true });
  let { code } = clean;
  if (code !== 0 && clean.output.includes('EUSAGE')) {
    console.log('set-up: optional packages of other systems are unknown here; going on without…');
    ({ code } = await npm(['install', '--no-save', '--loglevel', 'error'], { isQuiet: false }));
  } else if (code !== 0) console.error(clean.output);
  clearInterval(ticker);
  return code;
}

/** Version of the Node.js in node_modules, or why there is none. */
function productNode() {
  const run = spawnSync(nodePath, ['--version'], { encoding: 'utf8' });
  const version = (run.stdout ?? '').trim();
  const major = Number(/^v(\d+)\./.exec(version)?.[1] ?? 0);
  return { version, isGood: run.status === 0 && major >= NODE_MAJOR_MIN };
}

/** The package `node` fetches its program in an install script, which some settings forbid. */
function repairNode() {
  const script = join(root, 'node_modules', 'node', 'installArchSpecificPackage.js');
  if (!existsSync(script)) return;
  console.log('set-up: Node.js was not unpacked by npm; running its install script…');
  spawnSync(process.execPath, [script], { cwd: join(root, 'node_modules', 'node') });
}

function fail(message) {
  console.error(`set-up: ${message}`);
  if (process.env.npm_lifecycle_event === 'pretest') console.log('0 passed, 1 failed');
  process.exit(1);
}

const startedMs = performance.now();
const wanted = fingerprint();
if (!isInstalled(wanted)) {
  const code = isInstalledByHand() ? 0 : await install();
  if (code !== 0) fail(`npm ended with code ${code}; its messages are above.`);
  if (!productNode().isGood) repairNode();
  const node = productNode();
  if (!node.isGood) {
    fail(
      `Node.js ${NODE_MAJOR_MIN} is needed in node_modules/.bin, found ` +
        `${node.version || 'none'}. The package "node" needs its install script; ` +
        'allow it (npm 11: `npm approve-scripts node`), then run `npm ci`.',
    );
  }
  mkdirSync(join(stampPath, '..'), { recursive: true });
  writeFileSync(stampPath, `${JSON.stringify({ fingerprint: wanted, node: node.version })}\n`);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`set-up: ready in ${seconds} s (Node.js ${node.version})`);
}
