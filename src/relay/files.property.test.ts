import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json, Result } from '../base/index.ts';
import { TabellionError } from '../base/index.ts';
import { anyText } from '../ledger/testing/decoder-laws.ts';
import { formatAmount, parseAmount } from './amounts.ts';
import type { DevnetPlan } from './devnet-plan.ts';
import { formatDevnetPlan, loadDevnetPlan, parseDevnetPlan } from './devnet-plan.ts';
import { createKey, loadKey, storeKey } from './key-files.ts';
import { loadJson } from './layout.ts';
import { formatSettings, LOOPBACK_SETTINGS, parseSettings } from './settings.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabellion-files-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What reading a key file ends in: the key's public half, or a code. */
async function outcomeOf(path: string): Promise<string> {
  try {
    return (await loadKey(path)).publicKey.join();
  } catch (error) {
    if (error instanceof TabellionError) return error.code;
    throw error;
  }
}

describe('key files', () => {
  it('bent anywhere are refused by a code, or still hold the same key', async () => {
    const path = join(folder, 'bent.key.json');
    const whole = join(folder, 'whole.key.json');
    const pair = createKey('ed25519');
    await storeKey(whole, pair);
    const text = JSON.stringify(await loadJson(whole));
    const put = fc.oneof(anyText(2), fc.constantFrom('0', 'f'));
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length), fc.nat(3), put, async (at, removed, inserted) => {
        await writeFile(path, text.slice(0, at) + inserted + text.slice(at + removed));
        const outcome = await outcomeOf(path);
        seen.add(outcome);
        expect(['file-malformed', 'key-file-malformed', pair.publicKey.join()]).toContain(outcome);
      }),
      { numRuns: 60 },
    );
    expect(seen.size).toBeGreaterThan(1);
  });

  it('of other JSON or none at all are refused by a code', async () => {
    const path = join(folder, 'other.key.json');
    expect(await outcomeOf(path)).toBe('key-file-missing');
    await fc.assert(
      fc.asyncProperty(fc.json(), async (text) => {
        await writeFile(path, text);
        expect(await outcomeOf(path)).toBe('key-file-malformed');
      }),
      { numRuns: 25 },
    );
    await writeFile(path, Uint8Array.of(0xff, 0xfe, 0, 1));
    expect(await outcomeOf(path)).toBe('file-malformed');
  });
});

type JsonMembers = { readonly [name: string]: Json }; // What a struct's JSON is.

/** Laws of a file that is read strictly. */
function itIsReadStrictly<Value>(
  good: JsonMembers,
  parse: (json: Json) => Result<Value, unknown>,
  format: (value: Value) => Json,
): void {
  it('come back; with another member, or another value in one, they are refused or said again', () => {
    const whole = parse(good);
    expect(whole.ok && format(whole.value)).toEqual(good);
    const names = fc.oneof(fc.constantFrom(...Object.keys(good)), fc.string());
    fc.assert(
      fc.property(names, fc.jsonValue(), (name, value) => {
        const parsed = parse({ ...good, [name]: value as Json });
        if (!parsed.ok) return;
        expect(Object.keys(good)).toContain(name);
        expect(parse(format(parsed.value))).toEqual(parsed);
      }),
      { numRuns: 500 },
    );
  });

  it('of any other JSON are refused', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        expect(parse(json as Json).ok).toBe(false);
      }),
    );
  });
}

const settings = formatSettings(LOOPBACK_SETTINGS) as JsonMembers;

describe('settings', () => {
  itIsReadStrictly(settings, parseSettings, formatSettings);

  it('of a node that talks to nobody but this machine are the ones without a file', () => {
    expect(parseSettings(settings)).toEqual({ ok: true, value: LOOPBACK_SETTINGS });
  });
});

const node = { peerId: '12D3', rpcPort: 4700, listen: '/ip4/127.0.0.1/tcp/4800/ws' };
const PLAN: DevnetPlan = {
  name: 'Devnet',
  chainId: 'ab'.repeat(32),
  port: 4700,
  nodes: [{ ...node, servesApp: true }],
};
const plan = formatDevnetPlan(PLAN) as JsonMembers;

describe('the plan of a local network', () => {
  itIsReadStrictly(plan, parseDevnetPlan, formatDevnetPlan);

  it('is refused by file and place when a node of it is none', async () => {
    const data = await mkdtemp(join(folder, 'plan-'));
    const path = join(data, 'devnet.json');
    expect(await loadDevnetPlan(data)).toBeUndefined();
    await writeFile(path, JSON.stringify(plan));
    expect(await loadDevnetPlan(data)).toEqual(PLAN);
    for (const [nodes, at] of [
      [[{}], 'nodes.0.peerId'],
      [[{ ...node, servesApp: true, rpcPort: '4700' }], 'nodes.0.rpcPort'],
      [[], 'nodes'],
    ] as const) {
      await writeFile(path, JSON.stringify({ ...plan, nodes }));
      await expect(loadDevnetPlan(data)).rejects.toMatchObject({
        code: 'file-malformed',
        facts: { path, at },
      });
    }
  });
});

describe('amounts on the command line', () => {
  it('come back; other texts are refused or mean what they say', () => {
    const decimals = fc.integer({ min: 0, max: 18 });
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), decimals, (units, places) => {
        const text = formatAmount(units, places);
        expect(parseAmount(text, places)).toEqual({ ok: true, value: units });
      }),
    );
    const typed = fc.array(fc.constantFrom('0', '1', '9', '.', ',', ' ', '-', 'e', '٣'));
    fc.assert(
      fc.property(typed, decimals, (characters, places) => {
        const text = characters.join('');
        const parsed = parseAmount(text, places);
        if (parsed.ok) expect(text).toMatch(/^[0-9]+(\.[0-9]+)?$/);
      }),
      { numRuns: 500 },
    );
  });
});
