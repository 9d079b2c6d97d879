import type { Json } from '../base/index.ts';
import { formatHex, isJsonObject, TabellionError } from '../base/index.ts';
import { encode } from '../codec/index.ts';
import type { Hash, HashSuiteName, KeyPair } from '../crypto/index.ts';
import { hashSuite, signMessage } from '../crypto/index.ts';
import type { Amount, Gas, Height, Transaction, TransactionBody } from '../ledger/index.ts';
import {
  addressOfPolicy,
  NATIVE_ASSET,
  PROTOCOL_VERSION,
  protocol,
  signingHashOf,
} from '../ledger/index.ts';
import type { Client } from '../sdk/index.ts';
import { createClient, formatAddress, httpTransport, parseAddress } from '../sdk/index.ts';
import { formatAmount, parseAmount } from './amounts.ts';
import { loadKey, policyOfKey } from './key-files.ts';
import type { Output } from './output.ts';

/** What `tabellion send` is told. */
export type SendOptions = {
  readonly keyFile: string;
  readonly recipient: string;
  readonly amount: string;
  readonly memo: string;
  readonly rpc: string;
};

/** Heights that a payment stays valid: with the default heartbeat, at least ten minutes. */
const VALIDITY_HEIGHTS = 100;
const POLL_MS = 100;

/** Pays, and returns once the payment is final. Rejects with its code when it fails or expires. */
export async function sendCoins(options: SendOptions, output: Output): Promise<void> {
  const pair = await loadKey(options.keyFile);
  const recipient = parseAddress(options.recipient);
  if (!recipient.ok) throw new TabellionError(recipient.error.code);
  const client = createClient(httpTransport(options.rpc));
  try {
    const chain = await client.call('chain.info', {});
    const { decimals, symbol } = chain.native;
    const amount = parseAmount(options.amount, decimals);
    if (!amount.ok) throw new TabellionError(amount.error.code, { amount: options.amount });
    const action = {
      kind: 'asset.transfer',
      asset: NATIVE_ASSET,
      recipient: recipient.value,
      amount: amount.value,
    };
    const transaction = await compose(client, pair, [action], options.memo);
    output.say(
      `Sending ${formatAmount(amount.value, decimals)} ${symbol} ` +
        `to ${formatAddress(recipient.value)}`,
    );
    const bytes = encode(protocol.codecs.transaction, transaction);
    const { id } = await client.call('transaction.submit', { bytes });
    const height = await untilFinal(client, { id, ...transaction.body }, output);
    output.result(`Final at block ${height} · ${formatHex(id)}`, { id: formatHex(id), height });
  } finally {
    client.close();
  }
}

/** A signed transaction of the key's account, with the fee that a simulation says. */
async function compose(
  client: Client,
  pair: KeyPair,
  actions: TransactionBody['actions'],
  memo: string,
): Promise<Transaction> {
  const chain = await client.call('chain.info', {});
  // The node names one of the suites that this program knows, or decoding below fails.
  const suite = hashSuite(chain.hashSuite as HashSuiteName);
  const policy = policyOfKey(pair);
  const sender = addressOfPolicy(suite, policy);
  const account = await client.call('account.get', { address: sender });
  const draft: TransactionBody = {
    version: PROTOCOL_VERSION,
    chainId: chain.chainId,
    sender,
    sequence: account.sequence,
    validFrom: account.height,
    // A height and a little more is a height.
    validUntil: (account.height + VALIDITY_HEIGHTS) as Height,
    feeMax: 0n as Amount, // A draft: the simulation says what it costs.
    gasLimit: 0 as Gas,
    sponsor: undefined,
    actions,
    memo,
  };
  const simulated = await client.call('transaction.simulate', {
    body: encode(protocol.codecs.body, draft),
    initialPolicy: policy,
  });
  const { problem, outcome } = simulated;
  // It would be charged for nothing.
  if (outcome.kind === 'failed') throw new TabellionError(outcome.code);
  if (problem !== undefined) throw new TabellionError(problem.code, factsOf(problem.facts));
  const body = { ...draft, gasLimit: simulated.gasUsed, feeMax: simulated.fee };
  const signature = signMessage(pair, signingHashOf(suite, encode(protocol.codecs.body, body)));
  const { publicKey, algorithm } = pair;
  return {
    body,
    sender: {
      initialPolicy: account.policy === undefined ? policy : undefined,
      signatures: [{ kind: algorithm, publicKey, signature }],
    },
    sponsor: undefined,
  };
}

function factsOf(facts: Json): { readonly [name: string]: Json } {
  return isJsonObject(facts) ? facts : {};
}

async function untilFinal(
  client: Client,
  sent: { readonly id: Hash; readonly validUntil: Height },
  output: Output,
): Promise<number> {
  const { id, validUntil } = sent;
  let told = '';
  for (;;) {
    // Asked first: a block may come between the two questions.
    const { head } = await client.call('node.status', {});
    const status = await client.call('transaction.status', { id });
    if (status.stage !== told) output.say(`  ${status.stage}`);
    told = status.stage;
    if (status.stage === 'final') return status.height ?? 0;
    if (status.stage === 'failed' || status.stage === 'expired') {
      throw new TabellionError(status.code ?? status.stage, { id: formatHex(id) });
    }
    // A node that was started anew has forgotten what waited there.
    const isLost = status.stage === 'unknown' && head.height >= validUntil;
    if (isLost) throw new TabellionError('expired', { id: formatHex(id) });
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
