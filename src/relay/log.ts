import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Tracer } from '../base/index.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LEVELS)[number];

/** Reads a level's name. */
export function parseLogLevel(text: string): LogLevel | undefined {
  return LEVELS.find((level) => level === text);
}

/** Structured lines: one JSON object each, `time`, `level`, `event`, then the facts. */
export type Log = Tracer & { close(): Promise<void> };

/** Logs to a file, or to standard error without one. */
export async function openLog(path: string | undefined, level: LogLevel): Promise<Log> {
  if (path !== undefined) await mkdir(dirname(path), { recursive: true });
  const stream = path === undefined ? process.stderr : createWriteStream(path, { flags: 'a' });
  // A log that cannot be written, on a full disk, must not end the node.
  if (path !== undefined) stream.on('error', () => undefined);
  const lowest = LEVELS.indexOf(level);
  return {
    trace(of, event, facts = {}) {
      if (LEVELS.indexOf(of) < lowest) return;
      const line = JSON.stringify({ time: new Date().toISOString(), level: of, event, ...facts });
      stream.write(`${line}\n`);
    },
    close: () =>
      new Promise((resolve) => {
        if (path === undefined) resolve();
        else stream.end(() => resolve());
      }),
  };
}
