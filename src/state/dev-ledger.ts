export * from '../ledger/types.ts';
export * from '../ledger/state.ts';
