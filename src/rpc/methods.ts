import type { Json } from '../base/index.ts';
import { isJsonObject } from '../base/index.ts';
import type { Codec, Infer } from '../codec/index.ts';
import { bool, bytes, option, struct, text, u16, uint53, vector } from '../codec/index.ts';
import { hashCodec } from '../crypto/index.ts';
import type { Action } from '../ledger/index.ts';
import {
  addressCodec,
  assetIdCodec,
  CREDENTIAL_ID_BYTES_MAX,
  heightCodec,
  keyPolicyCodec,
  validatorCodec,
} from '../ledger/index.ts';
import { LIGHT_HEIGHTS_MAX, lightAnswerCodec } from '../light/index.ts';
import type { RpcErrorCode } from './errors.ts';
import { CHECKPOINT_ERROR_CODES, FAUCET_ERROR_CODES, TRANSACTION_ERROR_CODES } from './errors.ts';
import { jsonCodec } from './json.ts';
import {
  BLOCK_CALLS,
  BLOCKS_PER_PAGE_MAX,
  CHECKPOINT_CHARACTERS_MAX,
  HISTORY_PER_PAGE_MAX,
  ITEMS_PER_CALL,
  LIGHT_CALLS_MIN,
  MEMPOOL_PER_PAGE_MAX,
  MULTIADDR_BYTES_MAX,
  PAGE_DEFAULT,
  PROOF_ASSETS_MAX,
  PROOF_CALLS,
  SIMULATION_CALLS,
  STATUSES_MAX,
  SUBMITTED_BYTES_MAX,
} from './limits.ts';
import * as nodeViews from './node-views.ts';
import { transactionViews } from './transaction-views.ts';
import * as views from './views.ts';

/**
 * One question that a node answers. Parameters and answer are codecs: their JSON form travels,
 * their values are what handlers and clients hold, their shape makes the OpenRPC document.
 */
export type MethodSpec<Params, Value> = {
  readonly summary: string;
  readonly params: Codec<Params>;
  readonly result: Codec<Value>;
  /** Codes beyond the common ones that an answer may carry. */
  readonly errors: readonly RpcErrorCode[];
  /** `operator` methods change or reveal this node: its own page may call them, strangers not. */
  readonly access: 'public' | 'operator';
  /** Whether asking twice is as good as once; only such calls are asked again on a new leader. */
  readonly isIdempotent: boolean;
  /** What the answer's truth rests on. */
  readonly trust: string;
  /** What a call costs of its asker's rate, in calls: by its parameters, whatever they are. */
  readonly cost: (params: Json | undefined) => number;
  /** Whether it may read whole blocks: of such calls a connection has one at a time. */
  readonly readsBlocks: boolean;
};

type Extras = {
  readonly errors?: readonly RpcErrorCode[];
  readonly access?: 'public' | 'operator';
  readonly isIdempotent?: boolean;
  readonly trust?: string;
  readonly cost?: (params: Json | undefined) => number;
  readonly readsBlocks?: boolean;
};

function method<Params, Value>(
  summary: string,
  params: Codec<Params>,
  result: Codec<Value>,
  extras: Extras = {},
): MethodSpec<Params, Value> {
  return {
    summary,
    params,
    result,
    errors: extras.errors ?? [],
    access: extras.access ?? 'public',
    isIdempotent: extras.isIdempotent ?? true,
    trust: extras.trust ?? 'The word of the node that answers.',
    cost: extras.cost ?? (() => 1),
    readsBlocks: extras.readsBlocks ?? false,
  };
}

/** A member of parameters that nobody has looked at yet. */
function memberOf(params: Json | undefined, name: string): Json | undefined {
  return isJsonObject(params) && Object.hasOwn(params, name) ? params[name] : undefined;
}

/** Cost of a page: of as many entries as are asked for. */
function costOfPage(params: Json | undefined): number {
  const limit = memberOf(params, 'limit');
  const entries = typeof limit === 'number' && limit > 0 ? limit : PAGE_DEFAULT;
  // More than any page holds is no more than a page.
  return Math.ceil(Math.min(entries, ENTRIES_PER_PAGE_MAX) / ITEMS_PER_CALL);
}

/** Cost of a question about a list of ids. */
function costOfIds(params: Json | undefined): number {
  const ids = memberOf(params, 'ids');
  const count = Array.isArray(ids) ? Math.min(ids.length, STATUSES_MAX) : 1;
  return Math.max(1, Math.ceil(count / ITEMS_PER_CALL));
}

function costOfBlock(params: Json | undefined): number {
  return memberOf(params, 'isHeaderOnly') === true ? 1 : BLOCK_CALLS;
}

/** Of as many light blocks as are asked for; some more may be added. */
function costOfLightBlocks(params: Json | undefined): number {
  const heights = memberOf(params, 'heights');
  const count = Array.isArray(heights) ? heights.length : 1;
  return Math.min(Math.max(count, LIGHT_CALLS_MIN), LIGHT_HEIGHTS_MAX);
}

const PAGE_OF_BLOCKS = { cost: costOfPage, readsBlocks: true } as const;
const ENTRIES_PER_PAGE_MAX = Math.max(BLOCKS_PER_PAGE_MAX, HISTORY_PER_PAGE_MAX);

const none = struct('None', {});
const byId = struct('ById', { id: hashCodec });
const byAddress = struct('ByAddress', { address: addressCodec });
const listLimit = option(u16);
const PROVEN = 'Verifiable: a proof under a finality certificate comes with it.';
const LABELLED = 'Carries its trust level and the height it holds for.';
/** A node that did not execute what it is asked needs peers that prove it. */
const UNPROVEN = ['proof-unavailable', 'light-expired', 'light-alarm'] as const;
const CHECKPOINT_ERRORS = [...CHECKPOINT_ERROR_CODES, 'light-alarm'] as const;
const READ = { errors: UNPROVEN, trust: LABELLED } as const;
const BLOCK_ERRORS = ['not-found', 'height-unknown', 'height-pruned', ...UNPROVEN] as const;
const NOT_FOUND = { errors: BLOCK_ERRORS, trust: LABELLED } as const;
const PROOF = { errors: BLOCK_ERRORS, trust: PROVEN } as const;

const nodeMethods = {
  'chain.info': method('What network this is.', none, views.chainInfoCodec),
  'node.status': method('Stage, head, and progress of this node.', none, nodeViews.nodeStatusCodec),
  'node.peers': method('Peers connected now.', none, nodeViews.peersViewCodec),
  'node.storage': method('Bytes kept, by kind.', none, nodeViews.storageViewCodec),
  'node.consensus': method('Votes of the current height.', none, nodeViews.consensusViewCodec),
  'node.events': method(
    'Recent diagnostics, oldest first.',
    struct('EventsQuery', { limit: listLimit }),
    nodeViews.eventsViewCodec,
    { access: 'operator' },
  ),
  'node.pause': method('Stops syncing and gossip; answers go on.', none, none, {
    access: 'operator',
  }),
  'node.resume': method('Ends a pause.', none, none, { access: 'operator' }),
  'node.reset': method('Deletes local data and starts again from genesis.', none, none, {
    access: 'operator',
    isIdempotent: false,
    errors: ['store-held'],
  }),
  'node.configure': method(
    'Changes settings of this node; absent members stay as they are.',
    struct('NodeSettings', {
      cacheBytesMax: option(uint53),
      mode: option(nodeViews.nodeModeCodec),
      /** Whether signatures of transactions at or below a checkpoint are left unchecked. */
      replayTrusting: option(bool),
    }),
    none,
    { access: 'operator', errors: ['mode-unavailable', 'mode-needs-reset', 'store-held'] },
  ),
  'node.promote': method('Allows a waiting node to fetch the whole state now.', none, none, {
    access: 'operator',
  }),
  'node.checkpoint': method(
    'The newest final block as a checkpoint for others, and what this node was given.',
    none,
    nodeViews.checkpointViewCodec,
    { trust: LABELLED },
  ),
  'node.trustCheckpoint': method(
    'Trusts a block that somebody named by hand, once it was found; nothing changes otherwise.',
    struct('CheckpointText', { text: text({ max: CHECKPOINT_CHARACTERS_MAX }) }),
    none,
    { access: 'operator', errors: [...CHECKPOINT_ERRORS, 'store-held'] },
  ),
  'node.evidence': method(
    'What this node holds against those who certified two blocks of one height.',
    none,
    nodeViews.evidenceViewCodec,
    { access: 'operator', trust: PROVEN },
  ),
  'node.clearAlarm': method(
    'After somebody looked at the evidence: new heads are trusted again.',
    none,
    none,
    { access: 'operator' },
  ),
  'node.addRelay': method(
    'Dials a relay now and keeps it in the list.',
    struct('RelayAddress', { multiaddr: text({ max: MULTIADDR_BYTES_MAX }) }),
    none,
    { access: 'operator', errors: ['relay-unreachable', 'relay-address-invalid'] },
  ),
  'node.diagnostics': method(
    'A bundle for bug reports: no keys, no peer addresses, no contacts.',
    none,
    struct('Diagnostics', { bundle: jsonCodec }),
    { access: 'operator' },
  ),
} as const;

const accountMethods = {
  'account.get': method(
    'Sequence, keys and balances; an address never used answers zeros.',
    byAddress,
    views.accountViewCodec,
    READ,
  ),
  'account.findByCredential': method(
    'The account whose record names a WebAuthn credential.',
    struct('ByCredential', { credentialId: bytes({ max: CREDENTIAL_ID_BYTES_MAX }) }),
    struct('FoundAccount', {
      /** The first of `accounts`. */
      address: option(addressCodec),
      /** Proven claims first. A claim is a hint where to look; check an assertion against it. */
      accounts: vector(
        struct('CredentialClaim', { address: addressCodec, keyId: hashCodec, isProven: bool }),
        { max: 64 },
      ),
      height: heightCodec,
      trust: views.trustCodec,
    }),
    READ,
  ),
  'account.proof': method(
    'State proof of an account record and its balances under a final header.',
    struct('AccountProofQuery', {
      address: addressCodec,
      /** Assets whose balance is proved as well; the native one when absent. */
      assets: option(vector(assetIdCodec, { max: PROOF_ASSETS_MAX })),
    }),
    views.accountProofCodec,
    PROOF,
  ),
  'asset.get': method(
    'One asset.',
    struct('ByAsset', { asset: assetIdCodec }),
    views.assetAnswerCodec,
    NOT_FOUND,
  ),
  'asset.list': method(
    'Assets issued on this network, in the order of their ids.',
    struct('AssetsQuery', { after: option(assetIdCodec), limit: listLimit }),
    views.assetListCodec,
    READ,
  ),
} as const;

const poolMethods = {
  'parameters.get': method(
    'On-chain parameters in force.',
    none,
    struct('ParametersView', {
      parameters: jsonCodec,
      height: heightCodec,
      trust: views.trustCodec,
    }),
    READ,
  ),
  'mempool.status': method('How full the mempool is.', none, views.mempoolStatusCodec),
  'mempool.list': method(
    'Pending transactions, next to be included first.',
    struct('MempoolQuery', { limit: listLimit }),
    struct('MempoolList', {
      pending: vector(views.pendingViewCodec, { max: MEMPOOL_PER_PAGE_MAX }),
    }),
  ),
  'faucet.request': method(
    'Sends test coins, where the network gives any.',
    byAddress,
    struct('FaucetAnswer', { id: hashCodec }),
    { errors: [...FAUCET_ERROR_CODES, ...TRANSACTION_ERROR_CODES], isIdempotent: false },
  ),
  'validators.get': method(
    'Who decides a height; the next one when absent.',
    struct('ValidatorsQuery', { height: option(heightCodec) }),
    struct('ValidatorsView', {
      height: heightCodec,
      validators: vector(validatorCodec, { max: 256 }),
      trust: views.trustCodec,
    }),
    NOT_FOUND,
  ),
  'actions.schema': method(
    'Kinds of action with shape, class and wording: what forms and clear-signing draw from.',
    none,
    struct('ActionsSchema', { actions: jsonCodec }),
    { trust: 'Part of the program, equal on every node of this version.' },
  ),
  'rpc.discover': method(
    'The OpenRPC document of this service.',
    none,
    struct('Discovery', { document: jsonCodec }),
  ),
} as const;

function chainMethods(action: Codec<Action>) {
  const { block, blockList, transactionView, history } = transactionViews(action);
  return {
    'block.get': method(
      'One block by height or by hash; the head when neither is given.',
      struct('BlockQuery', {
        height: option(heightCodec),
        hash: option(hashCodec),
        /** Whether to leave the transactions out. */
        isHeaderOnly: option(bool),
      }),
      block,
      { ...NOT_FOUND, cost: costOfBlock, readsBlocks: true },
    ),
    'block.list': method(
      'Blocks below a height, newest first.',
      struct('BlocksQuery', { before: option(heightCodec), limit: listLimit }),
      blockList,
      { ...READ, ...PAGE_OF_BLOCKS },
    ),
    'light.blocks': method(
      'Headers with certificates and members, for whoever follows who decides without a node.',
      struct('LightBlocksQuery', {
        /** A height that the asker trusts already: what leads from there may be added. */
        from: heightCodec,
        heights: vector(heightCodec, { min: 1, max: LIGHT_HEIGHTS_MAX }),
      }),
      lightAnswerCodec,
      { errors: UNPROVEN, trust: PROVEN, cost: costOfLightBlocks, readsBlocks: true },
    ),
    'transaction.get': method('One transaction, included or pending.', byId, transactionView, {
      ...NOT_FOUND,
      readsBlocks: true,
    }),
    'transaction.status': method(
      'How far a transaction has come; unknown ids answer `unknown`.',
      byId,
      views.transactionStatusCodec,
      { ...READ, readsBlocks: true },
    ),
    'transaction.statuses': method(
      'As `transaction.status` for many at once, in the order asked.',
      struct('ByIds', { ids: vector(hashCodec, { max: STATUSES_MAX }) }),
      struct('TransactionStatuses', {
        statuses: vector(views.transactionStatusCodec, { max: STATUSES_MAX }),
      }),
      { ...READ, cost: costOfIds, readsBlocks: true },
    ),
    'transaction.submit': method(
      'Admits signed bytes to the mempool and gossips them. The same bytes again answer the same.',
      struct('SignedBytes', { bytes: bytes({ max: SUBMITTED_BYTES_MAX }) }),
      struct('Submitted', { id: hashCodec }),
      {
        errors: [...TRANSACTION_ERROR_CODES, ...UNPROVEN],
        trust: 'The id is the hash of what was sent.',
      },
    ),
    'transaction.simulate': method(
      'What an unsigned body would do on the state of the head.',
      struct('BodyBytes', {
        body: bytes({ max: SUBMITTED_BYTES_MAX }),
        /** Policies that the authorisations will show, for accounts without a record. */
        initialPolicy: option(keyPolicyCodec),
        sponsorPolicy: option(keyPolicyCodec),
      }),
      views.simulationCodec,
      { ...READ, errors: [...TRANSACTION_ERROR_CODES, ...UNPROVEN], cost: () => SIMULATION_CALLS },
    ),
    'transaction.proof': method(
      'Merkle proof that a final block holds a transaction.',
      byId,
      views.transactionProofCodec,
      { ...PROOF, cost: () => PROOF_CALLS, readsBlocks: true },
    ),
    'account.history': method(
      'Transactions that concern an account, newest first.',
      struct('HistoryQuery', {
        address: addressCodec,
        before: option(views.cursorCodec),
        limit: listLimit,
      }),
      history,
      { ...READ, ...PAGE_OF_BLOCKS },
    ),
  } as const;
}

/** The one table of methods. `action` is the codec of the network's actions (its modules). */
export function createMethods(action: Codec<Action>) {
  return { ...nodeMethods, ...chainMethods(action), ...accountMethods, ...poolMethods } as const;
}

export type Methods = ReturnType<typeof createMethods>;
export type MethodName = keyof Methods;
/** Parameters of a method as a value. */
export type ParamsOf<Name extends MethodName> = Infer<Methods[Name]['params']>;
/** Answer of a method as a value. */
export type ResultOf<Name extends MethodName> = Infer<Methods[Name]['result']>;
/** Each method's parameters and answer, as values. */
export type RpcMethods = {
  readonly [Name in MethodName]: {
    readonly params: ParamsOf<Name>;
    readonly result: ResultOf<Name>;
  };
};
