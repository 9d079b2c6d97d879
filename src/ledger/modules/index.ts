import type { AnyModule } from '../module.ts';
import { accountModule } from './account/index.ts';
import { assetModule } from './asset/index.ts';
import { faucetModule } from './faucet/index.ts';
import { parametersModule } from './parameters/index.ts';

/** The modules that ship with the ledger; numbers are permanent, new ones are added. */
export const builtinModules: readonly AnyModule[] = [
  accountModule,
  assetModule,
  faucetModule,
  parametersModule,
];
