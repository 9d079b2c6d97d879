import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const BUILD = join(import.meta.dirname, '..', '..', 'deploy', 'build.mjs');

/** The folder of the built app, built anew when a source changed since; or one built elsewhere. */
export function builtApp(): string {
  const elsewhere = process.env.APP_FOLDER;
  if (elsewhere !== undefined) return elsewhere;
  const { status } = spawnSync(process.execPath, [BUILD, '--if-stale'], { stdio: 'inherit' });
  if (status !== 0) throw new Error('the app could not be built');
  return 'dist';
}
