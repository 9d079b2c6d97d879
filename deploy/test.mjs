// `npm test`: the stages in order, one line each with its time, the output of those that fail, and
// as the last line the sum: `N passed, N failed`. `--only types,lint` runs some of them.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name) => join(root, 'node_modules', '.bin', name);
const reports = join(root, 'node_modules', '.cache', 'tabellion', 'reports');
const OUTPUT_LINES_MAX = 200;

/** Runs a program and gathers what it prints. */
function run(program, args, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: root,
      // Some programs take any FORCE_COLOR, even 0, for a wish.
      env: { ...process.env, FORCE_COLOR: undefined, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.on('error', (error) => resolve({ code: 1, output: error.message }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** A stage that counts as one check. */
async function one(program, args) {
  const { code, output } = await run(program, args);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, output };
}

function readReport(path) {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Failing without a failed test (a file that does not load, an unhandled error) is one failure. */
function summed(code, counts, output) {
  const isSilentFailure = code !== 0 && counts.failed === 0;
  return { ...counts, failed: counts.failed + (isSilentFailure ? 1 : 0), output };
}

async function vitest(name, filters) {
  const path = join(reports, `${name}.json`);
  rmSync(path, { force: true });
  const { code, output } = await run(bin('vitest'), [
    'run',
    '--config',
    'deploy/vitest.config.ts',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${path}`,
    ...filters,
  ]);
  const report = readReport(path);
  const emptyFailures = (report?.testResults ?? []).filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  ).length;
  const counts = {
    passed: report?.numPassedTests ?? 0,
    failed: (report?.numFailedTests ?? 0) + emptyFailures,
    skipped: (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0),
  };
  return summed(code, counts, output);
}

async function playwright() {
  const path = join(reports, 'e2e.json');
  rmSync(path, { force: true });
  const { code, output } = await run(bin('playwright'), ['test', '--reporter=list,json'], {
    PLAYWRIGHT_JSON_OUTPUT_FILE: path,
  });
  const stats = readReport(path)?.stats;
  const counts = {
    // What passed only when repeated is told by name above the sum, and deserves a look.
    passed: (stats?.expected ?? 0) + (stats?.flaky ?? 0),
    failed: stats?.unexpected ?? 0,
    skipped: stats?.skipped ?? 0,
  };
  if ((stats?.flaky ?? 0) > 0) {
    console.log(`  flaky: ${stats.flaky} passed only when repeated`);
    for (const line of output.split('\n')) if (/✘|×/.test(line)) console.log(`  ${line.trim()}`);
  }
  return summed(code, counts, output);
}

/** Later stages need what earlier ones made; `needs` names it. */
const STAGES = [
  { name: 'types', run: () => one(bin('tsc'), ['-p', '.', '--noEmit']) },
  { name: 'lint', run: () => one(bin('biome'), ['ci', '--error-on-warnings', '--colors=off']) },
  { name: 'tidy', isAlias: true, run: () => vitest('tidy', ['src/tidy.test.ts']) },
  { name: 'unit', run: () => vitest('unit', []) },
  { name: 'build', run: () => one(process.execPath, ['deploy/build.mjs']) },
  { name: 'browser', run: () => one(process.execPath, ['deploy/chromium.mjs']) },
  { name: 'e2e', needs: ['build', 'browser'], run: playwright },
];

function chosenStages() {
  const at = process.argv.indexOf('--only');
  // House rules are part of the unit tests; on their own they run only when asked for.
  if (at === -1) return STAGES.filter((stage) => stage.isAlias !== true);
  const wanted = (process.argv[at + 1] ?? '').split(',');
  const known = STAGES.map((stage) => stage.name);
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    console.error(`test: no stage ${unknown.join(', ')}; there are ${known.join(', ')}`);
    process.exit(2);
  }
  return STAGES.filter((stage) => wanted.includes(stage.name));
}

function tail(output) {
  const lines = output.trimEnd().split('\n');
  const hidden = lines.length - OUTPUT_LINES_MAX;
  return hidden > 0
    ? [`… ${hidden} lines more above …`, ...lines.slice(-OUTPUT_LINES_MAX)].join('\n')
    : lines.join('\n');
}

mkdirSync(reports, { recursive: true });
const total = { passed: 0, failed: 0 };
const broken = new Set();
for (const stage of chosenStages()) {
  const label = stage.name.padEnd(8);
  const missing = (stage.needs ?? []).filter((name) => broken.has(name));
  if (missing.length > 0) {
    total.failed += 1;
    broken.add(stage.name);
    console.log(`✗ ${label} not run: ${missing.join(', ')} failed`);
    continue;
  }
  const startedMs = performance.now();
  const result = await stage.run();
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  total.passed += result.passed;
  total.failed += result.failed;
  const skipped = result.skipped ? `, ${result.skipped} skipped` : '';
  const counts = `${result.passed} passed, ${result.failed} failed${skipped}`;
  console.log(`${result.failed === 0 ? '✓' : '✗'} ${label} ${counts} (${seconds} s)`);
  if (result.failed > 0) {
    broken.add(stage.name);
    console.log(`${tail(result.output)}\n`);
  } else if (stage.name === 'browser') {
    console.log(`  ${result.output.trim().split('\n').join('\n  ')}`);
  }
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
