import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { openChromiumHome } from '../deploy/chromium-home.ts';
import { loadFastHashing } from '../src/crypto/index.ts';
import type { Bench, Figure } from './bench.ts';
import { summarize } from './bench.ts';
import { PROFILE_FOLDER, profileHere, profileTab } from './profile.ts';
import { REFERENCE_TRANSFERS, recordEthereum, validateEthereum } from './validate/ethereum.ts';
import { runInNode } from './validate/node.ts';
import { recordChain } from './validate/record.ts';
import { encodeRecorded, TRANSFERS } from './validate/recorded.ts';
import type { RunTimes } from './validate/run.ts';

const RUNS = 11;
/** A first run in each home compiles and fills caches; it is not kept. */
const RUNS_REFERENCE = 3;
const SCHEMES = ['p256', 'webauthn-p256'] as const;

type Scheme = (typeof SCHEMES)[number];
type Measured = { readonly [Each in Scheme]: readonly RunTimes[] };

async function repeat<Value>(runs: number, run: () => Promise<Value>): Promise<readonly Value[]> {
  await run();
  const values: Value[] = [];
  for (let at = 0; at < runs; at++) values.push(await run());
  return values;
}

/** Verifications per second by OpenSSL on all cores. */
function measureOpenssl(): number | undefined {
  const words = ['speed', '-seconds', '1', '-multi', String(availableParallelism()), 'ecdsap256'];
  const { stdout, status } = spawnSync('openssl', words, { encoding: 'utf8' });
  if (status !== 0) return undefined;
  // The last two columns of the line are signatures and verifications per second.
  const line = stdout.split('\n').find((each) => each.includes('nistp256'));
  const rate = Number(line?.trim().split(/\s+/).at(-1));
  return Number.isFinite(rate) ? rate : undefined;
}

function figuresOf(
  bench: string,
  home: Figure['home'],
  measured: Measured,
  references: { readonly name: string; readonly ethereum: number; readonly openssl?: number },
): Figure[] {
  const rates = (scheme: Scheme) =>
    summarize(measured[scheme].map(({ wholeMs }) => (TRANSFERS * 1000) / wholeMs));
  const costs = summarize(measured.p256.map(({ wholeMs, signaturesMs }) => wholeMs / signaturesMs));
  const unit = 'transactions/s';
  const main = rates('p256');
  const reference = { name: references.name, median: references.ethereum };
  const ratio = main.median / references.ethereum;
  const figures: Figure[] = [
    { bench, home, metric: 'transactions-per-second', unit, ...main, reference, ratio },
    {
      ...{ bench, home, metric: 'webauthn-transactions-per-second', unit },
      ...rates('webauthn-p256'),
    },
    { bench, home, metric: 'cost-over-signatures', unit: 'times', ...costs },
  ];
  const { openssl } = references;
  if (openssl !== undefined) {
    const share = (rate: number) => rate / openssl;
    figures.push({
      ...{ bench, home, metric: 'share-of-openssl', unit: 'of its verifications' },
      ...{ median: share(main.median), min: share(main.min), max: share(main.max) },
      reference: { name: 'openssl speed ecdsap256 on all cores, per second', median: openssl },
    });
  }
  return figures;
}

/**
 * Blocks of signed transfers as a peer serves them: decoded, every signature, certificate, state
 * and root checked, stored, by a whole node that syncs.
 */
const bench: Bench = async (name) => {
  await loadFastHashing();
  const recorded = { p256: recordChain('p256'), 'webauthn-p256': recordChain('webauthn-p256') };
  const ethereum = await recordEthereum();
  const files = new Map<string, Uint8Array>([
    ...SCHEMES.map((scheme) => [scheme, encodeRecorded(recorded[scheme])] as const),
    ['ethereum', ethereum],
  ]);
  const openssl = measureOpenssl();
  const shared = openssl === undefined ? {} : { openssl };
  const ethereumRate = (times: readonly number[]) =>
    summarize(times.map((ms) => (REFERENCE_TRANSFERS * 1000) / ms)).median;

  const inTab = async (): Promise<Figure[]> => {
    const entry = new URL('./validate/tab.ts', import.meta.url);
    const tab = await openChromiumHome({ entry, files });
    const run = (scheme: Scheme) => repeat(RUNS, () => tab.call<RunTimes>('run', scheme));
    const measured = { p256: await run('p256'), 'webauthn-p256': await run('webauthn-p256') };
    await tab.close();
    if (PROFILE_FOLDER !== undefined) {
      const named = await openChromiumHome({ entry, files, hasNames: true });
      await named.call('run', 'p256');
      await profileTab(`${name}-tab`, named, () => named.call('run', 'p256'));
      await named.close();
    }
    const reference = await openChromiumHome({
      entry: new URL('./validate/ethereum.tab.ts', import.meta.url),
      files,
    });
    const times = await repeat(RUNS_REFERENCE, () => reference.call<number>('run', 'ethereum'));
    await reference.close();
    const others = {
      name: 'EthereumJS VM in a Chromium worker',
      ethereum: ethereumRate(times),
      ...shared,
    };
    return figuresOf(name, 'tab', measured, others);
  };

  const inNode = async (): Promise<Figure[]> => {
    const run = (scheme: Scheme) => repeat(RUNS, () => runInNode(recorded[scheme]));
    const measured = { p256: await run('p256'), 'webauthn-p256': await run('webauthn-p256') };
    if (PROFILE_FOLDER !== undefined) {
      await profileHere(`${name}-node`, () => runInNode(recorded.p256));
    }
    const times = await repeat(RUNS_REFERENCE, () => validateEthereum(ethereum));
    const others = {
      name: 'EthereumJS VM in Node.js',
      ethereum: ethereumRate(times),
      ...shared,
    };
    return figuresOf(name, 'node', measured, others);
  };

  return [...(await inTab()), ...(await inNode())];
};

export default bench;
