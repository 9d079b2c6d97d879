import type { Bytes } from '../../base/index.ts';
import { equalBytes, errorToData } from '../../base/index.ts';
import { encode, toJson } from '../../codec/index.ts';
import type { Address, AssetId } from '../../ledger/index.ts';
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
import { stateProofCodec } from '../../state/index.ts';
import { rpcError } from '../errors.ts';
import type { MethodHandlers } from '../handlers.ts';
import { ASSETS_PER_PAGE_MAX, MEMPOOL_PER_PAGE_MAX } from '../limits.ts';
import type { AccountView, AssetView } from '../views.ts';
import type { NodeContext } from './context.ts';
import { limitOf } from './context.ts';
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
export async function accountOf(context: NodeContext, address: Address): Promise<AccountView> {
  const { ledger } = context.node;
  const { account, balances, height } = await context.parts.chain.read((view) => ({
    kind: 'read' as const,
    account: ledger.readAccount(view, address),
    balances: readBalances(view, address),
    height: context.head().header.height,
  }));
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
    trust: context.trust(),
  };
}

/** Accounts, assets, parameters, and what waits. */
export function accountMethods(context: NodeContext): AccountMethods {
  const { node } = context;
  return {
    'account.get': ({ address }) => accountOf(context, address),
    'account.findByCredential': async ({ credentialId }) => {
      const claims = await context.parts.chain.read((view) => ({
        kind: 'read' as const,
        found: node.ledger.findByCredential(view, credentialId),
        height: context.head().header.height,
      }));
      return {
        address: claims.found[0]?.address,
        accounts: claims.found,
        height: claims.height,
        trust: context.trust(),
      };
    },
    'account.proof': ({ address, assets }) => accountProofOf(context, address, assets),
    'asset.get': async ({ asset }) => {
      const found = await context.parts.chain.read((view) => ({
        kind: 'read' as const,
        record: readAsset(view, asset),
      }));
      if (found.record === undefined) throw rpcError('not-found');
      return assetViewOf(asset, found.record);
    },
    'asset.list': async ({ after, limit }) => {
      const page = limitOf(limit, ASSETS_PER_PAGE_MAX);
      const { assets, next, height } = await context.parts.chain.read((view) => {
        const ids = readAssetIds(view, { after, limit: page + 1 });
        const found = ids.slice(0, page).flatMap((asset) => {
          const record = readAsset(view, asset);
          return record === undefined ? [] : [assetViewOf(asset, record)];
        });
        return {
          kind: 'read' as const,
          assets: found,
          next: ids.length > page ? ids[page - 1] : undefined,
          height: context.head().header.height,
        };
      });
      return { assets, next, height, trust: context.trust() };
    },
    'parameters.get': async () => {
      const { parameters, height } = await context.parts.chain.read((view) => ({
        kind: 'read' as const,
        parameters: readParameters(view),
        height: context.head().header.height,
      }));
      return {
        parameters: toJson(chainParametersCodec, parameters),
        height,
        trust: context.trust(),
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
    'validators.get': async ({ height }) => {
      const at = height ?? context.parts.chain.next().height;
      const { validators } = context.membershipAt(at);
      return { height: at, validators, trust: context.trust() };
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
  context: NodeContext,
  address: Address,
  assets: readonly AssetId[] | undefined,
) {
  const { store } = context.parts;
  const { height } = context.head().header;
  const keys = proofKeys(address, assets ?? []);
  const proof = await store.prove(height, keys).catch((error: unknown) => {
    // A version that is kept no longer; anything else is the store's failure.
    if (errorToData(error).code !== 'version-unavailable') throw error;
    throw rpcError('proof-unavailable', { height });
  });
  const { header, hash, certificate } = await context.outline(height);
  return {
    header,
    hash,
    certificate,
    membership: context.membershipAt(height),
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
