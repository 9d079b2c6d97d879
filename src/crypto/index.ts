export { decodeBase64Url, encodeBase64Url } from './base64url.ts';
export type { ClientData } from './client-data.ts';
export { parseClientData } from './client-data.ts';
export { precheckEd25519, verifyEd25519 } from './ed25519.ts';
export type { WebauthnError, WebauthnErrorCode } from './errors.ts';
export { hashCodec, hashSuite, loadFastHashing, plainHash, ZERO_HASH } from './hash.ts';
export type { KeyPair } from './keys.ts';
export {
  generateKeyPair,
  keyPairOfSecret,
  signEd25519,
  signMessage,
  signP256,
} from './keys.ts';
export { MERKLE_PATH_LENGTH_MAX } from './limits.ts';
export type { MerkleClaim } from './merkle.ts';
export {
  leafMemory,
  merkleProof,
  merkleProofs,
  merkleRoot,
  merkleRootIn,
  verifyMerkleProof,
} from './merkle.ts';
export {
  compressP256,
  decompressP256,
  recoverP256PublicKeys,
  verifyP256,
} from './p256.ts';
export { derToRaw, isP256SignatureInRange, normalizeLowS } from './p256-form.ts';
export { sha256 } from './sha256.ts';
export { mintVerified, precheckClaim, verifySignature } from './signature.ts';
export type {
  Hash,
  HashBatch,
  HashBuffer,
  HashSuite,
  HashSuiteName,
  HashTag,
  SignatureAlgorithm,
  SignatureClaim,
  Verified,
} from './types.ts';
export type { AssertionCheck, AuthenticatorData } from './webauthn.ts';
export { checkAssertion, parseAuthenticatorData, webauthnMessage } from './webauthn.ts';
