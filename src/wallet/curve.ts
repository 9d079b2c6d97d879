// What needs the arithmetic of the curve; loaded by itself, see `loadCurve`. Nothing that the page
// loads first may import this file or what is named here.
export { recoverP256PublicKeys, verifySignature } from '../crypto/index.ts';
export { readAttestation } from './attestation.ts';
