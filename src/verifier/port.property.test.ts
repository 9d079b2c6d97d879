import fc from 'fast-check';
import { expect, it } from 'vitest';
import { describeDecoder, untyped } from '../ledger/testing/decoder-laws.ts';
import type { MessageTarget, VerifierMessage } from './port.ts';
import { chunkCodec, verifierPortOf } from './port.ts';

for (const [name, codec] of Object.entries(untyped({ chunk: chunkCodec }))) {
  describeDecoder(`verifier ${name}`, codec);
}

it('whatever comes over the line is a message with its members, or a failure', () => {
  const bytes = fc.uint8Array({ maxLength: 9 });
  const member = fc.oneof(fc.anything(), bytes, fc.nat());
  const message = fc.record(
    {
      kind: fc.constantFrom('verify', 'verdicts', 'other'),
      id: member,
      claims: member,
      verdicts: member,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(fc.anything(), message), (data) => {
      const listeners = new Map<string, (event: Event) => void>();
      const target: MessageTarget = {
        postMessage: () => undefined,
        addEventListener: (type, listener) => listeners.set(type, listener),
        removeEventListener: (type) => listeners.delete(type),
      };
      const heard: VerifierMessage[] = [];
      let failures = 0;
      verifierPortOf(target).listen(
        (each) => heard.push(each),
        () => {
          failures += 1;
        },
      );
      listeners.get('message')?.({ data } as MessageEvent);
      expect(heard.length + failures).toBe(1);
      for (const each of heard) {
        expect(typeof each.id).toBe('number');
        const payload = each.kind === 'verify' ? each.claims : each.verdicts;
        expect(payload).toBeInstanceOf(Uint8Array);
      }
    }),
    { numRuns: 500 },
  );
});
