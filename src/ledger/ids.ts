import type { Bytes } from '../base/index.ts';
import { concatBytes } from '../base/index.ts';
import { encode } from '../codec/index.ts';
import type { Hash, HashSuite } from '../crypto/index.ts';
import type { Address } from './address.ts';
import type { AssetId, Header, Key, KeyPolicy, Membership, Vote } from './types.ts';
import { headerCodec, keyPolicyCodec, membershipCodec, voteCodec } from './types.ts';

/** The native asset: 32 zero bytes. */
export const NATIVE_ASSET: AssetId = new Uint8Array(32) as AssetId; // Zero by definition.

/** The address of the account whose first policy this is. */
export function addressOfPolicy(suite: HashSuite, policy: KeyPolicy): Address {
  // An address is this hash, under another brand.
  return suite.hash('address', encode(keyPolicyCodec, policy)) as unknown as Address;
}

/** Names a key within an account: a hash of its public key alone, whatever its scheme. */
export function keyIdOf(suite: HashSuite, key: Pick<Key, 'publicKey'>): Hash {
  return suite.hash('key', Uint8Array.of(0), key.publicKey);
}

/** What the index of credentials is keyed by. */
export function credentialHash(suite: HashSuite, credentialId: Uint8Array): Hash {
  return suite.hash('key', Uint8Array.of(1), credentialId);
}

/** Id of a transaction: a hash of its unsigned body, so that no signature can change it. */
export function transactionIdOf(suite: HashSuite, bodyBytes: Uint8Array): Hash {
  return suite.hash('transaction', bodyBytes);
}

/** What keys sign: the WebAuthn challenge, or the message of a raw key. */
export function signingHashOf(suite: HashSuite, bodyBytes: Uint8Array): Hash {
  return suite.hash('sign-transaction', bodyBytes);
}

/** Names the exact signed bytes, signatures included. */
export function signedHashOf(suite: HashSuite, transactionBytes: Uint8Array): Hash {
  return suite.hash('signed-transaction', transactionBytes);
}

/** Hash of a block: of its header alone, which commits to the rest. */
export function blockHashOf(suite: HashSuite, header: Header): Hash {
  return suite.hash('block', encode(headerCodec, header));
}

/** Hash of those who vote, in their order. */
export function membershipHashOf(suite: HashSuite, membership: Membership): Hash {
  return suite.hash('membership', encode(membershipCodec, membership));
}

/** The asset issued by one action of one transaction. */
export function issuedAssetId(suite: HashSuite, transactionId: Hash, actionIndex: number): AssetId {
  // An asset id is this hash, under another brand.
  return suite.hash('asset', transactionId, Uint8Array.of(actionIndex)) as unknown as AssetId;
}

/** What a validator signs for a vote: hash('sign-vote', chain id ‖ canonical bytes of the vote). */
export function voteSigningBytes(suite: HashSuite, chainId: Hash, vote: Vote): Bytes {
  return suite.hash('sign-vote', concatBytes(chainId, encode(voteCodec, vote)));
}
