import { createPrivateKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { defined, formatHex, parseHex } from '../../src/base/index.ts';
import { encode } from '../../src/codec/index.ts';
import type { Hash, HashSuite, KeyPair } from '../../src/crypto/index.ts';
import {
  decompressP256,
  encodeBase64Url,
  generateKeyPair,
  hashSuite,
  loadFastHashing,
  normalizeLowS,
  signMessage,
} from '../../src/crypto/index.ts';
import type {
  Address,
  Amount,
  Gas,
  Height,
  Sequence,
  TransactionBody,
} from '../../src/ledger/index.ts';
import {
  addressOfPolicy,
  formatAddress,
  NATIVE_ASSET,
  PROTOCOL_VERSION,
  protocol,
  signingHashOf,
  transactionIdOf,
} from '../../src/ledger/index.ts';
import { policyOfKey } from '../../src/relay/key-files.ts';
import type { RpcSocket } from './socket.ts';

/** What transactions of a network have in common. */
export type NetworkFacts = {
  readonly chainId: Hash;
  readonly suite: HashSuite;
  readonly gasPrice: bigint;
};

/** Some 2,600 gas a transfer, and 4,000 with the policy that the first one shows. */
const GAS_LIMIT = 8_000;
const FUNDED = 100_000_000_000n;
const ACTIONS_MAX = 16;
const VALIDITY_HEIGHTS = 9_000;

export type Signed = { readonly id: string; readonly hex: string };

/** An account of a software P-256 key that signs its payments one after another. */
export class Payer {
  readonly address: Address;
  readonly #pair: KeyPair;
  readonly #native: KeyObject | undefined;
  readonly #facts: NetworkFacts;

  constructor(facts: NetworkFacts, pair: KeyPair = generateKeyPair('p256', randomBytes(32))) {
    this.#facts = facts;
    this.#pair = pair;
    this.#native = pair.algorithm === 'p256' ? nativeKey(pair) : undefined;
    this.address = addressOfPolicy(facts.suite, policyOfKey(pair));
  }

  /** Signs payments to recipients as one transaction; the first of an account shows its policy. */
  pay(
    sequence: number,
    payments: readonly { readonly recipient: Address; readonly amount: bigint }[],
    isRegistered = sequence > 0,
  ): Signed {
    const { chainId, suite, gasPrice } = this.#facts;
    const gasLimit = GAS_LIMIT * payments.length;
    const body: TransactionBody = {
      version: PROTOCOL_VERSION,
      chainId,
      sender: this.address,
      sequence: sequence as Sequence, // Counted from 0.
      validFrom: 0 as Height,
      validUntil: VALIDITY_HEIGHTS as Height,
      feeMax: (BigInt(gasLimit) * gasPrice) as Amount,
      gasLimit: gasLimit as Gas,
      sponsor: undefined,
      actions: payments.map(({ recipient, amount }) => ({
        ...{ kind: 'asset.transfer', asset: NATIVE_ASSET, recipient },
        amount: amount as Amount, // Small.
      })),
      memo: '',
    };
    const bodyBytes = encode(protocol.codecs.body, body);
    const { publicKey, algorithm } = this.#pair;
    const signature = this.#sign(signingHashOf(suite, bodyBytes));
    const initialPolicy = isRegistered ? undefined : policyOfKey(this.#pair);
    const bytes = encode(protocol.codecs.transaction, {
      body,
      sender: { initialPolicy, signatures: [{ kind: algorithm, publicKey, signature }] },
      sponsor: undefined,
    });
    return { id: formatHex(transactionIdOf(suite, bodyBytes)), hex: formatHex(bytes) };
  }

  #sign(message: Uint8Array): Uint8Array<ArrayBuffer> {
    if (this.#native === undefined) return signMessage(this.#pair, message);
    const key = { key: this.#native, dsaEncoding: 'ieee-p1363' } as const;
    return normalizeLowS(new Uint8Array(sign('sha256', message, key)));
  }
}

/** The same key for the platform's cryptography, which signs twenty times as fast. */
function nativeKey({ publicKey, secretKey }: KeyPair): KeyObject {
  const point = defined(decompressP256(publicKey), 'a key of our own making');
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map(encodeBase64Url);
  if (x === undefined || y === undefined) throw new Error('a point has two coordinates');
  const key = { kty: 'EC', crv: 'P-256', d: encodeBase64Url(secretKey), x, y };
  return createPrivateKey({ format: 'jwk', key });
}

/** What a client must know of the network before it can sign. */
export async function networkFacts(socket: RpcSocket): Promise<NetworkFacts> {
  await loadFastHashing();
  const { chainId } = await socket.call('chain.info', {});
  const parsed = parseHex(String(chainId));
  if (!parsed.ok) throw new Error('chain.info: no chain id');
  // 32 bytes by the method's own table; local networks hash with BLAKE3.
  return { chainId: parsed.value as Hash, suite: hashSuite('blake3-256'), gasPrice: 4n };
}

/**
 * Accounts with coins, given by the faucet's own key, that have shown their policy with a first
 * payment, of sequence 0. Resolves when all is final.
 */
export async function fundedPayers(
  socket: RpcSocket,
  facts: NetworkFacts,
  options: { readonly faucet: KeyPair; readonly count: number },
): Promise<readonly Payer[]> {
  const payers = Array.from({ length: options.count }, () => new Payer(facts));
  const faucet = new Payer(facts, options.faucet);
  const { sequence } = await socket.call('account.get', { address: formatAddress(faucet.address) });
  let next = Number(sequence);
  for (let at = 0; at < payers.length; at += ACTIONS_MAX) {
    const payments = payers
      .slice(at, at + ACTIONS_MAX)
      .map(({ address }) => ({ recipient: address, amount: FUNDED }));
    const { id, hex } = faucet.pay(next++, payments, true);
    await socket.call('transaction.submit', { bytes: hex });
    await untilSettled(socket, id);
  }
  const shown = payers.map((payer) => payer.pay(0, [{ recipient: payer.address, amount: 1n }]));
  for (const { hex } of shown) await socket.call('transaction.submit', { bytes: hex });
  for (const { id } of shown) await untilSettled(socket, id);
  return payers;
}

/** Waits for the verdict of a transaction, pushed by the node; rejects unless it is final. */
export async function untilSettled(socket: RpcSocket, id: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const end = await socket.subscribe('transaction', { id }, ({ stage, code }) => {
    if (stage === 'final') resolve();
    if (stage === 'failed' || stage === 'expired') reject(new Error(`${id}: ${code}`));
  });
  await promise;
  await end();
}
