import { builtinModules, createActionCodec, createModuleRegistry } from '../ledger/index.ts';
import type { Methods } from './methods.ts';
import { createMethods } from './methods.ts';

let methods: Methods | undefined;

/** The table of methods for the modules that ship with the ledger; made once, when first asked. */
export function builtinMethods(): Methods {
  methods ??= createMethods(createActionCodec(createModuleRegistry(builtinModules)));
  return methods;
}
