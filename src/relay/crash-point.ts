import type { CrashPoint } from '../node/index.ts';
import { CRASH_POINTS } from '../node/index.ts';

/**
 * `TABELLION_CRASH_POINT=NAME:COUNT` ends this process, as a loss of power would, when it passes a
 * place that writes for the COUNT-th time; `parent` lets the process that started it say so later.
 * For `npm run crash-test`. Whoever sets this environment could end the process anyway.
 */
const VARIABLE = 'TABELLION_CRASH_POINT';
const KNOWN: ReadonlySet<string> = new Set(Object.values(CRASH_POINTS).flat());

let armed: { readonly name: string; left: number } | undefined;

function arm(text: string): void {
  const [name = '', count = '1'] = text.split(':');
  if (!KNOWN.has(name)) throw new Error(`no crash point is called ${name}`);
  armed = { name, left: Number(count) };
}

/** Reads the environment, once, before anything is written. */
export function armCrashPoints(): void {
  const text = process.env[VARIABLE];
  if (text === undefined || text === '') return;
  if (text !== 'parent') {
    arm(text);
    return;
  }
  process.on('message', (message) => {
    if (typeof message !== 'object' || message === null || !('crashPoint' in message)) return;
    arm(String(message.crashPoint));
  });
}

/** Says that a place is passed. */
export function passCrashPoint(name: CrashPoint): void {
  if (armed?.name !== name) return;
  armed.left -= 1;
  if (armed.left === 0) process.kill(process.pid, 'SIGKILL');
}
