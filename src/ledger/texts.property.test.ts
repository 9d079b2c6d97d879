import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../base/index.ts';
import { toJson } from '../codec/index.ts';
import type { Address } from './address.ts';
import { formatAddress, parseAddress } from './address.ts';
import { createLedger, parseGenesis, protocol } from './ledger.ts';
import { anyText } from './testing/decoder-laws.ts';
import { createTestLedger } from './testing/world.ts';

const address = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => new Uint8Array(bytes) as unknown as Address);

describe('addresses as text', () => {
  it('come back, in capitals and in groups too', () => {
    fc.assert(
      fc.property(address, (bytes) => {
        const text = formatAddress(bytes);
        const groups = text.replaceAll(/(.{4})/g, '$1 ');
        for (const each of [text, text.toUpperCase(), groups]) {
          expect(parseAddress(each)).toEqual({ ok: true, value: bytes });
        }
      }),
    );
  });

  it('of one to four other characters, anywhere, are no addresses', () => {
    const characters = fc.constantFrom(...'qpzry9x8gf2tvdw0s3jn54khce6mua7l');
    const changes = fc.array(fc.tuple(fc.integer({ min: 4, max: 61 }), characters), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(address, changes, (bytes, all) => {
        const text = formatAddress(bytes);
        const changed = [...text];
        for (const [at, character] of all) changed[at] = character;
        if (changed.join('') !== text) expect(parseAddress(changed.join('')).ok).toBe(false);
      }),
    );
  });

  it('are never read from what is not exactly their characters', () => {
    fc.assert(
      fc.property(
        address,
        fc.nat(61),
        fc.oneof(anyText(3), fc.constantFrom('\u212a', 'ſ', 'İ', '１')),
        (bytes, at, put) => {
          const text = formatAddress(bytes);
          for (const base of [text, text.toUpperCase()]) {
            const changed = base.slice(0, at) + put + base.slice(at + 1);
            const parsed = parseAddress(changed);
            if (!parsed.ok) continue;
            expect(changed.replaceAll(/\s/g, '')).toBe(base);
          }
        },
      ),
      { numRuns: 1_000 },
    );
    fc.assert(
      fc.property(anyText(80), (text) => {
        expect(parseAddress(text).ok).toBe(false);
      }),
    );
  });

  it('do not hold letters that only look like theirs when made small', () => {
    const bytes = new Uint8Array(32) as unknown as Address;
    for (let seed = 0; seed < 256; seed++) {
      bytes[0] = seed;
      const text = formatAddress(bytes).toUpperCase();
      if (!text.includes('K')) continue;
      expect(parseAddress(text.replace('K', '\u212a')).ok).toBe(false);
    }
  });

  it('of any length are judged at once', () => {
    expect(parseAddress('tab1'.padEnd(5_000_000, 'q')).ok).toBe(false);
    expect(parseAddress(' '.repeat(5_000_000)).ok).toBe(false);
  });
});

describe('genesis documents as JSON', () => {
  const document = toJson(protocol.genesisCodec, createTestLedger().genesis.document);

  it('with any member replaced or left out are refused, or start a ledger or do not', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(20), { minLength: 1, maxLength: 5 }),
        fc.jsonValue(),
        (path, value) => {
          for (const changed of [
            bend(document, path, value as Json),
            bend(document, path, undefined),
          ]) {
            const parsed = parseGenesis(changed ?? null);
            if (!parsed.ok) {
              expect(typeof parsed.error.code).toBe('string');
              continue;
            }
            const ledger = createLedger(parsed.value);
            if (!ledger.ok) expect(typeof ledger.error.code).toBe('string');
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** JSON with the member at a path replaced, or left out. */
function bend(json: Json, path: readonly number[], value: Json | undefined): Json | undefined {
  const [first, ...rest] = path;
  if (first === undefined || typeof json !== 'object' || json === null) return value;
  const entries = Object.entries(json);
  const at = first % Math.max(1, entries.length);
  const changed = entries.flatMap(([name, member], index) => {
    const next = index === at ? bend(member, rest, value) : member;
    return next === undefined ? [] : [[name, next] as const];
  });
  return Array.isArray(json) ? changed.map(([, member]) => member) : Object.fromEntries(changed);
}
