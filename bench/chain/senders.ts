import { assert } from '../../src/base/index.ts';
import type { Hash } from '../../src/crypto/index.ts';
import { hashSuite } from '../../src/crypto/index.ts';
import type {
  Address,
  Amount,
  Gas,
  Height,
  Key,
  KeyPolicy,
  KeySignature,
  Ledger,
  Sequence,
} from '../../src/ledger/index.ts';
import { addressOfPolicy, NATIVE_ASSET } from '../../src/ledger/index.ts';
import { createSigner } from './signer.ts';

/** An account of one key, and how it signs. */
export type Sender = {
  readonly policy: KeyPolicy;
  readonly address: Address;
  sign(signingHash: Hash): KeySignature;
};

const FEE_MAX = 20_000n as Amount; // In range.
const GAS_LIMIT = 5000 as Gas; // In range.

export function senderOf(key: Key, sign: Sender['sign']): Sender {
  const policy: KeyPolicy = {
    keys: [{ key, role: 'signer', weight: 1, expiresAt: undefined }],
    thresholds: { everyday: 1, guarded: 1, vault: 1 },
  };
  return { policy, address: addressOfPolicy(hashSuite('blake3-256'), policy), sign };
}

/** An account with an Ed25519 key made from a name. */
export function createSender(name: string): Sender {
  const { publicKey, sign } = createSigner(name);
  return senderOf({ kind: 'ed25519', publicKey }, (signingHash) => {
    return { kind: 'ed25519', publicKey, signature: sign(signingHash) };
  });
}

/** What a transfer says; all numbers are whole and small. */
export type TransferFacts = {
  readonly recipient: Address;
  readonly amount: bigint;
  /** A sender shows its policy with its first one. */
  readonly sequence: number;
  readonly validFrom: number;
  readonly validUntil: number;
};

/** A signed transfer, as if its signature had been verified. */
export function signTransfer(ledger: Ledger, sender: Sender, facts: TransferFacts) {
  const { recipient, amount, sequence } = facts;
  const body = {
    version: 1,
    chainId: ledger.chainId,
    sender: sender.address,
    // As `TransferFacts` wants them.
    sequence: sequence as Sequence,
    validFrom: facts.validFrom as Height,
    validUntil: facts.validUntil as Height,
    feeMax: FEE_MAX,
    gasLimit: GAS_LIMIT,
    sponsor: undefined,
    actions: [{ kind: 'asset.transfer', asset: NATIVE_ASSET, recipient, amount }],
    memo: '',
  };
  const signature = sender.sign(ledger.signingHash(ledger.encodeBody(body)));
  const prepared = ledger.prepareTransaction({
    body,
    sender: {
      initialPolicy: sequence === 0 ? sender.policy : undefined,
      signatures: [signature],
    },
    sponsor: undefined,
  });
  assert(prepared.ok, 'small enough');
  const verified = ledger.verifyTransaction(prepared.value, [true]);
  assert(verified.ok, 'signed a moment ago');
  return verified.value;
}
