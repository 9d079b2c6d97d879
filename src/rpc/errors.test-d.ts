import type { TransactionError } from '../ledger/index.ts';
import type { TRANSACTION_ERROR_CODES } from './errors.ts';

type Missing = Exclude<TransactionError['code'], (typeof TRANSACTION_ERROR_CODES)[number]>;

/** Does not compile while a code of the ledger is unknown here. */
export const allCodesKnown: [Missing] extends [never] ? true : Missing = true;
