import type { Bytes } from '../../base/index.ts';
import { equalBytes } from '../../base/index.ts';
import { encode, toJson } from '../../codec/index.ts';
import type { Address, AssetId, Height } from '../../ledger/index.ts';
import {
  accountStateKeys,
  balanceStateKey,
  chainParametersCodec,
  NATIVE_ASSET,
  readAsset,
  readAssetIds,
  readBalances,
  readParameters,
} from '../../ledger/index.ts';
import type { LedgerSource } from '../../node/index.ts';
import { stateProofCodec } from '../../state/index.ts';
import { rpcError } from '../errors.ts';
import type { MethodHandlers } from '../handlers.ts';
import { ASSETS_PER_PAGE_MAX, MEMPOOL_PER_PAGE_MAX } from '../limits.ts';
import type { AccountView, AssetView } from '../views.ts';
import type { NodeContext } from './context.ts';
import { limitOf, readOptions } from './context.ts';
import { actionsSchema } from './schema.ts';

type AccountMethods = Pick<
  MethodHandlers,
  | 'account.get'
  | 'account.findByCredential'
  | 'account.proof'
  | 'asset.get'
  | 'asset.list'
  | 'parameters.get'
  | 'mempool.status'
  | 'mempool.list'
  | 'faucet.request'
  | 'validators.get'
  | 'actions.schema'
>;

/** The account that `account.get` answers and the topic `account` pushes. */
export async function accountOf(
  context: NodeContext,
  address: Address,
  signal?: AbortSignal,
): Promise<AccountView> {
  const { ledger } = context.node;
  const source = context.source();
  const { account, balances, height } = await source.read(
    (view) => ({
      kind: 'read' as const,
      account: ledger.readAccount(view, address),
      balances: readBalances(view, address),
      height: source.head().header.height,
    }),
    readOptions(signal),
  );
  const records = account.policy?.keys ?? [];
  const hints = new Map(account.hints.map(({ keyId, hint }) => [keyId.join(), hint]));
  return {
    address,
    sequence: account.sequence,
    policy: account.policy,
    keys: records.map((record) => {
      const keyId = ledger.keyId(record.key);
      return { keyId, record, hint: hints.get(keyId.join()) };
    }),
    balances: balances.map(({ asset, amount, record }) => ({
      asset,
      amount,
      symbol: record.symbol,
      name: record.name,
      decimals: record.decimals,
    })),
    height,
    trust: source.trust(),
  };
}

/** Accounts, assets, parameters, and what waits. */
export function accountMethods(context: NodeContext): AccountMethods {
  const { node } = context;
  return {
    'account.get': ({ address }, { signal }) => accountOf(context, address, signal),
    'account.findByCredential': async ({ credentialId }, { signal }) => {
      const source = context.source();
      const claims = await source.read(
        (view) => ({
          kind: 'read' as const,
          found: node.ledger.findByCredential(view, credentialId),
          height: source.head().header.height,
        }),
        { signal },
      );
      return {
        address: claims.found[0]?.address,
        accounts: claims.found,
        height: claims.height,
        trust: source.trust(),
      };
    },
    'account.proof': ({ address, assets }, { signal }) =>
      accountProofOf(context.source(), { address, assets, signal }),
    'asset.get': async ({ asset }, { signal }) => {
      const source = context.source();
      const found = await source.read(
        (view) => ({
          kind: 'read' as const,
          record: readAsset(view, asset),
          height: source.head().header.height,
        }),
        { signal },
      );
      if (found.record === undefined) throw rpcError('not-found');
      const view = assetViewOf(asset, found.record);
      return { ...view, height: found.height, trust: source.trust() };
    },
    'asset.list': async ({ after, limit }, { signal }) => {
      const page = limitOf(limit, ASSETS_PER_PAGE_MAX);
      const source = context.source();
      const { assets, next, height } = await source.read((view) => {
        const ids = readAssetIds(view, { after, limit: page + 1 });
        const found = ids.slice(0, page).flatMap((asset) => {
          const record = readAsset(view, asset);
          return record === undefined ? [] : [assetViewOf(asset, record)];
        });
        return {
          kind: 'read' as const,
          assets: found,
          next: ids.length > page ? ids[page - 1] : undefined,
          height: source.head().header.height,
        };
      }, readOptions(signal));
      return { assets, next, height, trust: source.trust() };
    },
    'parameters.get': async (_, { signal }) => {
      const source = context.source();
      const { parameters, height } = await source.read(
        (view) => ({
          kind: 'read' as const,
          parameters: readParameters(view),
          height: source.head().header.height,
        }),
        { signal },
      );
      return {
        parameters: toJson(chainParametersCodec, parameters),
        height,
        trust: source.trust(),
      };
    },
    'mempool.status': async () => mempoolStatusOf(context),
    'mempool.list': async ({ limit }) => ({
      pending: context.parts.mempool
        .list(limitOf(limit, MEMPOOL_PER_PAGE_MAX))
        .map(({ id, sender, sequence, feeMax, gasLimit, validUntil, sizeBytes, payload }) => ({
          id,
          sender,
          sequence,
          feeMax,
          gasLimit,
          validUntil,
          sizeBytes,
          seenAtMs: payload.seenAtMs,
          kinds: payload.prepared.transaction.body.actions.map(({ kind }) => kind),
        })),
    }),
    'faucet.request': async ({ address }, { remoteAddress, signal }) => {
      const granted = await node.requestCoins(address, remoteAddress ?? 'local', signal);
      if (granted.ok) return { id: granted.value };
      const { code, ...facts } = granted.error;
      throw rpcError(code, facts);
    },
    'validators.get': async ({ height }, { signal }) => {
      const source = context.source();
      const next = (source.head().header.height + 1) as Height; // One above a height is one.
      const at = height ?? next;
      const { validators } =
        at === next ? source.membership() : await context.membershipAt(source, at, signal);
      return { height: at, validators, trust: source.trust() };
    },
    'actions.schema': async () => ({ actions: actionsSchema(node.ledger) }),
  };
}

/** How full the mempool is. */
export function mempoolStatusOf(context: NodeContext) {
  const { count, bytes } = context.parts.mempool.size();
  const { countMax, bytesMax } = context.parts.mempool.limits();
  return { count, bytes, countMax, bytesMax };
}

async function accountProofOf(
  source: LedgerSource,
  asked: {
    readonly address: Address;
    readonly assets: readonly AssetId[] | undefined;
    readonly signal: AbortSignal;
  },
) {
  const { address, assets = [], signal } = asked;
  const keys = proofKeys(address, assets);
  const { header, hash, certificate, membership, proof } = await source.prove(keys, { signal });
  return {
    header,
    hash,
    certificate,
    membership,
    address,
    keys,
    proof: encode(stateProofCodec, proof),
  };
}

/** Sequence, policy and native balance, then each further asset once: what verifiers expect. */
function proofKeys(address: Address, assets: readonly AssetId[]): Bytes[] {
  const { sequence, policy } = accountStateKeys(address);
  const balances = [NATIVE_ASSET, ...assets].map((asset) => balanceStateKey(address, asset));
  const keys = [sequence, policy];
  for (const key of balances) {
    if (!keys.some((known) => equalBytes(known, key))) keys.push(key);
  }
  return keys;
}

function assetViewOf(asset: AssetId, record: NonNullable<ReturnType<typeof readAsset>>): AssetView {
  const { symbol, name, decimals, supply, issuer } = record;
  return { asset, symbol, name, decimals, supply, issuer };
}
