import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Fault } from './drive/faults.ts';
import { FAULTS } from './drive/faults.ts';
import { VALIDATORS } from './drive/relays.ts';
import { run } from './drive/run.ts';
import { RULES } from './history.ts';
import { describeEntry, judge } from './judge/judge.ts';
import { judgePublicHistory, loadPublicHistories } from './public-histories.ts';

const USAGE = `Usage: npm run consistency -- [--seconds T] [--seed S] [--clients N] [--faults LIST]
                              [--keep]
       npm run -s consistency -- --vectors [PATH]

Runs clients against four validators while harm is done, then judges all that they were told.
  --seconds T    how long clients live (30)
  --seed S       what is done, and to whom (by chance); what happens in between is the machine's
  --clients N    ${VALIDATORS} or more, each at a relay of its own or, beyond four, shared (8)
  --faults LIST  of ${FAULTS.join(', ')}; or none (all of them)
  --keep         leaves the validators' data and logs behind, and says where
  --vectors PATH judges histories with known verdicts instead`;

/** Violations of one rule that are shown; one fault breaks a promise many times. */
const SHOWN_PER_RULE = 4;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function scoreVectors(path: string): Promise<boolean> {
  const histories = await loadPublicHistories(path);
  const wrong = histories.filter((history) => {
    const verdict = judgePublicHistory(history);
    if (verdict === history.linearizable) return false;
    say(`  ✗ ${history.name}: ${verdict}, where ${history.linearizable} is known`);
    return true;
  });
  say(`${histories.length - wrong.length} passed, ${wrong.length} failed`);
  return wrong.length === 0 && histories.length > 0;
}

function faultsOf(text: string): readonly Fault[] | undefined {
  if (text === 'none') return [];
  const names = text.split(',');
  const known = FAULTS.filter((fault) => names.includes(fault));
  return known.length === names.length ? known : undefined;
}

async function runAndJudge(options: Parameters<typeof run>[0]): Promise<boolean> {
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => abort.abort());
  say(`Seed ${options.seed}, faults ${options.faults.join(',') || 'none'}`);
  const { record, faults } = await run(options, abort.signal);
  const { violations, blocks, executed, operations } = judge(record);
  const done = [...faults].map(([fault, count]) => `${count} × ${fault}`).join(', ') || 'none';
  say(`  ${record.entries.length} answers, ${record.transfers.length} transfers signed`);
  say(`  ${blocks} blocks with ${executed} transactions, ${operations} operations in order`);
  say(`  faults: ${done}`);
  for (const rule of new Set(violations.map((each) => each.rule))) {
    const ofRule = violations.filter((each) => each.rule === rule);
    say(`✗ ${rule}: ${RULES[rule]} (${ofRule.length})`);
    for (const { text, evidence } of ofRule.slice(0, SHOWN_PER_RULE)) {
      say(`  ${text}`);
      for (const entry of evidence) say(`    ${describeEntry(entry)}`);
    }
  }
  const broken = new Set(violations.map(({ rule }) => rule)).size;
  say(`${Object.keys(RULES).length - broken} passed, ${broken} failed`);
  return broken === 0;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '30' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
      clients: { type: 'string', default: '8' },
      faults: { type: 'string', default: FAULTS.join(',') },
      keep: { type: 'boolean', default: false },
      vectors: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return say(USAGE);
  if (values.vectors) {
    const own = fileURLToPath(new URL('./vectors/', import.meta.url));
    process.exitCode = (await scoreVectors(positionals[0] ?? own)) ? 0 : 1;
    return;
  }
  const faults = faultsOf(values.faults);
  const [seconds, seed, clients] = [values.seconds, values.seed, values.clients].map(Number);
  const isWhole = [seconds, seed, clients].every((each) => Number.isInteger(each));
  if (!isWhole || !(Number(seconds) > 0) || Number(clients) < VALIDATORS || faults === undefined) {
    process.stderr.write(`${USAGE}\n`);
    process.exitCode = 2;
    return;
  }
  const numbers = { seconds: seconds ?? 0, seed: seed ?? 0, clients: clients ?? 0 };
  const options = { ...numbers, faults, mustKeep: values.keep, say };
  process.exitCode = (await runAndJudge(options)) ? 0 : 1;
}

try {
  await main();
} catch (error) {
  // Relays that do not come together again, or answer what no rule foresees.
  process.stderr.write(`✗ ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
}
