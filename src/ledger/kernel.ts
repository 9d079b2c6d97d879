import { assert } from '../base/index.ts';
import type { Hash, HashSuite } from '../crypto/index.ts';
import type { ModuleRegistry } from './action.ts';
import type { Genesis } from './genesis.ts';
import type {
  AccountService,
  AnyModule,
  ChainParameters,
  FeeService,
  MembershipService,
  ParameterService,
} from './module.ts';
import type { StateView } from './state.ts';
import type { Gas, TransactionCodecs } from './types.ts';

/** What every rule of the kernel needs to know of its network; the same on every node. */
export type Kernel = {
  readonly genesis: Genesis;
  readonly suite: HashSuite;
  readonly chainId: Hash;
  readonly registry: ModuleRegistry;
  readonly codecs: TransactionCodecs;
  readonly services: KernelServices;
};

/** What modules do for the kernel, which itself knows no noun. */
export type KernelServices = {
  readonly accounts: AccountService;
  readonly fees: FeeService;
  readonly parameters: ParameterService;
  /** Absent while those whom genesis names decide for ever. */
  readonly membership: MembershipService | undefined;
};

/** Finds the one provider of each service. */
export function collectServices(modules: readonly AnyModule[]): KernelServices {
  const only = <Service>(name: string, found: readonly (Service | undefined)[]): Service => {
    const services = found.filter((each) => each !== undefined);
    const [service] = services;
    assert(service !== undefined && services.length === 1, `one module must provide ${name}`);
    return service;
  };
  const membership = modules.flatMap(({ provides }) => provides?.membership ?? []);
  assert(membership.length <= 1, 'two modules decide the membership');
  return {
    accounts: only(
      'accounts',
      modules.map(({ provides }) => provides?.accounts),
    ),
    fees: only(
      'fees',
      modules.map(({ provides }) => provides?.fees),
    ),
    parameters: only(
      'parameters',
      modules.map(({ provides }) => provides?.parameters),
    ),
    membership: membership[0],
  };
}

/** The parameters of one block, ready for many look-ups. */
export type BlockRules = ChainParameters & { gasOfAction(kind: string): Gas };

/** Reads the parameters that hold for a block on top of a state. */
export function blockRules(kernel: Kernel, state: StateView): BlockRules {
  const values = kernel.services.parameters.load(state);
  const prices = new Map(values.actionGas.map(({ action, gas }) => [action, gas]));
  const gasOfAction = (kind: string): Gas => {
    const own = kernel.registry.actionOfKind(kind)?.definition.gas ?? 0;
    return prices.get(kind) ?? (own as Gas); // Modules state whole gas.
  };
  return { ...values, gasOfAction };
}
