import { describe, expect, it } from 'vitest';
import type { Hash } from '../crypto/index.ts';
import { signMessage, verifySignature } from '../crypto/index.ts';
import { certifies, checkCertificatePower } from './certificate.ts';
import { createTestLedger, height, person } from './testing/world.ts';
import type { CommitCertificate, Round } from './types.ts';

const ledger = createTestLedger();
const { membership } = ledger.genesis;
const validators = [1, 2, 3, 4].map((number) => person(`validator ${number}`));
const blockHash = new Uint8Array(32).fill(9) as Hash; // Any digest will do.
const round = 2 as Round; // Any attempt will do.

function certificateOf(places: readonly number[], of = ledger): CommitCertificate {
  const about = { height: height(7), round, blockHash };
  return {
    ...about,
    signatures: places.map((validatorIndex) => {
      const vote = { kind: 'precommit', ...about, validatorIndex } as const;
      const { pair } = validators[validatorIndex] ?? person('stranger');
      return { validatorIndex, signature: signMessage(pair, of.voteSigningBytes(vote)) };
    }),
  };
}

const verdict = (certificate: CommitCertificate) =>
  ledger.verifyCertificate(membership, certificate, verifySignature);

describe('a certificate', () => {
  it('of more than two thirds of the power proves its block', () => {
    const certificate = certificateOf([0, 2, 3]);
    expect(verdict(certificate)).toEqual({ ok: true, value: undefined });
    expect(certifies(certificate, { hash: blockHash, height: 7 })).toBe(true);
    expect(certifies(certificate, { hash: blockHash, height: 8 })).toBe(false);
  });

  it.each([
    ['certificate-power-too-low', [0, 1]],
    ['certificate-order-wrong', [0, 0, 1, 2]],
    ['certificate-order-wrong', [2, 1, 0]],
    ['certificate-signer-unknown', [0, 1, 2, 4]],
  ] as const)('is refused: %s', (code, places) => {
    expect(verdict(certificateOf(places))).toMatchObject({ ok: false, error: { code } });
  });

  it('is checked whole: one bad signature beyond the quorum spoils it', () => {
    const certificate = certificateOf([0, 1, 2, 3]);
    const signatures = certificate.signatures.map((each) =>
      each.validatorIndex === 3 ? { ...each, signature: new Uint8Array(64) } : each,
    );
    expect(verdict({ ...certificate, signatures })).toEqual({
      ok: false,
      error: { code: 'certificate-signature-invalid', validatorIndex: 3 },
    });
  });

  it('of another network, height, round or block proves nothing here', () => {
    const other = createTestLedger({ name: 'other' });
    const good = certificateOf([0, 1, 2]);
    const bad: CommitCertificate[] = [
      certificateOf([0, 1, 2], other),
      { ...good, height: height(8) },
      { ...good, round: 3 as Round }, // As above.
      { ...good, blockHash: new Uint8Array(32) as Hash }, // As above.
    ];
    for (const certificate of bad) {
      expect(verdict(certificate)).toMatchObject({
        error: { code: 'certificate-signature-invalid' },
      });
    }
  });

  it('weighs power, not heads, and exactly two thirds are too few', () => {
    const powers = [6n, 1n, 1n, 1n];
    const weighted = {
      validators: membership.validators.map((validator, at) => ({
        ...validator,
        power: powers[at] ?? 0n,
      })),
    };
    expect(checkCertificatePower(weighted, certificateOf([0]))).toMatchObject({ ok: false });
    expect(checkCertificatePower(weighted, certificateOf([0, 1]))).toEqual({
      ok: true,
      value: { power: 7n, total: 9n },
    });
  });
});
