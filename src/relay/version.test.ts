import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { VERSION } from './version.ts';

test('the version is that of package.json', () => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  expect(VERSION).toBe(JSON.parse(text).version);
});

test('the tab says the same version', () => {
  const entry = readFileSync(new URL('../../workers/node.worker.ts', import.meta.url), 'utf8');
  expect(entry).toContain(`const VERSION = '${VERSION}';`);
});
