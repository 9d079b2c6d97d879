import type { Json, Result, TimestampMs } from '../base/index.ts';
import { assert, fail, formatHex, isJsonObject, ok } from '../base/index.ts';
import type { Codec } from '../codec/index.ts';
import {
  encode,
  enumeration,
  jsonSchemaOf,
  option,
  parseJson,
  struct,
  text,
  u16,
  vector,
} from '../codec/index.ts';
import type { Hash, HashSuite, HashSuiteName } from '../crypto/index.ts';
import { hashSuite } from '../crypto/index.ts';
import type { ModuleRegistry } from './action.ts';
import type { GenesisError } from './errors.ts';
import {
  BLOCK_BYTES_MAX,
  BLOCK_TRANSACTIONS_MAX,
  HEARTBEAT_MS_MIN,
  LABEL_BYTES_MAX,
  PROTOCOL_VERSION,
  TIMEOUT_MS_MAX,
  TRANSACTION_BYTES_MAX,
  VALIDATORS_MAX,
} from './limits.ts';
import type { AnyModule, NativeAsset } from './module.ts';
import { decimalsCodec, displayNameCodec, symbolCodec } from './names.ts';
import type { StateChange } from './state.ts';
import { Overlay } from './state.ts';
import type { ConsensusOptions, Membership, Validator } from './types.ts';
import { consensusOptionsCodec, timestampCodec, validatorCodec } from './types.ts';

/** Whether a header binds its own block's results, or its parent's. */
export type ExecutionMode = 'state' | 'event';

/** The document that starts a network; its hash is the network's name for machines. */
export type GenesisDocument = {
  readonly version: number;
  /** For people; two networks may share it. */
  readonly name: string;
  readonly timestampMs: TimestampMs;
  readonly hashSuite: HashSuiteName;
  readonly execution: ExecutionMode;
  readonly consensus: ConsensusOptions;
  readonly validators: readonly Validator[];
  readonly native: NativeAsset;
  /** One section a module, by its name; absent for modules that may be left out. */
  readonly modules: { readonly [module: string]: unknown };
};

/** A document that passed every check, and what follows from it. */
export type Genesis = {
  readonly document: GenesisDocument;
  readonly suite: HashSuite;
  readonly chainId: Hash;
  /** Who decides height 1. */
  readonly membership: Membership;
  /** The state of height 0, sorted by key. */
  readonly changes: readonly StateChange[];
};

/** The codec of genesis documents for some modules; its bytes are what the chain id hashes. */
export function createGenesisCodec(registry: ModuleRegistry): Codec<GenesisDocument> {
  const sections: { [module: string]: Codec<unknown> } = {};
  for (const module of registry.modules) {
    const section = sectionCodec(module);
    sections[module.name] = module.genesis.isOptional ? option(section) : section;
  }
  return struct('Genesis', {
    version: u16,
    name: text({ max: LABEL_BYTES_MAX }),
    timestampMs: timestampCodec,
    hashSuite: enumeration('HashSuite', ['blake3-256', 'sha2-256']),
    execution: enumeration('Execution', ['state', 'event']),
    consensus: consensusOptionsCodec,
    validators: vector(validatorCodec, { min: 1, max: VALIDATORS_MAX }),
    native: struct('NativeAsset', {
      symbol: symbolCodec,
      name: displayNameCodec,
      decimals: decimalsCodec,
    }),
    modules: struct('GenesisModules', sections),
  });
}

function sectionCodec(module: AnyModule): Codec<unknown> {
  // Whatever it reads, it also writes; no other value is ever handed to it.
  return module.genesis.section as unknown as Codec<unknown>;
}

/** JSON Schema (2020-12) of genesis documents. */
export function genesisSchemaOf(codec: Codec<GenesisDocument>): {
  readonly [key: string]: unknown;
} {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    ...jsonSchemaOf(codec.shape),
  };
}

/** Reads a document; a member `$schema` is allowed and means nothing. */
export function parseGenesisDocument(
  codec: Codec<GenesisDocument>,
  json: Json,
): Result<GenesisDocument, GenesisError> {
  if (!isJsonObject(json)) return parseJson(codec, json);
  const { $schema: _ignored, ...document } = json;
  return parseJson(codec, document);
}

function validatorsError(validators: readonly Validator[]): GenesisError | undefined {
  const seen = new Set<string>();
  for (const { publicKey, power } of validators) {
    const text = formatHex(publicKey);
    if (seen.has(text)) return { code: 'validators-duplicate' };
    seen.add(text);
    if (power === 0n) return { code: 'validator-power-zero' };
  }
  return undefined;
}

const TIMEOUT_MS = { min: 1, max: TIMEOUT_MS_MAX };

/** Least and greatest value of every number of the consensus options. */
const OPTION_BOUNDS = {
  proposeTimeoutMs: TIMEOUT_MS,
  prevoteTimeoutMs: TIMEOUT_MS,
  precommitTimeoutMs: TIMEOUT_MS,
  timeoutDeltaMs: TIMEOUT_MS,
  heartbeatMs: { min: HEARTBEAT_MS_MIN, max: 0xffff_ffff },
  // Any transaction fits into a block that holds nothing else.
  blockBytesMax: { min: TRANSACTION_BYTES_MAX, max: BLOCK_BYTES_MAX },
  blockTransactionsMax: { min: 1, max: BLOCK_TRANSACTIONS_MAX },
} as const;

function optionsError(options: ConsensusOptions): GenesisError | undefined {
  // The table's own keys.
  for (const option of Object.keys(OPTION_BOUNDS) as (keyof typeof OPTION_BOUNDS)[]) {
    const { min, max } = OPTION_BOUNDS[option];
    const value = options[option];
    if (value < min || value > max) return { code: 'consensus-options-invalid', option };
  }
  return undefined;
}

/** Checks a document and makes the first state from it. */
export function createGenesis(
  registry: ModuleRegistry,
  codec: Codec<GenesisDocument>,
  document: GenesisDocument,
): Result<Genesis, GenesisError> {
  const { version, validators, native, timestampMs } = document;
  if (version !== PROTOCOL_VERSION) return fail({ code: 'version-unsupported', version });
  const error = validatorsError(validators) ?? optionsError(document.consensus);
  if (error !== undefined) return fail(error);
  const suite = hashSuite(document.hashSuite);
  const state = new Overlay({ get: () => undefined });
  for (const module of registry.modules) {
    const section = document.modules[module.name];
    if (section === undefined) {
      assert(module.genesis.isOptional, `the codec wants a section for ${module.name}`);
      continue;
    }
    // The module's own codec made its section.
    const refusal = module.genesis.apply({ suite, state, timestampMs, native }, section as never);
    if (refusal === undefined) continue;
    const { reason } = refusal;
    return fail({ code: 'module-section-invalid', module: module.name, reason });
  }
  const chainId = suite.hash('genesis', encode(codec, document));
  const membership = { validators };
  return ok({ document, suite, chainId, membership, changes: state.changes() });
}
