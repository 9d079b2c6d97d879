import { encodeUtf8, equalBytes, TabellionError } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import { hashSuite } from '../crypto/index.ts';
import type {
  Action,
  ActionClass,
  Amount,
  Gas,
  Height,
  KeyPolicy,
  Sequence,
  TransactionBody,
} from '../ledger/index.ts';
import {
  ACTIONS_PER_TRANSACTION_MAX,
  MEMO_BYTES_MAX,
  PROTOCOL_VERSION,
  signingHashOf,
  transactionIdOf,
  weightNeeded,
} from '../ledger/index.ts';
import { hintOf } from './accounts.ts';
import type { WalletContext } from './context.ts';
import { walletError } from './errors.ts';
import { actionClassOf, codecs } from './ledger-format.ts';
import { VALIDITY_HEIGHTS } from './limits.ts';
import { recordOf } from './policy.ts';
import { signingCodeOf } from './signing-code.ts';
import { summarize } from './summary.ts';
import type {
  GasPrices,
  LedgerAccount,
  LocalAccount,
  LocalKey,
  NetworkFacts,
  PreparedTransaction,
  PrepareRequest,
  SimulateRequest,
  Simulation,
} from './types.ts';

/** An action that lets a fresh browser find a key which the ledger was told nothing about. */
function descriptionFor(account: LocalAccount, ledger: LedgerAccount): Action | undefined {
  const policy = ledger.policy ?? account.initialPolicy;
  const key = account.keys.find((each) => {
    const isDescribed = ledger.keys.some(
      ({ keyId, hint }) => hint !== undefined && equalBytes(keyId, each.keyId),
    );
    return policy !== undefined && recordOf(policy, each.publicKey) !== undefined && !isDescribed;
  });
  if (key === undefined) return undefined;
  return { kind: 'account.describe-key', keyId: key.keyId, hint: hintOf(key) };
}

/** Local keys that count under a policy, and how many of them a class of action takes. */
function signersFor(
  account: LocalAccount,
  policy: KeyPolicy,
  actionClass: ActionClass,
): { readonly signers: LocalKey[]; readonly count: number } {
  const needed = weightNeeded(policy.thresholds, actionClass);
  const signers: LocalKey[] = [];
  let held = 0;
  let count = 0;
  for (const key of account.keys) {
    const record = recordOf(policy, key.publicKey);
    if (record === undefined || record.role !== 'signer') continue;
    signers.push(key);
    if (held < needed) count++;
    held += record.weight;
  }
  if (held < needed) throw walletError('weight-too-low', { needed, held, class: actionClass });
  return { signers, count };
}

/** Gas and fee with a margin, for prices that change and keys that join in. */
function limitsFor(
  gasUsed: number,
  signatures: number,
  prices: GasPrices,
): { readonly gasLimit: Gas; readonly feeMax: Amount } {
  const more = Math.max(0, signatures - 1) * prices.gasPerSignature;
  const gasLimit = Math.ceil(gasUsed * 1.1) + more;
  // Gas is far below 2^53, and prices are bounded by the parameters module.
  return { gasLimit: gasLimit as Gas, feeMax: (BigInt(gasLimit) * prices.gasPrice) as Amount };
}

type Draft = Omit<TransactionBody, 'gasLimit' | 'feeMax'>;
type Policies = Pick<SimulateRequest, 'initialPolicy' | 'sponsorPolicy'>;

/** Simulates without limits to learn the gas, then makes the body with limits. */
async function withLimits(
  context: WalletContext,
  draft: Draft,
  policies: Policies,
  signatures: number,
  signal: AbortSignal | undefined,
): Promise<TransactionBody> {
  const simulate = (body: TransactionBody): Promise<Simulation> =>
    context.client.simulate({ body: encode(codecs.body, body), ...policies }, signal);
  const probe = { ...draft, gasLimit: 0 as Gas, feeMax: 0n as Amount }; // In range: nothing at all.
  const [{ gasUsed, outcome }, prices] = await Promise.all([
    simulate(probe),
    context.client.gasPrices(signal),
  ]);
  const body = { ...draft, ...limitsFor(gasUsed, signatures, prices) };
  if (outcome.kind === 'succeeded') return body;
  // A failing action ends the count of gas early; the refusal says what all of them need.
  const { problem } = await simulate(body);
  const needed = problem?.code === 'gas-limit-too-low' ? problem.facts.needed : undefined;
  if (typeof needed !== 'number') return body;
  return { ...draft, ...limitsFor(needed, signatures, prices) };
}

function validateRequest(request: PrepareRequest): void {
  const { actions, memo = '' } = request;
  if (actions.length === 0 || actions.length > ACTIONS_PER_TRANSACTION_MAX) {
    throw walletError('actions-count-wrong', { count: actions.length });
  }
  if (encodeUtf8(memo).length > MEMO_BYTES_MAX) {
    throw walletError('memo-too-long', { bytesMax: MEMO_BYTES_MAX });
  }
}

/** What the ledger would refuse is not put before a person. */
function refuseProblem({ problem }: Simulation, isAhead: boolean): void {
  if (problem === undefined) return;
  // Behind a transaction of ours that is still on its way, a gap is what we want.
  if (isAhead && problem.code === 'sequence-gap') return;
  throw new TabellionError(problem.code, problem.facts);
}

/** Everything that the sheet shows comes from these bytes, decoded again. */
async function describe(
  context: WalletContext,
  facts: {
    readonly account: LocalAccount;
    readonly network: NetworkFacts;
    readonly bytes: PreparedTransaction['bytes'];
    readonly policies: Policies;
    readonly isAhead: boolean;
    readonly signers: readonly LocalKey[];
    readonly hasAddedDescription: boolean;
  },
  signal: AbortSignal | undefined,
): Promise<PreparedTransaction> {
  const { account, network, bytes, policies, isAhead, ...rest } = facts;
  const decoded = decode(codecs.body, bytes);
  if (!decoded.ok) throw walletError('node-answer-wrong', { reason: decoded.error.code });
  const body = decoded.value;
  const suite = hashSuite(network.hashSuite);
  const signingHash = signingHashOf(suite, bytes);
  const { client } = context;
  const keys = account.keys;
  const [simulation, summary] = await Promise.all([
    client.simulate({ body: bytes, ...policies }, signal),
    summarize({ client, suite, network, keys, signal }, body.actions),
  ]);
  refuseProblem(simulation, isAhead);
  return {
    ...rest,
    account,
    network,
    bytes,
    body,
    transactionId: transactionIdOf(suite, bytes),
    signingHash,
    signingCode: signingCodeOf(signingHash),
    summary,
    simulation,
    actionClass: actionClassOf(body.actions),
  };
}

/** What the wallet knows beside the ledger. */
export type LocalFacts = {
  /** The first sequence after those of own transactions on their way; undefined without any. */
  readonly nextSequence: Sequence | undefined;
  /** First policy of the sponsor, when it is an account of this browser. */
  readonly sponsorPolicy: KeyPolicy | undefined;
};

/** Makes a body, encodes it, and describes what the bytes say; see `Wallet.prepare`. */
export async function prepareTransaction(
  context: WalletContext,
  request: PrepareRequest,
  local: LocalFacts,
): Promise<PreparedTransaction> {
  validateRequest(request);
  const { account, signal } = request;
  const [network, ledger, head] = await Promise.all([
    context.network(signal),
    context.client.account(account.address, signal),
    context.client.headHeight(signal),
  ]);
  const policy = ledger.policy ?? account.initialPolicy;
  if (policy === undefined) throw walletError('account-not-found');
  const description = descriptionFor(account, ledger);
  const hasAddedDescription =
    description !== undefined && request.actions.length < ACTIONS_PER_TRANSACTION_MAX;
  const actions = hasAddedDescription ? [...request.actions, description] : request.actions;
  const { signers, count } = signersFor(account, policy, actionClassOf(actions));
  const { nextSequence = ledger.sequence, sponsorPolicy } = local;
  const isAhead = nextSequence > ledger.sequence;
  const sequence = isAhead ? nextSequence : ledger.sequence;
  const draft: Draft = {
    version: PROTOCOL_VERSION,
    chainId: network.chainId,
    sender: account.address,
    sequence,
    validFrom: head,
    validUntil: (head + VALIDITY_HEIGHTS) as Height, // Heights stay far below 2^53.
    sponsor: request.sponsor,
    actions,
    memo: request.memo ?? '',
  };
  const initialPolicy = ledger.policy === undefined ? account.initialPolicy : undefined;
  const policies = { initialPolicy, sponsorPolicy };
  const body = await withLimits(context, draft, policies, count, signal);
  const bytes = encode(codecs.body, body);
  const facts = { account, network, bytes, policies, isAhead, signers, hasAddedDescription };
  return describe(context, facts, signal);
}
