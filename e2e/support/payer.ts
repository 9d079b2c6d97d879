import { randomBytes } from 'node:crypto';
import { encode } from '../../src/codec/index.ts';
import type { HashSuiteName } from '../../src/crypto/index.ts';
import { generateKeyPair, hashSuite, signMessage } from '../../src/crypto/index.ts';
import type { Amount, Gas, Height, TransactionBody } from '../../src/ledger/index.ts';
import {
  addressOfPolicy,
  NATIVE_ASSET,
  PROTOCOL_VERSION,
  protocol,
  signingHashOf,
} from '../../src/ledger/index.ts';
import type { Address, Client, Hash } from '../../src/sdk/index.ts';
import { createClient, formatAddress, httpTransport } from '../../src/sdk/index.ts';

const POLL_MS = 50;
/** Pending transactions of one sender that a node keeps. */
const PENDING_MAX = 60;
/** Payments after which the head is asked for anew; they are valid for far longer. */
const HEAD_EVERY = 100;

/** Somebody who pays from a program: an account with one key in memory, filled by the faucet. */
export type Payer = {
  readonly client: Client;
  readonly address: Address;
  /** The address as people read it. */
  readonly text: string;
  /** Submits a payment and returns its id at once. */
  pay(recipient: Address, amount?: bigint): Promise<Hash>;
  /** Height of the block that holds a transaction, once it is final. */
  untilFinal(id: Hash): Promise<number>;
  /** Pays so many times, waiting only while too many are pending; the last one is final. */
  stream(recipient: Address, count: number): Promise<void>;
  /** Pays so many times one after another: each payment is in a block of its own. */
  makeBlocks(recipient: Address, count: number): Promise<void>;
  close(): void;
};

/** Makes an account and waits until the faucet filled it. */
export async function openPayer(rpc: string): Promise<Payer> {
  const client = createClient(httpTransport(rpc));
  const chain = await client.call('chain.info', {});
  const suite = hashSuite(chain.hashSuite as HashSuiteName); // Named by our own relay.
  const pair = generateKeyPair('ed25519', randomBytes(32));
  const { publicKey } = pair;
  const policy = {
    keys: [
      {
        key: { kind: 'ed25519', publicKey },
        role: 'signer',
        weight: 1,
        expiresAt: undefined,
      },
    ],
    thresholds: { everyday: 1, guarded: 1, vault: 1 },
  } as const;
  const address = addressOfPolicy(suite, policy);
  let sequence = 0;
  let headHeight = 0 as Height; // Genesis, until it is asked.
  let price: { readonly feeMax: Amount; readonly gasLimit: Gas } | undefined;

  const untilFinal = async (id: Hash): Promise<number> => {
    for (;;) {
      const { stage, height, code } = await client.call('transaction.status', { id });
      if (stage === 'final') return height ?? 0;
      if (stage === 'failed' || stage === 'expired') throw new Error(`payment ${stage}: ${code}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };

  const pay = async (recipient: Address, amount = 1n): Promise<Hash> => {
    if (sequence % HEAD_EVERY === 0)
      headHeight = (await client.call('node.status', {})).head.height;
    const isFirst = sequence === 0;
    const draft: TransactionBody = {
      version: PROTOCOL_VERSION,
      chainId: chain.chainId,
      sender: address,
      sequence: sequence as TransactionBody['sequence'], // Counted from zero.
      validFrom: headHeight,
      validUntil: (headHeight + 5_000) as Height, // A height and some more is a height.
      feeMax: 0n as Amount, // A draft: the simulation says what it costs.
      gasLimit: 0 as Gas,
      sponsor: undefined,
      actions: [{ kind: 'asset.transfer', asset: NATIVE_ASSET, recipient, amount }],
      memo: '',
    };
    if (price === undefined || sequence < 2) {
      const body = encode(protocol.codecs.body, draft);
      const told = await client.call('transaction.simulate', { body, initialPolicy: policy });
      if (told.problem !== undefined) throw new Error(`cannot pay: ${told.problem.code}`);
      // Some more than it costs now: later ones are not simulated.
      price = {
        feeMax: (told.fee * 2n) as Amount, // Within what a transaction may say.
        gasLimit: (told.gasUsed * 2) as Gas,
      };
    }
    const body = { ...draft, ...price };
    const signature = signMessage(pair, signingHashOf(suite, encode(protocol.codecs.body, body)));
    const transaction = {
      body,
      sender: {
        initialPolicy: isFirst ? policy : undefined,
        signatures: [{ kind: 'ed25519', publicKey, signature }],
      },
      sponsor: undefined,
    } as const;
    const bytes = encode(protocol.codecs.transaction, transaction);
    const { id } = await client.call('transaction.submit', { bytes });
    sequence++;
    if (isFirst) await untilFinal(id); // It registers the key that the next ones are checked by.
    return id;
  };

  await untilFinal((await client.call('faucet.request', { address })).id);
  return {
    client,
    address,
    text: formatAddress(address),
    pay,
    untilFinal,
    async stream(recipient, count) {
      const ids: Hash[] = [];
      for (let at = 0; at < count; at++) {
        const early = ids[at - PENDING_MAX];
        if (early !== undefined) await untilFinal(early);
        ids.push(await pay(recipient));
      }
      const last = ids.at(-1);
      if (last !== undefined) await untilFinal(last);
    },
    async makeBlocks(recipient, count) {
      for (let at = 0; at < count; at++) await untilFinal(await pay(recipient));
    },
    close: () => client.close(),
  };
}

/** An address nobody has the key of: somewhere to pay to. */
export function someAddress(): Address {
  return new Uint8Array(randomBytes(32)) as Address; // Any 32 bytes are one.
}
