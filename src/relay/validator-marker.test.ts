import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { nodeFiles } from './layout.ts';
import { validatorMarker } from './validator-marker.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabellion-marker-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('the mark of a validator outlives its database, not its folder', async () => {
  const files = nodeFiles(folder);
  expect(await validatorMarker(files.validatorStarted).isSet()).toBe(false);
  await validatorMarker(files.validatorStarted).set();
  await rm(files.database, { recursive: true, force: true });
  expect(await validatorMarker(files.validatorStarted).isSet()).toBe(true);
});
