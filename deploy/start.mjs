// `npm start`: builds the app when it is missing or stale, then becomes the local network.
// Arguments go on to it: `npm start -- --port 4800 --reset`.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const code = build({ onlyIfStale: true });
if (code !== 0) process.exit(code);

const main = join(root, 'src', 'relay', 'main.ts');
const child = spawn(process.execPath, [main, 'devnet', ...process.argv.slice(2)], {
  stdio: 'inherit',
});

// A terminal sends Ctrl-C to the whole group, so the network has it already and this process only
// waits. A signal sent to this process alone is passed on.
let isStopping = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (isStopping || (signal === 'SIGINT' && process.stdin.isTTY)) return;
    isStopping = true;
    child.kill(signal);
  });
}
child.on('error', (error) => {
  console.error(`start: ${error.message}`);
  process.exit(1);
});
child.on('exit', (status, signal) => {
  process.exit(status ?? (signal === 'SIGINT' || signal === 'SIGTERM' ? 0 : 1));
});
