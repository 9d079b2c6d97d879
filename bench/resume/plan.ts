/** Accounts of the state that counts, and of the one that it is compared with. */
export const ACCOUNTS = 1_000_000;
export const FEW_ACCOUNTS = 10_000;
/** Of the head: one at which all nodes keep a snapshot. */
export const HEIGHT = 1_024;
