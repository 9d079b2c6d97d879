import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { startRelay } from '../../../deploy/relay-process.ts';

// A program that starts another one, says its number, and waits to be ended.

const program = fileURLToPath(new URL('./stubborn.ts', import.meta.url));
const started = startRelay(['meek'], { program });
await started.ready();
process.stdout.write(`${JSON.stringify({ kind: 'ready', pid: started.pid })}\n`);
