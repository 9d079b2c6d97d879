import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formatHex } from '../base/index.ts';
import { generateKeyPair, signEd25519 } from '../crypto/index.ts';
import { nativeSigner } from './native-signer.ts';

describe('the signer of a relay', () => {
  it('gives the bytes of the reference, whatever the key and message', () => {
    for (let count = 0; count < 20; count++) {
      const pair = generateKeyPair('ed25519', randomBytes(32));
      const message = randomBytes(count * 7);
      const signature = nativeSigner(pair).sign(message);
      expect(formatHex(signature)).toBe(formatHex(signEd25519(pair.secretKey, message)));
    }
  });

  it('refuses a key that validators cannot have', () => {
    const pair = generateKeyPair('p256', randomBytes(32));
    expect(() => nativeSigner(pair)).toThrow(
      expect.objectContaining({ code: 'validator-key-not-ed25519' }),
    );
  });
});
