import process from 'node:process';

// A program that does not stop when it is asked to, unless its word is `meek`; told `quiet`, it
// never says that it is ready.

const word = process.argv[2];
if (word !== 'meek') process.on('SIGTERM', () => undefined);
setInterval(() => undefined, 1_000);
if (word === 'quiet') process.stderr.write('nothing to say\n');
else {
  process.stdout.write('a line for people\n{"kind":"progress"}\n');
  process.stdout.write(`${JSON.stringify({ kind: 'ready', word })}\n`);
}
