import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Tests that need no browser. Run all with `npm run unit`, one room with `… -- src/<room>`. */
export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['src/**/*.test.ts', 'src/**/*.test.tsx'],
    exclude: ['**/node_modules/**', '**/dist/**', 'e2e/**'],
    environment: 'node',
    // Two cores are what the smallest machines of continuous integration have.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    passWithNoTests: false,
    allowOnly: false,
    typecheck: { enabled: false },
  },
});
