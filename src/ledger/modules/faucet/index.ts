import { equalBytes } from '../../../base/index.ts';
import type { Infer } from '../../../codec/index.ts';
import { struct, u8, uint53 } from '../../../codec/index.ts';
import { addressCodec } from '../../address.ts';
import { ZERO_AMOUNT } from '../../amount.ts';
import { NATIVE_ASSET } from '../../ids.ts';
import type { ActionContext, ActionOutcome } from '../../module.ts';
import { defineAction, defineLog, defineModule } from '../../module.ts';
import { createTable } from '../../table.ts';
import { amountCodec, timestampCodec } from '../../types.ts';
import { balances, move } from '../asset/index.ts';

const FAUCET_MODULE = 3;

export const grantFields = struct('Grant', { recipient: addressCodec });
export type Grant = Infer<typeof grantFields>;

/** Who grants, how much at once, and how long an account waits between two grants. */
export const faucetGenesisCodec = struct('FaucetGenesis', {
  operator: addressCodec,
  amount: amountCodec,
  /** Milliseconds of block time; 0 means no waiting. */
  intervalMs: uint53,
});
export type FaucetGenesis = Infer<typeof faucetGenesisCodec>;

/** The faucet of a network, under the one key 0. */
export const faucetSettings = createTable(
  { module: FAUCET_MODULE, table: 1 },
  u8,
  faucetGenesisCodec,
);
/** When an account was granted coins last: the time of that block. */
export const faucetGrants = createTable(
  { module: FAUCET_MODULE, table: 2 },
  addressCodec,
  timestampCodec,
);

/** How actions of this module fail. */
const FAUCET_ERRORS = [
  'faucet-absent',
  'not-operator',
  'granted-too-recently',
  'insufficient-balance',
  'balance-overflow',
  'assets-too-many',
] as const;
type FaucetErrorCode = (typeof FAUCET_ERRORS)[number];

const failed = (code: FaucetErrorCode): ActionOutcome => ({ code });

function grant(context: ActionContext, { recipient }: Grant): ActionOutcome {
  const { state, sender, timestampMs } = context;
  const settings = faucetSettings.get(state, 0);
  if (settings === undefined) return failed('faucet-absent');
  const { operator, amount, intervalMs } = settings;
  if (!equalBytes(sender, operator)) return failed('not-operator');
  const last = faucetGrants.get(state, recipient);
  if (last !== undefined && timestampMs - last < intervalMs) return failed('granted-too-recently');
  const error = move(state, NATIVE_ASSET, { from: operator, to: recipient }, amount);
  if (error !== undefined) return failed(error);
  faucetGrants.set(state, recipient, timestampMs);
  context.log('granted', [operator, recipient], { amount });
  return undefined;
}

/** Test coins: an operator account hands out its own, so no coin is made from nothing. */
export const faucetModule = defineModule<FaucetGenesis>({
  number: FAUCET_MODULE,
  name: 'faucet',
  actions: [
    defineAction<Grant>({
      number: 1,
      name: 'grant',
      fields: grantFields,
      classOf: () => 'everyday',
      gas: 700,
      keysOf: ({ sender }, { recipient }) => [
        faucetSettings.keyOf(0),
        faucetGrants.keyOf(recipient),
        balances.keyOf({ address: sender, asset: NATIVE_ASSET }),
        balances.keyOf({ address: recipient, asset: NATIVE_ASSET }),
      ],
      execute: grant,
      description: { title: 'grant-test-coins', fields: { recipient: 'recipient' } },
    }),
  ],
  errors: FAUCET_ERRORS,
  logs: { granted: defineLog(struct('Granted', { amount: amountCodec })) },
  genesis: {
    section: faucetGenesisCodec,
    isOptional: true,
    apply({ state }, section) {
      if (section.amount === ZERO_AMOUNT) return { reason: 'amount-zero' };
      faucetSettings.set(state, 0, section);
      return undefined;
    },
  },
});
