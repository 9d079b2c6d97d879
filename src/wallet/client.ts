import type { Json } from '../base/index.ts';
import { isJsonObject, TabellionError } from '../base/index.ts';
import type { HashSuiteName } from '../crypto/index.ts';
import type { ErrorView, TransactionStatus } from '../rpc/index.ts';
import type { Client } from '../sdk/index.ts';
import { walletError } from './errors.ts';
import type {
  GasPrices,
  LedgerTransactionStatus,
  NetworkFacts,
  Simulation,
  WalletClient,
} from './types.ts';

function suiteNameOf(text: string): HashSuiteName {
  if (text === 'blake3-256' || text === 'sha2-256') return text;
  throw walletError('network-unsupported', { hashSuite: text });
}

function pricesOf(parameters: Json): GasPrices {
  const members = isJsonObject(parameters) ? parameters : {};
  const { gasPrice, gasPerSignature } = members;
  if (typeof gasPrice !== 'string' || !/^[0-9]{1,20}$/.test(gasPrice)) {
    throw walletError('node-answer-wrong', { member: 'gasPrice' });
  }
  if (typeof gasPerSignature !== 'number') {
    throw walletError('node-answer-wrong', { member: 'gasPerSignature' });
  }
  return { gasPrice: BigInt(gasPrice), gasPerSignature };
}

function factsOf(problem: ErrorView): { readonly [name: string]: Json } {
  return isJsonObject(problem.facts) ? problem.facts : {};
}

function statusOf(status: TransactionStatus): LedgerTransactionStatus {
  const { stage, height, code, actionIndex } = status;
  const failure = code === undefined ? undefined : { code, actionIndex };
  return {
    stage,
    height,
    failure: stage === 'failed' || stage === 'expired' ? failure : undefined,
    droppedFor: stage === 'seen' ? code : undefined,
  };
}

/** The wallet's questions, put to a node through an SDK client. */
export function walletClientOf(client: Client): WalletClient {
  const optionsOf = (signal: AbortSignal | undefined) => (signal === undefined ? {} : { signal });
  return {
    async network(signal): Promise<NetworkFacts> {
      const info = await client.call('chain.info', {}, optionsOf(signal));
      const { chainId, name, native } = info;
      return { chainId, name, native, hashSuite: suiteNameOf(info.hashSuite) };
    },
    async headHeight(signal) {
      const status = await client.call('node.status', {}, optionsOf(signal));
      return status.head.height;
    },
    async account(address, signal) {
      const view = await client.call('account.get', { address }, optionsOf(signal));
      const { sequence, policy, keys } = view;
      return { address, sequence, policy, keys };
    },
    async findByCredential(credentialId, signal) {
      const options = optionsOf(signal);
      const found = await client.call('account.findByCredential', { credentialId }, options);
      return found.accounts.map(({ address }) => address);
    },
    async asset(asset, signal) {
      try {
        const { symbol, decimals } = await client.call('asset.get', { asset }, optionsOf(signal));
        return { symbol, decimals };
      } catch (error) {
        if (error instanceof TabellionError && error.code === 'not-found') return undefined;
        throw error;
      }
    },
    async gasPrices(signal) {
      const { parameters } = await client.call('parameters.get', {}, optionsOf(signal));
      return pricesOf(parameters);
    },
    async simulate({ body, initialPolicy, sponsorPolicy }, signal): Promise<Simulation> {
      const params = { body, initialPolicy, sponsorPolicy };
      const answer = await client.call('transaction.simulate', params, optionsOf(signal));
      const { outcome, gasUsed, fee, changes, height, trust, problem } = answer;
      return {
        outcome,
        gasUsed,
        fee,
        changes,
        atHeight: height,
        trust,
        problem:
          problem === undefined ? undefined : { code: problem.code, facts: factsOf(problem) },
      };
    },
    async submit(bytes, signal) {
      const { id } = await client.call('transaction.submit', { bytes }, optionsOf(signal));
      return id;
    },
    async transactionStatus(id, signal) {
      return statusOf(await client.call('transaction.status', { id }, optionsOf(signal)));
    },
    watchTransaction: (id, callback) =>
      client.subscribe('transaction', { id }, (status) => callback(statusOf(status))),
    watchHead: (callback) => client.subscribe('heads', {}, (head) => callback(head.height)),
  };
}
