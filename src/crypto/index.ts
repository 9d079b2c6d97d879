export { hashCodec, hashSuite, loadFastHashing, ZERO_HASH } from './hash.ts';
export type {
  Hash,
  HashSuite,
  HashSuiteName,
  HashTag,
  SignatureAlgorithm,
  SignatureClaim,
  Verified,
} from './types.ts';
