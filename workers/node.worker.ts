import { allowOwnScripts } from '../src/base/index.ts';
import { browserTransports } from '../src/network/browser.ts';
import type { PageLike, TabNodeInit, TabNodeParts } from '../src/sdk/index.ts';
import { serveTabNode, startTabNode } from '../src/sdk/index.ts';
import { MemoryStore } from '../src/storage/index.ts';
import { IndexedDbStore } from '../src/storage/indexed-db-store.ts';
import { createPooledVerifier, verifierPortOf } from '../src/verifier/index.ts';
import { type CrashTest, haltAtCrashPoint } from './crash-point.ts';

const VERSION = '0.1.0';
/** More workers than cores would only take turns; one core is left to execution and page. */
const VERIFIERS_MAX = 4;

allowOwnScripts(globalThis);
function createVerifier() {
  const count = Math.max(1, Math.min(VERIFIERS_MAX, navigator.hardwareConcurrency - 1));
  const workers = Array.from({ length: count }, () =>
    verifierPortOf(
      new Worker(new URL('./verifier.worker.ts', import.meta.url), { type: 'module' }),
    ),
  );
  return createPooledVerifier({ workers });
}
const crashTest: CrashTest = import.meta.env.MODE === 'crash-test' ? haltAtCrashPoint() : {};
const parts: TabNodeParts = {
  ...crashTest,
  openStore: (name, options) => IndexedDbStore.open(name, { ...crashTest, ...options }),
  openShelter: () => new MemoryStore(),
  transports: (rtcPort) => browserTransports({ rtcPort }),
  createVerifier,
  version: VERSION,
};
serveTabNode({
  ...crashTest,
  // In a dedicated worker the global scope is one end of the line to its page.
  page: globalThis as unknown as PageLike,
  // The page of this worker is part of this program, and gives just this.
  start: (lead, init, ground) =>
    startTabNode(parts, lead, { ...(init as TabNodeInit), ...crashTest }, ground),
});
