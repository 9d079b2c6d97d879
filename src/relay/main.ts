#!/usr/bin/env node
import { createProgram } from './commands.ts';
import { armCrashPoints } from './crash-point.ts';
import { reportFailure } from './failure.ts';

const isJson = process.argv.includes('--json');
try {
  armCrashPoints();
  await createProgram().parseAsync(process.argv);
} catch (error) {
  reportFailure(error, isJson);
  process.exitCode = 1;
}
