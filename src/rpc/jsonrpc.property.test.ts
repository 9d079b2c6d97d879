import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Json } from '../base/index.ts';
import { anyText } from '../ledger/testing/decoder-laws.ts';
import { isTooDeep, parseRequest } from './jsonrpc.ts';
import { REQUEST_BYTES_MAX, REQUEST_DEPTH_MAX } from './limits.ts';

function codeOf(source: string): string {
  const parsed = parseRequest(source);
  return parsed.ok ? 'ok' : parsed.error.code;
}

it('texts are read as the platform reads them, or refused by a code', () => {
  const texts = fc.oneof(
    fc.json({ maxDepth: 6 }),
    anyText(),
    fc.array(fc.constantFrom(...'[]{}",:\\u0 1e')).map((characters) => characters.join('')),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const parsed = parseRequest(text);
      if (!parsed.ok) {
        expect(() => JSON.parse(text)).toThrow();
        return;
      }
      expect(parsed.value).toEqual(JSON.parse(text));
      expect(isTooDeep(parsed.value)).toBe(false);
    }),
    { numRuns: 2_000 },
  );
});

it('depth is judged alike before and after reading, wherever brackets stand', () => {
  const names = fc.string({ unit: fc.constantFrom('[', '{', '"', '\\', 'a') });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 40 }), fc.array(names), (depth, all) => {
      let json: Json = 7;
      for (let at = 0; at < depth; at++) {
        const name = all[at % Math.max(1, all.length)] ?? 'a';
        json = at % 2 === 0 ? [name, json] : { [name]: json };
      }
      const isDeep = depth > REQUEST_DEPTH_MAX;
      expect(codeOf(JSON.stringify(json))).toBe(isDeep ? 'request-too-deep' : 'ok');
      expect(isTooDeep(json)).toBe(isDeep);
    }),
  );
});

it('deep and long texts cost one look', () => {
  expect(codeOf('['.repeat(1_000_000))).toBe('request-too-deep');
  expect(codeOf(' '.repeat(REQUEST_BYTES_MAX + 1))).toBe('request-too-large');
  expect(codeOf(`${'[],'.repeat(300_000)}`)).toBe('parse-error');
});
