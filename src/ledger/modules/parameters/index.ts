import { defined, equalBytes } from '../../../base/index.ts';
import type { Infer } from '../../../codec/index.ts';
import { option, struct, text, u8, u32, union, vector } from '../../../codec/index.ts';
import { addressCodec } from '../../address.ts';
import {
  ACTION_GAS_ENTRIES_MAX,
  CHANGES_PER_ACTION_MAX,
  VALIDITY_HEIGHTS_MAX,
} from '../../limits.ts';
import type {
  ActionContext,
  ActionOutcome,
  ChainParameters,
  ParameterService,
} from '../../module.ts';
import { defineAction, defineLog, defineModule } from '../../module.ts';
import { createTable } from '../../table.ts';
import { amountCodec, gasCodec } from '../../types.ts';

const PARAMETERS_MODULE = 4;
/** Accounts that may change parameters. */
const AUTHORITIES_MAX = 16;
/** A block must have room for the dearest ordinary transaction. */
const BLOCK_GAS_MIN = 1_000_000;

const actionGasCodec = struct('ActionGas', {
  /** `module.action`. */
  action: text({ max: 48 }),
  gas: gasCodec,
});

/** The chain's parameters as they are stored; see `ChainParameters` for their meaning. */
export const chainParametersCodec = struct('ChainParameters', {
  gasPrice: amountCodec,
  gasPerTransaction: gasCodec,
  gasPerByte: gasCodec,
  gasPerSignature: gasCodec,
  blockGasMax: gasCodec,
  validityHeightsMax: u32,
  feeRecipient: option(addressCodec),
  actionGas: vector(actionGasCodec, { max: ACTION_GAS_ENTRIES_MAX }),
});

const authoritiesCodec = vector(addressCodec, { max: AUTHORITIES_MAX });

/** One parameter's new value. */
export const parameterChangeCodec = union('ParameterChange', {
  'gas-price': struct('GasPrice', { gasPrice: amountCodec }),
  'gas-per-transaction': struct('GasPerTransaction', { gas: gasCodec }),
  'gas-per-byte': struct('GasPerByte', { gas: gasCodec }),
  'gas-per-signature': struct('GasPerSignature', { gas: gasCodec }),
  'block-gas-max': struct('BlockGasMax', { gas: gasCodec }),
  'validity-heights-max': struct('ValidityHeightsMax', { heights: u32 }),
  'fee-recipient': struct('FeeRecipient', { address: option(addressCodec) }),
  'action-gas': actionGasCodec,
  authorities: struct('Authorities', {
    accounts: vector(addressCodec, { min: 1, max: AUTHORITIES_MAX }),
  }),
});
export type ParameterChange = Infer<typeof parameterChangeCodec>;

export const setParametersFields = struct('SetParameters', {
  changes: vector(parameterChangeCodec, { min: 1, max: CHANGES_PER_ACTION_MAX }),
});
export type SetParameters = Infer<typeof setParametersFields>;

export const parametersGenesisCodec = struct('ParametersGenesis', {
  /** Accounts that may change parameters; none means that nobody ever can. */
  authorities: authoritiesCodec,
  values: chainParametersCodec,
});
export type ParametersGenesis = Infer<typeof parametersGenesisCodec>;

/** The parameters, under the one key 0. */
export const parameterValues = createTable(
  { module: PARAMETERS_MODULE, table: 1 },
  u8,
  chainParametersCodec,
);
/** Who may change them, under the one key 0. */
export const parameterAuthorities = createTable(
  { module: PARAMETERS_MODULE, table: 2 },
  u8,
  authoritiesCodec,
);

/** How actions of this module fail. */
const PARAMETERS_ERRORS = ['not-authority', 'value-out-of-range', 'entries-too-many'] as const;
type ParametersErrorCode = (typeof PARAMETERS_ERRORS)[number];

const failed = (code: ParametersErrorCode): ActionOutcome => ({ code });

/** What is wrong with some parameters: they must never stop the network for good. */
function parametersFault(values: ChainParameters): ParametersErrorCode | undefined {
  const { validityHeightsMax, blockGasMax, actionGas } = values;
  if (validityHeightsMax < 1 || validityHeightsMax > VALIDITY_HEIGHTS_MAX) {
    return 'value-out-of-range';
  }
  const prices = [values.gasPerTransaction, values.gasPerByte, values.gasPerSignature];
  for (const entry of actionGas) prices.push(entry.gas);
  // Prices stay small beside a block, so that sums stay exact and the cure stays affordable.
  if (prices.some((gas) => gas > BLOCK_GAS_MIN / 10)) return 'value-out-of-range';
  if (blockGasMax < BLOCK_GAS_MIN || blockGasMax > 1e12) return 'value-out-of-range';
  if (values.gasPrice > 1_000_000_000n) return 'value-out-of-range';
  const cure = values.gasPerTransaction + 2_048 * values.gasPerByte + 16 * values.gasPerSignature;
  // A change of parameters of 2 KB with 16 signatures must always fit into a block.
  if (cure + BLOCK_GAS_MIN / 10 > blockGasMax) return 'value-out-of-range';
  return actionGas.length > ACTION_GAS_ENTRIES_MAX ? 'entries-too-many' : undefined;
}

function changed(values: ChainParameters, change: ParameterChange): ChainParameters {
  switch (change.kind) {
    case 'gas-price':
      return { ...values, gasPrice: change.gasPrice };
    case 'gas-per-transaction':
      return { ...values, gasPerTransaction: change.gas };
    case 'gas-per-byte':
      return { ...values, gasPerByte: change.gas };
    case 'gas-per-signature':
      return { ...values, gasPerSignature: change.gas };
    case 'block-gas-max':
      return { ...values, blockGasMax: change.gas };
    case 'validity-heights-max':
      return { ...values, validityHeightsMax: change.heights };
    case 'fee-recipient':
      return { ...values, feeRecipient: change.address };
    case 'action-gas': {
      const others = values.actionGas.filter(({ action }) => action !== change.action);
      return { ...values, actionGas: [...others, { action: change.action, gas: change.gas }] };
    }
    case 'authorities':
      return values; // Kept in a table of its own.
    default: {
      const missing: never = change;
      return missing;
    }
  }
}

function setParameters(context: ActionContext, { changes }: SetParameters): ActionOutcome {
  const { state, sender } = context;
  const authorities = parameterAuthorities.get(state, 0) ?? [];
  if (!authorities.some((each) => equalBytes(each, sender))) return failed('not-authority');
  let values = defined(parameterValues.get(state, 0), 'genesis set the parameters');
  for (const change of changes) {
    values = changed(values, change);
    if (change.kind === 'authorities') parameterAuthorities.set(state, 0, change.accounts);
  }
  const fault = parametersFault(values);
  if (fault !== undefined) return failed(fault);
  parameterValues.set(state, 0, values);
  context.log('changed', [sender], { count: changes.length });
  return undefined;
}

const parameterService: ParameterService = {
  load: (state) => defined(parameterValues.get(state, 0), 'genesis set the parameters'),
  keysOf: () => [parameterValues.keyOf(0)],
};

/** Parameters of the chain that its authorities may change; changes hold from the next block. */
export const parametersModule = defineModule<ParametersGenesis>({
  number: PARAMETERS_MODULE,
  name: 'parameters',
  actions: [
    defineAction<SetParameters>({
      number: 1,
      name: 'set',
      fields: setParametersFields,
      classOf: () => 'vault',
      gas: 2_000,
      keysOf: () => [parameterValues.keyOf(0), parameterAuthorities.keyOf(0)],
      execute: setParameters,
      description: { title: 'set-parameters', fields: { changes: 'detail' } },
    }),
  ],
  errors: PARAMETERS_ERRORS,
  logs: { changed: defineLog(struct('Changed', { count: u8 })) },
  genesis: {
    section: parametersGenesisCodec,
    isOptional: false,
    apply({ state }, { authorities, values }) {
      const fault = parametersFault(values);
      if (fault !== undefined) return { reason: fault };
      parameterValues.set(state, 0, values);
      parameterAuthorities.set(state, 0, authorities);
      return undefined;
    },
  },
  provides: { parameters: parameterService },
});
