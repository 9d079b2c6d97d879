import { formatHex } from '../../base/index.ts';
import { encode } from '../../codec/index.ts';
import type { Hash, HashSuite, KeyPair } from '../../crypto/index.ts';
import { generateKeyPair, hashSuite, sha256, signMessage } from '../../crypto/index.ts';
import type {
  Address,
  Amount,
  Gas,
  Height,
  KeyPolicy,
  Sequence,
  TransactionBody,
} from '../../ledger/index.ts';
import {
  addressOfPolicy,
  NATIVE_ASSET,
  PROTOCOL_VERSION,
  protocol,
  signingHashOf,
  transactionIdOf,
} from '../../ledger/index.ts';
import type { Transfer } from '../history.ts';
import type { Prng } from './prng.ts';

/** Somebody with an account that genesis filled, and one key in memory. */
export type Person = {
  readonly pair: KeyPair;
  readonly policy: KeyPolicy;
  readonly address: Address;
  /** The address in hex, as histories name it. */
  readonly name: string;
};

/** What a transfer costs; the same for all, since all have the same length. */
export type Price = { readonly feeMax: Amount; readonly gasLimit: Gas };

export type SignedTransfer = Transfer & { readonly bytes: Uint8Array; readonly hash: Hash };

/** The suite of the network that the runner itself makes. */
const SUITE: HashSuite = hashSuite('blake3-256');

export function createPerson(prng: Prng): Person {
  const words = Uint8Array.from({ length: 32 }, () => prng.below(256));
  const pair = generateKeyPair('ed25519', sha256(words));
  const policy: KeyPolicy = {
    keys: [
      {
        key: { kind: 'ed25519', publicKey: pair.publicKey },
        role: 'signer',
        weight: 1,
        expiresAt: undefined,
      },
    ],
    thresholds: { everyday: 1, guarded: 1, vault: 1 },
  };
  const address = addressOfPolicy(SUITE, policy);
  return { pair, policy, address, name: formatHex(address) };
}

/** What one wants to sign. */
export type Draft = {
  readonly chainId: Hash;
  readonly sender: Person;
  readonly recipient: Person;
  readonly sequence: number;
  readonly amount: bigint;
  readonly validFrom: number;
  readonly validUntil: number;
};

/** The body of a transfer, at a price or, to ask for the price, at none. */
export function bodyOf(draft: Draft, price?: Price): TransactionBody {
  const { chainId, sender, recipient, sequence, amount, validFrom, validUntil } = draft;
  // Heights, sequences and zeros are small whole numbers, which is all that these brands say.
  return {
    version: PROTOCOL_VERSION,
    chainId,
    sender: sender.address,
    sequence: sequence as Sequence,
    validFrom: validFrom as Height,
    validUntil: validUntil as Height,
    feeMax: price?.feeMax ?? (0n as Amount),
    gasLimit: price?.gasLimit ?? (0 as Gas),
    sponsor: undefined,
    actions: [
      { kind: 'asset.transfer', asset: NATIVE_ASSET, recipient: recipient.address, amount },
    ],
    memo: '',
  };
}

/** Signs; `feeFactor` offers more than it costs, which is not charged but replaces cheaper ones. */
export function signTransfer(draft: Draft, price: Price, feeFactor = 1n): SignedTransfer {
  const { sender, recipient, sequence, amount, validUntil } = draft;
  const { publicKey, algorithm } = sender.pair;
  const feeMax = (price.feeMax * feeFactor) as Amount; // A small multiple of a small fee.
  const body = bodyOf(draft, { ...price, feeMax });
  const bodyBytes = encode(protocol.codecs.body, body);
  const signature = signMessage(sender.pair, signingHashOf(SUITE, bodyBytes));
  const bytes = encode(protocol.codecs.transaction, {
    body,
    sender: { initialPolicy: undefined, signatures: [{ kind: algorithm, publicKey, signature }] },
    sponsor: undefined,
  });
  const hash = transactionIdOf(SUITE, bodyBytes);
  const [from, to] = [sender.name, recipient.name];
  const facts = { sender: from, recipient: to, sequence, amount, validUntil, fee: price.feeMax };
  return { ...facts, id: formatHex(hash), hash, bytes };
}
