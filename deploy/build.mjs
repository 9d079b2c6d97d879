// Builds the app into dist/ with Vite. With `--if-stale`, only when a source changed since.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stampPath = join(root, 'node_modules', '.cache', 'tabellion', 'build.sha256');
const INPUTS = [
  'index.html',
  'package-lock.json',
  'package.json',
  'public',
  'src',
  'tsconfig.json',
  'vite.config.ts',
  'workers',
];
/** Sources that never reach the app. */
const NOT_BUILT =
  /\.(test|bench|test-d|conformance|spec)\.tsx?$|\.md$|\.vectors\.json$|\/vectors\//;

function* filesBelow(path) {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) yield* filesBelow(child);
    else if (entry.isFile()) yield child;
  }
}

/** Digest of every file that the app is made from, so that a touched file costs no build. */
function fingerprint() {
  const files = [];
  for (const name of INPUTS) {
    const path = join(root, name);
    if (!existsSync(path)) continue;
    if (/\.[a-z]+$/.test(name)) files.push(path);
    else files.push(...filesBelow(path));
  }
  const hash = createHash('sha256');
  for (const path of files.filter((each) => !NOT_BUILT.test(each)).sort()) {
    hash.update(path.slice(root.length)).update('\0').update(readFileSync(path)).update('\0');
  }
  return hash.digest('hex');
}

/** Builds, and returns the exit code of Vite. */
export function build({ onlyIfStale = false } = {}) {
  const wanted = fingerprint();
  const isBuilt = existsSync(join(root, 'dist', 'index.html')) && existsSync(stampPath);
  if (onlyIfStale && isBuilt && readFileSync(stampPath, 'utf8').trim() === wanted) return 0;
  if (onlyIfStale) console.log('building the app (once per change of its sources)…');
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const quiet = onlyIfStale ? ['--logLevel', 'warn'] : [];
  const run = spawnSync(process.execPath, [vite, 'build', ...quiet], {
    cwd: root,
    stdio: 'inherit',
  });
  if (run.status === 0) {
    mkdirSync(join(stampPath, '..'), { recursive: true });
    writeFileSync(stampPath, `${wanted}\n`);
  }
  return run.status ?? 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exit(build({ onlyIfStale: process.argv.includes('--if-stale') }));
}
